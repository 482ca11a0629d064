//! Namespaces whose labels are being written.

use super::{ScopeInputs, WebhookScope};
use crate::catalog::NamespaceLabels;
use crate::json::Json;
use crate::selection::NamespaceFacts;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A namespace whose labels are being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relabeling {
    /// Its name.
    pub namespace: Arc<str>,
    /// Those of its labels that somebody asks for, as they are.
    pub before: NamespaceLabels,
    /// The same as they are going to be.
    pub after: NamespaceLabels,
}

impl Relabeling {
    /// Reads what these scopes ask for of the labels as they are, and as they are going to be: there may be any number of others.
    #[must_use]
    pub fn read(namespace: &str, [before, after]: [Json<'_>; 2], scopes: &[WebhookScope]) -> Self {
        let asked: BTreeSet<&str> = scopes.iter().flat_map(|scope| scope.namespaces.keys()).collect();
        let labels = |object: Json<'_>| {
            let members = object.passing_members().filter(|(key, _)| asked.contains(&**key));
            members.filter_map(|(key, value)| Some((key.into_owned(), value.passing_str()?.into_owned()))).collect()
        };
        Self { namespace: namespace.into(), before: labels(before), after: labels(after) }
    }

    /// Says whether the namespace is going to be one of those of a scope, and is none of them yet.
    // The API server learns of the labels of a namespace a little later than it answers whoever writes them.
    #[must_use]
    pub fn adds_to(&self, scope: &WebhookScope, around: ScopeInputs<'_>) -> bool {
        let is_in = |labels| {
            let facts = NamespaceFacts { name: Some(&self.namespace), labels: Some(labels), matched: None };
            scope.namespaces.contain(facts) == Some(true)
        };
        let is_reserved = around.reserved.contains_key(&self.namespace);
        scope.namespaces.need_labels() && !is_reserved && is_in(&self.after) && !is_in(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Entry};
    use crate::json::Document;
    use crate::registration::FailurePolicy;
    use serde_json::{Value, json};

    fn scope(namespaces: &Value) -> WebhookScope {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}}, "namespaceSelector": namespaces,
                "containers": [{"name": "a", "image": "i"}],
            },
        });
        Entry::new(&serde_json::from_value(set).unwrap()).scope().unwrap()
    }

    fn of_team(team: &str) -> WebhookScope {
        scope(&json!({"matchLabels": {"team": team}}))
    }

    #[test]
    fn of_the_labels_of_a_namespace_those_are_read_that_somebody_asks_for() {
        let namespace = Document::parse(r#"{"te\u0061m": "\u0061", "tier": "b", "team": 5, "x": "c"}"#).unwrap();
        let asked = scope(&json!({"matchExpressions": [
            {"key": "team", "operator": "In", "values": ["a"]}, {"key": "x", "operator": "Exists"},
        ]}));

        let relabeling = Relabeling::read("shop", [Json::null(), namespace.root()], &[asked, of_team("b")]);

        let read = [("team", "a"), ("x", "c")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!((relabeling.before, relabeling.after), (NamespaceLabels::new(), read.into()));
    }

    /// Whether a namespace of this name that changes from one team to another is new to a scope.
    fn adds(namespace: &str, [before, after]: [&str; 2], scope: &WebhookScope) -> bool {
        let catalog = Catalog::reserving(["kube-system"]).without_operator("own");
        let labels = |team: &str| {
            let labels = [("team", team), ("kubernetes.io/metadata.name", namespace)];
            labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        };
        let relabeling = Relabeling { namespace: namespace.into(), before: labels(before), after: labels(after) };
        relabeling.adds_to(scope, catalog.surroundings(FailurePolicy::Fail))
    }

    #[test]
    fn only_namespaces_that_come_to_a_set_are_new_to_it() {
        assert!(adds("shop", ["blue", "red"], &of_team("red")));
        assert!(!adds("shop", ["red", "blue"], &of_team("red")));
        assert!(!adds("shop", ["red", "red"], &of_team("red")));
        let named = scope(&json!({"matchLabels": {"kubernetes.io/metadata.name": "shop"}}));
        assert!(!adds("shop", ["blue", "red"], &named));
    }

    #[test]
    fn a_reserved_namespace_comes_to_no_set_by_its_labels() {
        assert!(!adds("kube-system", ["blue", "red"], &of_team("red")));
        assert!(!adds("own", ["blue", "red"], &of_team("red")));
    }
}
