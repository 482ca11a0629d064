//! How much cpu and memory a container asks for and may use: all that can be changed while it runs.

use crate::expression::Resource;
use crate::quantity::Quantity;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// A list of amounts of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// What it may use.
    Limits,
    /// What it asks for.
    Requests,
}

/// How much cpu and memory a container asks for and may use.
#[derive(Debug, Clone, Default)]
pub struct Amounts(BTreeMap<(List, Resource), Quantity>);

impl List {
    /// Both lists.
    pub const ALL: [Self; 2] = [Self::Limits, Self::Requests];

    /// Returns the member of `resources` that holds it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Requests => "requests",
        }
    }
}

impl Amounts {
    /// Reads the `resources` of a container. What is no amount is left out.
    #[must_use]
    pub fn read(resources: &Value) -> Self {
        let all = List::ALL.into_iter().flat_map(|list| Resource::ALL.map(|resource| (list, resource)));
        let given = all.filter_map(|(list, resource)| {
            let amount = resources.get(list.name())?.get(resource.name()).filter(|amount| !amount.is_null())?;
            Some(((list, resource), Quantity::from_json(amount).ok()?))
        });
        Self(given.collect())
    }

    /// Returns the amounts that a Pod has which was created with these.
    // As the API server does: what is limited and not asked for is asked for as far as the limit.
    #[must_use]
    pub fn in_pod(mut self) -> Self {
        for resource in Resource::ALL {
            if let Some(limit) = self.0.get(&(List::Limits, resource)).cloned() {
                self.0.entry((List::Requests, resource)).or_insert(limit);
            }
        }
        self
    }

    /// Says whether a container with these amounts is limited to what it requests, which makes a Pod of such containers Guaranteed.
    #[must_use]
    pub fn are_guaranteed(&self) -> bool {
        Resource::ALL.into_iter().all(|resource| {
            let of = |list| self.0.get(&(list, resource)).filter(|amount| !amount.is_zero());
            matches!((of(List::Limits), of(List::Requests)), (Some(limit), Some(request)) if limit.compare(request).is_eq())
        })
    }

    /// Says whether others give an amount wherever these do.
    #[must_use]
    pub fn are_all_given_by(&self, others: &Self) -> bool {
        self.0.keys().all(|key| others.0.contains_key(key))
    }

    /// Says whether a container has these amounts, whatever else it has.
    #[must_use]
    pub fn are_in(&self, container: &Self) -> bool {
        let has = |key, amount: &Quantity| container.0.get(key).is_some_and(|other| amount.compare(other).is_eq());
        self.0.iter().all(|(key, amount)| has(key, amount))
    }

    /// Returns the `resources` with these amounts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut lists = BTreeMap::<List, Map<String, Value>>::new();
        for ((list, resource), amount) in &self.0 {
            lists.entry(*list).or_default().insert(resource.name().to_owned(), amount.canonical().into());
        }
        json!(lists.into_iter().map(|(list, amounts)| (list.name(), amounts)).collect::<BTreeMap<_, _>>())
    }
}

impl PartialEq for Amounts {
    fn eq(&self, other: &Self) -> bool {
        self.are_in(other) && other.are_in(self)
    }
}

impl Eq for Amounts {}

impl fmt::Display for Amounts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(resources: &Value) -> Amounts {
        Amounts::read(resources)
    }

    #[test]
    fn other_resources_and_what_is_no_amount_do_not_count() {
        let read = amounts(&json!({
            "limits": {"cpu": "1", "ephemeral-storage": "1Gi", "memory": null},
            "requests": {"cpu": [], "memory": "1Gi"},
            "claims": [{"name": "gpu"}],
        }));

        assert_eq!(read.to_json(), json!({"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}}));
        assert_eq!(amounts(&Value::Null), Amounts::default());
    }

    #[test]
    fn what_is_only_limited_is_asked_for_as_well() {
        let in_pod = amounts(&json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}})).in_pod();

        assert_eq!(
            in_pod.to_json(),
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}})
        );
    }

    #[test]
    fn amounts_are_compared_however_they_are_written_and_whatever_else_there_is() {
        let wanted = amounts(&json!({"requests": {"cpu": "1000m"}}));

        assert!(wanted.are_in(&amounts(&json!({"limits": {"cpu": "2"}, "requests": {"cpu": 1}}))));
        assert!(!wanted.are_in(&amounts(&json!({"requests": {"cpu": "2"}}))));
        assert!(!wanted.are_in(&amounts(&json!({"limits": {"cpu": "1"}}))));
    }
}
