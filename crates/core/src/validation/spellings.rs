//! The same thing said twice: in the older spelling and in today's.

use super::Violations;
use crate::selection::Selector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sidecarset_api::v1beta1::SidecarSetSpec;
use std::fmt::Debug;

/// Adds each pair of members that contradict each other.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    let strategy = spec.update_strategy.as_ref();
    let older = spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    check_pair(
        ("spec.paused", spec.paused),
        ("spec.updateStrategy.paused", strategy.and_then(|strategy| strategy.paused)),
        violations,
    );
    check_pair(
        (
            "spec.strategy.rollingUpdate.maxUnavailable",
            older.and_then(|older| older.max_unavailable.as_ref()).map(text),
        ),
        (
            "spec.updateStrategy.maxUnavailable",
            strategy.and_then(|strategy| strategy.max_unavailable.as_ref()).map(text),
        ),
        violations,
    );
    check_namespaces(spec, violations);
}

fn text(value: &IntOrString) -> String {
    match value {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text.clone(),
    }
}

fn check_pair<T: Debug + PartialEq>(
    (older_path, older): (&str, Option<T>),
    (path, value): (&str, Option<T>),
    violations: &mut Violations,
) {
    if let (Some(older), Some(value)) = (older, value)
        && older != value
    {
        violations.add(older_path, format!("says {older:?}, but {path} says {value:?}: remove one of them"));
    }
}

fn check_namespaces(spec: &SidecarSetSpec, violations: &mut Violations) {
    let (Some(name), Some(source)) =
        (spec.namespace.as_deref().filter(|name| !name.is_empty()), &spec.namespace_selector)
    else {
        return;
    };
    // What is wrong with the selector itself is told where it is read.
    let selector = Selector::parse(source, "", &mut Violations::default());
    if selector.is_some_and(|selector| selector != Selector::namespace_named(name)) {
        violations.add(
            "spec.namespace",
            format!("says {name:?}, but spec.namespaceSelector says something else: remove one of them"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(spec: Value) -> Vec<String> {
        crate::validation::found(check, spec)
    }

    #[test]
    fn two_values_of_max_unavailable_are_refused_with_both_paths() {
        let found = violations(json!({
            "strategy": {"rollingUpdate": {"maxUnavailable": 2}},
            "updateStrategy": {"maxUnavailable": "50%"},
        }));

        assert_eq!(
            found,
            [
                "spec.strategy.rollingUpdate.maxUnavailable: says \"2\", but spec.updateStrategy.maxUnavailable says \"50%\": remove one of them"
            ]
        );
    }

    #[test]
    fn two_values_of_paused_are_refused_with_both_paths() {
        let found = violations(json!({"paused": true, "updateStrategy": {"paused": false}}));

        assert_eq!(found, ["spec.paused: says true, but spec.updateStrategy.paused says false: remove one of them"]);
    }

    #[test]
    fn a_namespace_beside_another_namespace_selector_is_refused() {
        let found = violations(json!({"namespace": "a", "namespaceSelector": {"matchLabels": {"team": "b"}}}));

        assert_eq!(
            found,
            ["spec.namespace: says \"a\", but spec.namespaceSelector says something else: remove one of them"]
        );
    }

    #[test]
    fn the_same_thing_said_twice_is_no_contradiction() {
        let found = violations(json!({
            "namespace": "a",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "a"}},
            "paused": true,
            "strategy": {"rollingUpdate": {"maxUnavailable": 2}},
            "updateStrategy": {"paused": true, "maxUnavailable": 2},
        }));

        assert_eq!(found, [""; 0]);
    }
}
