//! What a set says of its Pods, as far as new ones can be injected.

use super::Violations;
use crate::catalog::Catalog;
use crate::normalize::CanonicalSet;
use crate::registration::excess;
use sidecarset_api::v1beta1::SidecarSetSpec;

/// Adds what keeps every new Pod from being injected.
pub(super) fn check(source: &SidecarSetSpec, set: &CanonicalSet, catalog: &Catalog, violations: &mut Violations) {
    if let Some(excess) = excess(&set.selector, &set.namespaces) {
        violations.add("spec.selector", excess);
    }
    if let Some(own) = catalog.operator_namespace().filter(|own| set.namespaces.are_only(own)) {
        violations
            .add(path(source), format!("selects only {own}: the operator runs there, and its pods get no sidecars"));
    }
}

/// Warns of Pods that are asked for by name, and get nothing nevertheless.
pub(super) fn warn(source: &SidecarSetSpec, set: &CanonicalSet, catalog: &Catalog, warnings: &mut Vec<String>) {
    if let Some(own) = catalog.operator_namespace().filter(|own| set.namespaces.names(own)) {
        warnings.push(format!("{}: pods of {own} get no sidecars: the operator runs there", path(source)));
    }
}

fn path(source: &SidecarSetSpec) -> &'static str {
    let is_by_name = source.namespace.as_deref().is_some_and(|name| !name.is_empty());
    if is_by_name { "spec.namespace" } else { "spec.namespaceSelector" }
}

#[cfg(test)]
mod tests {
    use super::super::examine;
    use super::*;
    use serde_json::{Value, json};

    fn examined(spec: Value) -> Result<Vec<String>, String> {
        let mut spec = spec;
        let default = json!({"matchLabels": {"app": "web"}});
        spec["selector"] = spec.get("selector").cloned().unwrap_or(default);
        spec["containers"] = json!([{"name": "a", "image": "i", "resources": {"requests": {"cpu": "1m"}}}]);
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"}, "spec": spec,
        });
        let catalog = Catalog::default().without_operator("own");
        let examined = examine(&serde_json::from_value(set).unwrap(), None, &catalog, Violations::default());
        examined.map_err(|violations| violations.to_string())
    }

    fn by_name(names: &[&str]) -> Value {
        let expression = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": names});
        json!({"namespaceSelector": {"matchExpressions": [expression]}})
    }

    fn requiring(requirements: usize) -> Value {
        let requirement = |at| json!({"key": format!("key-{at}"), "operator": "NotIn", "values": ["v"]});
        json!({"matchExpressions": (0..requirements).map(requirement).collect::<Vec<_>>()})
    }

    #[test]
    fn a_set_for_the_namespace_of_the_operator_alone_is_rejected() {
        let why = "selects only own: the operator runs there, and its pods get no sidecars";

        assert_eq!(examined(by_name(&["own"])), Err(format!("spec.namespaceSelector: {why}")));
        assert_eq!(examined(json!({"namespace": "own"})), Err(format!("spec.namespace: {why}")));
    }

    #[test]
    fn a_set_for_the_namespace_of_the_operator_and_others_is_warned_of() {
        let warning = "spec.namespaceSelector: pods of own get no sidecars: the operator runs there";

        assert_eq!(examined(by_name(&["own", "shop"])), Ok(vec![warning.to_owned()]));
        assert_eq!(examined(by_name(&["shop"])), Ok(vec![]));
        assert_eq!(examined(json!({})), Ok(vec![]));
    }

    #[test]
    fn a_set_whose_selectors_are_too_much_for_the_api_server_is_rejected() {
        let why = "spec.selector: has too many requirements for the API server, together with spec.namespaceSelector: each \
                   counts 20, and each of its values 1, which is 1008; the most is 1000";
        let both = json!({"selector": requiring(47), "namespaceSelector": requiring(1)});

        assert_eq!(examined(json!({"selector": requiring(48)})), Err(why.to_owned()));
        assert_eq!(examined(both), Err(why.to_owned()));
        assert_eq!(examined(json!({"selector": requiring(47)})), Ok(vec![]));
    }
}
