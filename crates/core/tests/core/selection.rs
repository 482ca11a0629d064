//! Selections over every label set of a small world.

use crate::trials::trials;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, NamespaceLabels};
use sidecarset_core::selection::{Namespaces, Selected, Selector, is_satisfiable, selects};
use sidecarset_core::validation::Violations;
use std::collections::BTreeMap;

type World = Vec<BTreeMap<String, String>>;

/// Every combination of two labels, each absent or with one of four values; selectors know only three of those.
fn world() -> World {
    let values = [None, Some("x"), Some("y"), Some("z"), Some("unheard-of")];
    let pairs = values.iter().flat_map(|a| values.iter().map(move |b| [("a", a), ("b", b)]));
    let labels = |pair: [(&str, &Option<&str>); 2]| {
        pair.into_iter().filter_map(|(key, value)| Some((key.to_owned(), (*value)?.to_owned()))).collect()
    };
    pairs.map(labels).collect()
}

fn expression() -> impl Strategy<Value = Value> {
    let key = prop_oneof!["a", "b"];
    let values = || prop::collection::btree_set(prop_oneof!["x", "y", "z"], 1..=3);
    prop_oneof![
        (key.clone(), values()).prop_map(|(key, values)| json!({"key": key, "operator": "In", "values": values})),
        (key.clone(), values()).prop_map(|(key, values)| json!({"key": key, "operator": "NotIn", "values": values})),
        key.clone().prop_map(|key| json!({"key": key, "operator": "Exists"})),
        key.prop_map(|key| json!({"key": key, "operator": "DoesNotExist"})),
    ]
}

fn expressions() -> impl Strategy<Value = Value> {
    prop::collection::vec(expression(), 1..4).prop_map(|list| json!({"matchExpressions": list}))
}

fn parsed(source: &Value) -> Selector {
    Selector::parse(&serde_json::from_value(source.clone()).unwrap(), "", &mut Violations::default()).unwrap()
}

fn set(name: &str, selector: &Value, namespaces: Option<&Value>) -> Value {
    let containers = json!([{"name": "agent", "image": "i"}]);
    json!({
        "metadata": {"name": name},
        "spec": {"selector": selector, "namespaceSelector": namespaces, "containers": containers},
    })
}

proptest! {
    #![proptest_config(trials(64))]

    #[test]
    fn selectors_can_meet_exactly_where_some_labels_match_both(one in expressions(), other in expressions()) {
        let (one, other) = (parsed(&one), parsed(&other));

        let meet = world().iter().any(|labels| one.matches(labels) && other.matches(labels));

        prop_assert_eq!(is_satisfiable(&[&one, &other]), meet);
    }

    #[test]
    fn the_catalog_selects_what_a_look_at_every_set_would(
        sets in prop::collection::vec((expressions(), prop::option::of(expressions())), 0..12),
        gone in prop::collection::vec(0_usize..12, 0..4),
        is_known in prop::bool::ANY,
    ) {
        let mut catalog = Catalog::default();
        for (at, (selector, namespaces)) in sets.iter().enumerate() {
            let set = set(&format!("set-{at:02}"), selector, namespaces.as_ref());
            catalog.put_set(&serde_json::from_value(set).unwrap());
        }
        for at in gone {
            catalog.remove_set(&format!("set-{at:02}"));
        }
        let selectors: Vec<(String, Selector, Namespaces)> = sets
            .iter()
            .enumerate()
            .map(|(at, (selector, namespaces))| {
                let namespaces = namespaces.as_ref().map_or(Namespaces::All, |it| Namespaces::Matching(parsed(it)));
                (format!("set-{at:02}"), parsed(selector), namespaces)
            })
            .filter(|(name, ..)| catalog.set(name).is_some())
            .collect();

        for pod in world() {
            for namespace in world() {
                let namespace: Option<&NamespaceLabels> = is_known.then_some(&namespace);
                let selection = catalog.select(&pod, namespace);

                let answers = |wanted: Selected| -> Vec<&str> {
                    let answered = selectors.iter().filter(|(_, s, n)| selects(s, n, &pod, namespace) == wanted);
                    answered.map(|(name, ..)| name.as_str()).collect()
                };
                let found: Vec<&str> = selection.sets.iter().map(|set| &*set.name).collect();
                prop_assert_eq!(found, answers(Selected::Yes));
                prop_assert_eq!(selection.needs_namespace, !answers(Selected::DependsOnNamespace).is_empty());
            }
        }
    }
}
