//! Where a single Pod stands, whatever the others do.

use super::{Hold, consistency};
use crate::normalize::{CanonicalSet, Sidecar, UpdateKind};
use crate::record::PodRecord;
use crate::selection::{Labels, Selected, selects};

/// Where a Pod stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It carries the present definition.
    Updated,
    /// It is outdated, and left as it is.
    Held(Hold),
    /// It is outdated, and upgraded as soon as the budget allows.
    Waiting,
}

/// Says whether a Pod counts as the set's: it is active, the set selects it, and the set was injected into it.
#[must_use]
pub fn is_matched(set: &CanonicalSet, pod: &PodRecord, namespace: Option<&impl Labels>) -> bool {
    pod.is_active()
        && pod.carries(&set.name)
        && selects(&set.selector, &set.namespaces, &*pod.labels, namespace) == Selected::Yes
}

/// Says whether a Pod carries the present definition, by what is recorded on it.
#[must_use]
pub fn is_updated(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pod.hashes.0.get(&set.name).is_some_and(|recorded| *recorded.hash == *set.hashes.full)
}

pub(super) fn standing(set: &CanonicalSet, pod: &PodRecord) -> Standing {
    if is_updated(set, pod) {
        return Standing::Updated;
    }
    match hold(set, pod) {
        Some(hold) => Standing::Held(hold),
        None => Standing::Waiting,
    }
}

fn hold(set: &CanonicalSet, pod: &PodRecord) -> Option<Hold> {
    // What no strategy can change comes first.
    if needs_new_pod(set, pod) {
        return Some(Hold::NeedsNewPod);
    }
    if set.rollout.kind == UpdateKind::NotUpdate {
        return Some(Hold::NotUpdate);
    }
    if set.rollout.is_paused {
        return Some(Hold::Paused);
    }
    if set.rollout.selector.as_ref().is_some_and(|selector| !selector.matches(&*pod.labels)) {
        return Some(Hold::NotSelected);
    }
    consistency::is_in_flight(set, pod).then_some(Hold::InFlight)
}

// The API server lets a running Pod change a container's image but not its environment, so a set that changed
// both has to wait for a new Pod.
fn needs_new_pod(set: &CanonicalSet, pod: &PodRecord) -> bool {
    let recorded = pod.hashes_without_image.0.get(&set.name);
    let has_same_shape = recorded.is_some_and(|recorded| *recorded.hash == *set.hashes.without_image);
    let mut containers = set.upgradable().flat_map(Sidecar::names_in_pod);
    !has_same_shape || containers.any(|name| pod.container(&name).is_none())
}
