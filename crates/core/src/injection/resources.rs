//! The resources of a sidecar, computed from those of the Pod's own containers.

use super::definition::PodContext;
use super::{Refusal, is_injected_container};
use crate::amounts::List;
use crate::expression::{Expression, Resource};
use crate::json::Json;
use crate::normalize::{Aggregation, CanonicalSet, ResourcesPolicy, Sidecar};
use crate::quantity::Quantity;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Returns the resources of a sidecar in this Pod. They take the place of any that it has.
pub(super) fn computed(
    recipient: &PodContext<'_>,
    (set, sidecar): (&CanonicalSet, &Sidecar),
    policy: &ResourcesPolicy,
    warnings: &mut Vec<String>,
) -> Result<Value, Refusal> {
    let targets = targets(recipient, policy);
    if targets.is_empty() {
        return Err(Refusal::NoTarget {
            set: Arc::clone(&set.name),
            container: Arc::clone(&sidecar.name),
            regex: policy.targets.to_string(),
        });
    }
    let mut resources = Map::new();
    for (list, expressions) in [(List::Limits, &policy.limits), (List::Requests, &policy.requests)] {
        let mut amounts = Map::new();
        for (resource, expression) in expressions {
            let Some(aggregate) = list.aggregate(policy.aggregation, &list.amounts(&targets, *resource)?) else {
                continue;
            };
            let evaluation = expression.evaluate(&aggregate);
            if let Some(below_zero) = evaluation.below_zero {
                let member = format!("{}.{resource}", list.name());
                warnings.push(raised_to_zero(set, sidecar, &member, (expression, &below_zero)));
            }
            amounts.insert(resource.name().to_owned(), evaluation.quantity.canonical().into());
        }
        if !amounts.is_empty() {
            resources.insert(list.name().to_owned(), Value::Object(amounts));
        }
    }
    Ok(Value::Object(resources))
}

/// Returns the Pod's own containers that keep running and whose name matches.
fn targets<'a>(recipient: &PodContext<'a>, policy: &ResourcesPolicy) -> Vec<Json<'a>> {
    let spec = recipient.spec;
    let native = spec.init_containers.items().filter(|container| container.at("restartPolicy").is("Always"));
    let is_target = |container: &Json<'a>| {
        let name = container.at("name").as_str().unwrap_or_default();
        !recipient.is_sidecar(name) && !is_injected_container(*container) && policy.targets.matches(name)
    };
    native.chain(spec.containers.items()).filter(is_target).collect()
}

fn raised_to_zero(
    set: &CanonicalSet,
    sidecar: &Sidecar,
    member: &str,
    (expression, below_zero): (&Expression, &Quantity),
) -> String {
    format!(
        "{member} of container {} of SidecarSet {} is 0: {:?} is {} for this Pod",
        sidecar.name,
        set.name,
        expression.text(),
        below_zero.canonical()
    )
}

impl List {
    /// Returns what each container says about a resource, if it does.
    fn amounts(self, containers: &[Json<'_>], resource: Resource) -> Result<Vec<Option<Quantity>>, Refusal> {
        let amount = |container: &Json<'_>| {
            let amount = container.at("resources").at(self.name()).at(resource.name());
            if amount.is_null() {
                return Ok(None);
            }
            Quantity::from_json(&amount.to_value()).map(Some).map_err(|source| Refusal::Amount {
                container: container.at("name").as_str().unwrap_or_default().to_owned(),
                list: self.name(),
                resource,
                source,
            })
        };
        containers.iter().map(amount).collect()
    }

    /// Returns what containers have of a resource, or nothing where it is not limited.
    // As in Kruise: one container without a limit is enough, and then even a constant gives none.
    fn aggregate(self, aggregation: Aggregation, amounts: &[Option<Quantity>]) -> Option<Quantity> {
        if self == Self::Limits && amounts.iter().any(Option::is_none) {
            return None;
        }
        let given = amounts.iter().flatten().cloned();
        let aggregate = match aggregation {
            Aggregation::Sum => given.reduce(|one, other| one.plus(&other)),
            Aggregation::Max => given.reduce(|one, other| if other.millis() > one.millis() { other } else { one }),
        };
        Some(aggregate.unwrap_or_else(Quantity::zero))
    }
}
