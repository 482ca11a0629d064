//! Whether two selections can meet in one Pod.

use super::{Namespaces, Requirement, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// What the value of one label has to be so that everything asked of it holds.
#[derive(Debug, Default)]
struct Demand<'a> {
    /// The values it may have; any where there is none.
    allowed: Option<BTreeSet<&'a str>>,
    forbidden: BTreeSet<&'a str>,
    is_present: bool,
    is_absent: bool,
}

/// Says whether there are labels that match all of these selectors.
// Keys are independent of each other, so it is enough to look at them one by one. There are more label values than
// anybody can forbid, so forbidding some never rules out a label on its own.
#[must_use]
pub fn is_satisfiable(selectors: &[&Selector]) -> bool {
    let mut demands: BTreeMap<&str, Demand<'_>> = BTreeMap::new();
    for requirement in selectors.iter().flat_map(|selector| selector.requirements()) {
        demands.entry(requirement.key()).or_default().add(requirement);
    }
    demands.values().all(Demand::can_be_met)
}

impl Namespaces {
    /// Says whether no other namespace than that of this name can be one of them.
    #[must_use]
    pub fn are_only(&self, name: &str) -> bool {
        match self {
            Self::All => false,
            Self::Matching(selector) => {
                is_satisfiable(&[selector]) && !is_satisfiable(&[selector, &Selector::namespace_not_named(name)])
            }
        }
    }

    /// Says whether a namespace can be in both.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::All, Self::Matching(one)) | (Self::Matching(one), Self::All) => is_satisfiable(&[one]),
            (Self::Matching(one), Self::Matching(other)) => is_satisfiable(&[one, other]),
        }
    }
}

impl<'a> Demand<'a> {
    fn add(&mut self, requirement: &'a Requirement) {
        match requirement {
            Requirement::In { values, .. } => {
                let values = values.iter().map(String::as_str);
                self.is_present = true;
                self.allowed = Some(match self.allowed.take() {
                    Some(allowed) => values.filter(|value| allowed.contains(value)).collect(),
                    None => values.collect(),
                });
            }
            Requirement::NotIn { values, .. } => self.forbidden.extend(values.iter().map(String::as_str)),
            Requirement::Exists { .. } => self.is_present = true,
            Requirement::DoesNotExist { .. } => self.is_absent = true,
        }
    }

    fn can_be_met(&self) -> bool {
        let has_a_value = self.allowed.as_ref().is_none_or(|allowed| !allowed.is_subset(&self.forbidden));
        if self.is_present { has_a_value && !self.is_absent } else { true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Violations;
    use serde_json::{Value, json};

    fn selector(expressions: &Value) -> Selector {
        let source = serde_json::from_value(json!({"matchExpressions": expressions})).unwrap();
        Selector::parse(&source, "", &mut Violations::default()).unwrap()
    }

    fn can_meet(one: &Value, other: &Value) -> bool {
        is_satisfiable(&[&selector(one), &selector(other)])
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"key": key, "operator": operator, "values": values})
    }

    #[test]
    fn two_values_of_one_label_never_meet() {
        assert!(!can_meet(&json!([expression("a", "In", &["x"])]), &json!([expression("a", "In", &["y", "z"])])));
        assert!(can_meet(&json!([expression("a", "In", &["x", "y"])]), &json!([expression("a", "In", &["y", "z"])])));
    }

    #[test]
    fn labels_of_different_keys_always_meet() {
        assert!(can_meet(&json!([expression("a", "In", &["x"])]), &json!([expression("b", "In", &["x"])])));
        assert!(can_meet(&json!([expression("a", "In", &["x"])]), &json!([expression("b", "Exists", &[])])));
    }

    #[test]
    fn a_label_cannot_be_both_there_and_not() {
        let absent = json!([expression("a", "DoesNotExist", &[])]);

        assert!(!can_meet(&absent, &json!([expression("a", "Exists", &[])])));
        assert!(!can_meet(&absent, &json!([expression("a", "In", &["x"])])));
        assert!(can_meet(&absent, &json!([expression("a", "NotIn", &["x"])])));
    }

    #[test]
    fn values_that_are_all_forbidden_are_never_met() {
        assert!(!can_meet(&json!([expression("a", "In", &["x"])]), &json!([expression("a", "NotIn", &["x", "y"])])));
        assert!(can_meet(&json!([expression("a", "Exists", &[])]), &json!([expression("a", "NotIn", &["x", "y"])])));
    }

    #[test]
    fn three_requirements_that_meet_in_pairs_may_not_meet_together() {
        let one = json!([expression("a", "In", &["x", "y"])]);
        let other = json!([expression("a", "In", &["y", "z"]), expression("a", "NotIn", &["y"])]);

        assert!(!can_meet(&one, &other));
    }

    #[test]
    fn namespaces_meet_where_their_labels_do() {
        let named = |name| Namespaces::Matching(Selector::namespace_named(name));

        assert!(Namespaces::All.overlap(&Namespaces::All) && Namespaces::All.overlap(&named("shop")));
        assert!(named("shop").overlap(&named("shop")) && !named("shop").overlap(&named("bank")));
    }
}
