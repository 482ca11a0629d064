//! The fields that keep Pods from being upgraded in place.

use super::eligibility::{has_present_shape, recorded_shape};
use crate::normalize::{CanonicalSet, Sidecar};
use crate::record::PodRecord;
use std::sync::Arc;

/// What stands for a field where the definition that a Pod carries is not remembered.
const UNKNOWN: &str = "unknown";

/// Returns the fields that differ between the definition that a Pod carries and the present one, images apart, and the
/// containers that it lacks. It is asked only of a Pod that needs to be created anew.
#[must_use]
pub fn blocking_fields(set: &CanonicalSet, pod: &PodRecord) -> Vec<Arc<str>> {
    let mut fields: Vec<Arc<str>> = if has_present_shape(set, pod) {
        set.upgradable().filter(|sidecar| !is_whole(sidecar, pod)).map(field).collect()
    } else {
        let difference = recorded_shape(set, pod).and_then(|hash| set.differences.get(hash));
        difference.map(|difference| difference.fields.to_vec()).unwrap_or_default()
    };
    if fields.is_empty() {
        fields.push(UNKNOWN.into());
    }
    fields
}

fn is_whole(sidecar: &Sidecar, pod: &PodRecord) -> bool {
    sidecar.names_in_pod().iter().all(|name| pod.container(name).is_some())
}

fn field(sidecar: &Sidecar) -> Arc<str> {
    let list = if sidecar.is_native { "initContainers" } else { "containers" };
    format!("{list}[{}]", sidecar.name).into()
}
