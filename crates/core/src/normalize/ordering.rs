//! Which Pods are upgraded first, parsed once.

use crate::selection::Selector;
use crate::validation::{REQUIRED, Violations, duplicate, out_of_range};
use sidecarset_api::v1beta1::{PriorityStrategy, ScatterTerm, UpdateStrategy, WeightPriority};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const PATH: &str = "spec.updateStrategy";
const WEIGHTS: RangeInclusive<i64> = 0..=100;

/// The order in which Pods are upgraded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpgradeOrder {
    /// Which Pods come first.
    pub priority: Priority,
    /// The labels whose Pods are spread evenly over that order.
    pub scatter: Vec<ScatteredLabel>,
}

/// Which Pods come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Priority {
    /// The set does not say.
    #[default]
    Unset,
    /// Those with the largest sum of weights.
    Weights(Vec<Weight>),
    /// Those that have the first of these labels, then those that have the second, and so on; of one label those
    /// with the largest number at the end of its value.
    OrderedKeys(Vec<String>),
}

/// A weight of the Pods with certain labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// From 0 to 100.
    pub weight: u32,
    /// The labels.
    pub selector: Selector,
}

/// A label whose Pods are spread evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScatteredLabel {
    /// The key of the label.
    pub key: String,
    /// The value of the label.
    pub value: ScatteredValue,
}

/// The value of a label whose Pods are spread evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScatteredValue {
    /// Each value there is, one after the other.
    Each,
    /// This one.
    One(String),
}

impl UpgradeOrder {
    /// Parses it, adding what is wrong with it.
    pub(super) fn parse(strategy: &UpdateStrategy, violations: &mut Violations) -> Self {
        let priority = strategy.priority_strategy.as_ref().map(|source| Priority::parse(source, violations));
        let scatter = strategy.scatter_strategy.as_deref().unwrap_or_default();
        check_scatter(scatter, violations);
        Self { priority: priority.unwrap_or_default(), scatter: scatter.iter().map(ScatteredLabel::of).collect() }
    }
}

impl Priority {
    fn parse(source: &PriorityStrategy, violations: &mut Violations) -> Self {
        let path = format!("{PATH}.priorityStrategy");
        let orders = source.order_priority.as_deref().unwrap_or_default();
        let weights = source.weight_priority.as_deref().unwrap_or_default();
        if !orders.is_empty() && !weights.is_empty() {
            violations.add(path.as_str(), "orderPriority and weightPriority are mutually exclusive");
        }
        for (at, order) in orders.iter().enumerate() {
            if order.ordered_key.is_empty() {
                violations.add(format!("{path}.orderPriority[{at}].orderedKey"), REQUIRED);
            }
        }
        let terms = weights.iter().enumerate();
        let parsed: Vec<Weight> = terms
            .filter_map(|(at, term)| Weight::parse(term, &format!("{path}.weightPriority[{at}]"), violations))
            .collect();
        match (weights.is_empty(), orders.is_empty()) {
            (false, _) => Self::Weights(parsed),
            (true, false) => Self::OrderedKeys(orders.iter().map(|order| order.ordered_key.clone()).collect()),
            (true, true) => Self::Unset,
        }
    }
}

impl Weight {
    fn parse(source: &WeightPriority, path: &str, violations: &mut Violations) -> Option<Self> {
        let weight = i64::from(source.weight);
        if !WEIGHTS.contains(&weight) {
            violations.add(format!("{path}.weight"), out_of_range(weight, &WEIGHTS));
        }
        let path = format!("{path}.matchSelector");
        let selector = Selector::parse(&source.match_selector, &path, violations)?;
        if selector.is_empty() {
            violations.add(path, "must not be empty");
        }
        Some(Self { weight: u32::try_from(weight).ok()?, selector })
    }
}

impl ScatteredLabel {
    fn of(source: &ScatterTerm) -> Self {
        let value = match source.value.as_str() {
            "*" => ScatteredValue::Each,
            one => ScatteredValue::One(one.to_owned()),
        };
        Self { key: source.key.clone(), value }
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
        UpgradeOrder::parse(&serde_json::from_value(strategy.clone()).unwrap(), &mut violations);
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

    #[test]
    fn empty_lists_of_priorities_say_nothing() {
        let strategy = json!({"priorityStrategy": {"weightPriority": [], "orderPriority": []}});

        let order = UpgradeOrder::parse(&serde_json::from_value(strategy).unwrap(), &mut Violations::default());

        assert_eq!(order, UpgradeOrder::default());
    }
}
