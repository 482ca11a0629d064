//! The fields that keep Pods from being upgraded in place.

use super::claims;
use super::eligibility::{claims_too_much, has_present_shape, recorded_shape};
use crate::normalize::{CanonicalSet, Sidecar};
use crate::record::PodRecord;
use std::sync::Arc;

/// What stands for a field where the definition that a Pod carries is not remembered.
const UNKNOWN: &str = "unknown";

/// Returns the fields that differ between the definition that a Pod carries and the present one, images apart, and what it lacks
/// of the one that it claims to carry. It is asked only of a Pod that needs to be created anew.
#[must_use]
pub fn blocking_fields(set: &CanonicalSet, pod: &PodRecord) -> Vec<Arc<str>> {
    let mut fields: Vec<Arc<str>> = if has_present_shape(set, pod) {
        set.upgradable().filter_map(|sidecar| missing(set, pod, sidecar)).collect()
    } else {
        let difference = recorded_shape(set, pod).and_then(|hash| set.differences.get(hash));
        difference.map(|difference| difference.fields.to_vec()).unwrap_or_default()
    };
    if fields.is_empty() {
        fields.push(UNKNOWN.into());
    }
    fields
}

/// Returns what a Pod lacks of a sidecar that it should have by its annotations, if anything.
fn missing(set: &CanonicalSet, pod: &PodRecord, sidecar: &Sidecar) -> Option<Arc<str>> {
    let list = if sidecar.is_native { "initContainers" } else { "containers" };
    let part = if !claims::has_sidecar(sidecar, pod) {
        let is_stripped = claims::stripped(set, pod).is_some_and(|it| sidecar.names_in_pod().contains(&it.name));
        if is_stripped { ".restartPolicy" } else { "" }
    } else if claims_too_much(set, pod) && !claims::has_image(sidecar, pod) {
        ".image"
    } else {
        return None;
    };
    Some(format!("{list}[{}]{part}", sidecar.name).into())
}
