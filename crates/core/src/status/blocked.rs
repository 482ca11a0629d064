//! Which fields keep how many Pods from being upgraded in place.

use super::on_the_wire;
use crate::normalize::CanonicalSet;
use crate::record::PodRecord;
use crate::rollout::{Hold, Plan, blocking_fields};
use sidecarset_api::v1beta1::BlockingField;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many fields are told: a status is for people to read.
const MOST: usize = 20;

/// Counts the Pods that each field keeps, those that keep the most first.
pub(super) fn fields(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan) -> Vec<BlockingField> {
    let mut counts = BTreeMap::<Arc<str>, usize>::new();
    let held = matched.iter().filter(|pod| plan.holds.get(&pod.key) == Some(&Hold::NeedsNewPod));
    for field in held.flat_map(|pod| blocking_fields(set, pod)) {
        *counts.entry(field).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, pods)| Reverse(*pods));
    let told = counts.into_iter().take(MOST);
    told.map(|(field, pods)| BlockingField { field: field.to_string(), count: on_the_wire(pods) }).collect()
}
