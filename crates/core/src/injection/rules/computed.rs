//! A container requests no more than it may use: whether computed resources do depends on the Pod that they are computed from.

use super::super::edit::PodEdit;
use super::{Whole, qos};
use crate::json::Json;

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    if whole.computed.is_empty() {
        return;
    }
    for guest in whole.guests().filter(|guest| guest.sidecar.resources.is_some()) {
        let resources = whole.resources_of(guest);
        for (resource, request) in resources.at("requests").members() {
            let limit = resources.at("limits").at(resource);
            if is_more(request, limit) {
                let [request, limit] = [request, limit].map(|amount| amount.as_str().unwrap_or_default());
                let field = format!("resourcesPolicy.resourcesExpr.requests.{resource}");
                edit.reject(guest, &field, format_args!("is {request} for this Pod, and the limit is {limit}"));
            }
        }
    }
}

fn is_more(request: Json<'_>, limit: Json<'_>) -> bool {
    !limit.is_null() && qos::millis(request).zip(qos::millis(limit)).is_some_and(|(request, limit)| request > limit)
}
