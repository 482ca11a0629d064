//! Which Pods are upgraded first.

use super::Violations;
use super::member::{REQUIRED, duplicate, out_of_range};
use crate::selection::Selector;
use sidecarset_api::v1beta1::{PriorityStrategy, ScatterTerm, SidecarSetSpec};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const PATH: &str = "spec.updateStrategy";
const WEIGHTS: RangeInclusive<i64> = 0..=100;

/// Adds what is wrong with the priority and the scattering of an upgrade.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    let Some(strategy) = &spec.update_strategy else { return };
    if let Some(priority) = &strategy.priority_strategy {
        check_priority(priority, violations);
    }
    check_scatter(strategy.scatter_strategy.as_deref().unwrap_or_default(), violations);
}

fn check_priority(priority: &PriorityStrategy, violations: &mut Violations) {
    let path = format!("{PATH}.priorityStrategy");
    let orders = priority.order_priority.as_deref().unwrap_or_default();
    let weights = priority.weight_priority.as_deref().unwrap_or_default();
    if !orders.is_empty() && !weights.is_empty() {
        violations.add(path.as_str(), "orderPriority and weightPriority are mutually exclusive");
    }
    for (at, order) in orders.iter().enumerate() {
        if order.ordered_key.is_empty() {
            violations.add(format!("{path}.orderPriority[{at}].orderedKey"), REQUIRED);
        }
    }
    for (at, term) in weights.iter().enumerate() {
        let path = format!("{path}.weightPriority[{at}]");
        let weight = i64::from(term.weight);
        if !WEIGHTS.contains(&weight) {
            violations.add(format!("{path}.weight"), out_of_range(weight, &WEIGHTS));
        }
        let path = format!("{path}.matchSelector");
        if Selector::parse(&term.match_selector, &path, violations).is_some_and(|selector| selector.is_empty()) {
            violations.add(path, "must not be empty");
        }
    }
}

fn check_scatter(terms: &[ScatterTerm], violations: &mut Violations) {
    let mut known = BTreeSet::new();
    for (at, term) in terms.iter().enumerate() {
        let path = format!("{PATH}.scatterStrategy[{at}]");
        if term.key.is_empty() {
            violations.add(format!("{path}.key"), REQUIRED);
        } else if !known.insert((&term.key, &term.value)) {
            violations.add(path, duplicate(&format!("{}={}", term.key, term.value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(strategy: &Value) -> Vec<String> {
        let mut violations = Violations::default();
        check(&serde_json::from_value(json!({"updateStrategy": strategy})).unwrap(), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn weights_and_their_selectors_are_checked() {
        let term = |weight: i32, selector: Value| json!({"weight": weight, "matchSelector": selector});
        let app = json!({"matchLabels": {"app": "a"}});

        let found = violations(&json!({"priorityStrategy": {"weightPriority": [
            term(0, app.clone()), term(100, app.clone()), term(101, app.clone()), term(-1, app), term(1, json!({})),
        ]}}));

        let path = "spec.updateStrategy.priorityStrategy.weightPriority";
        assert_eq!(
            found,
            [
                format!("{path}[2].weight: 101 is not between 0 and 100"),
                format!("{path}[3].weight: -1 is not between 0 and 100"),
                format!("{path}[4].matchSelector: must not be empty"),
            ]
        );
    }

    #[test]
    fn one_of_the_two_orders_is_chosen_and_has_its_keys() {
        let found = violations(&json!({"priorityStrategy": {
            "weightPriority": [{"weight": 1, "matchSelector": {"matchLabels": {"app": "a"}}}],
            "orderPriority": [{"orderedKey": "a"}, {"orderedKey": ""}],
        }}));

        let path = "spec.updateStrategy.priorityStrategy";
        assert_eq!(
            found,
            [
                format!("{path}: orderPriority and weightPriority are mutually exclusive"),
                format!("{path}.orderPriority[1].orderedKey: is required"),
            ]
        );
    }

    #[test]
    fn a_scattered_label_has_a_key_and_is_named_once() {
        let found = violations(&json!({"scatterStrategy": [
            {"key": "a", "value": "b"}, {"key": "a", "value": "*"}, {"key": "a", "value": "b"}, {"key": "", "value": "b"},
        ]}));

        let path = "spec.updateStrategy.scatterStrategy";
        assert_eq!(found, [format!("{path}[2]: duplicate value: \"a=b\""), format!("{path}[3].key: is required")]);
    }
}
