//! A Pod is Guaranteed only while every container of it is.

use super::super::ClashKind;
use super::super::edit::PodEdit;
use super::super::spec::List;
use super::{Rule, Whole};
use crate::json::Json;
use crate::quantity::Quantity;

/// The resources that decide.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

pub(super) fn concerns(container: Json<'_>) -> bool {
    !is_guaranteed(container.at("resources"))
}

/// Warns of the first sidecar of each set that takes this class from the Pod.
pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    // Where the Pod has resources of its own these decide.
    if whole.spec.resources.is_object() || !is_guaranteed_without_guests(whole) {
        return;
    }
    for set in whole.sets {
        let of_set = whole.concerned(Rule::Qos).filter(|guest| std::ptr::eq(guest.set, *set));
        let mut to_blame = of_set.filter(|guest| !is_guaranteed(whole.resources_of(*guest)));
        if let Some(guest) = to_blame.next() {
            let message = "the Pod is not Guaranteed with it: its limits of cpu and memory are not what it requests";
            edit.clash(ClashKind::Qos, guest, "resources", message);
        }
    }
}

fn is_guaranteed_without_guests(whole: &Whole<'_>) -> bool {
    let mut own = List::ALL.into_iter().flat_map(|list| whole.layout.staying(list)).peekable();
    own.peek().is_some() && own.all(|container| is_guaranteed(container.at("resources")))
}

/// Says whether a container is limited to what it requests.
pub(super) fn is_guaranteed(resources: Json<'_>) -> bool {
    let (limits, requests) = (resources.at("limits"), resources.at("requests"));
    RESOURCES.iter().all(|resource| {
        let (limit, request) = (limits.at(resource), requests.at(resource));
        // As the API server does: what is limited and not requested is requested as far as the limit.
        !limit.is_null() && (request.is_null() || is_same(limit, request)) && !is_zero(limit)
    })
}

fn is_same(one: Json<'_>, other: Json<'_>) -> bool {
    one.raw() == other.raw() || millis(one).is_some_and(|amount| millis(other) == Some(amount))
}

fn is_zero(amount: Json<'_>) -> bool {
    millis(amount) == Some(0)
}

/// Returns an amount in thousandths. Most are read without anything being allocated.
pub(super) fn millis(amount: Json<'_>) -> Option<i128> {
    let plain = amount.as_str().and_then(Quantity::plain_millis);
    plain.or_else(|| Some(Quantity::from_json(&amount.to_value()).ok()?.millis()))
}
