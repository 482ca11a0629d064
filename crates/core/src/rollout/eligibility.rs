//! Where a single Pod stands, whatever the others do.

use super::{Hold, claims, consistency, hot, resize};
use crate::catalog::NamespaceLabels;
use crate::normalize::{CanonicalSet, UpdateKind};
use crate::record::{Carried, PodRecord};
use crate::revision::Extent;
use crate::selection::{Selected, selects};

/// Where a Pod stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RolloutPosition {
    /// It carries the present definition.
    Updated,
    /// It is outdated, or in the middle of a hot upgrade, and left as it is.
    Held(Hold),
    /// A container has taken over from another one, which can wait from now on.
    HandedOver,
    /// It is outdated, and upgraded as soon as the budget allows.
    Waiting,
}

/// Says whether a Pod counts as the set's: it is active, the set selects it, and the set was injected into it.
#[must_use]
pub fn is_matched(set: &CanonicalSet, pod: &PodRecord, namespace: Option<&NamespaceLabels>) -> bool {
    pod.is_active()
        && pod.carries(&set.name)
        && selects(&set.selector, &set.namespaces, &*pod.labels, namespace) == Selected::Yes
}

/// Says whether a Pod carries the present definition, by what is recorded on it, and by its containers. Where a set changes cpu
/// and memory in running Pods, the Pod's have to be those that it says.
#[must_use]
pub fn is_updated(set: &CanonicalSet, pod: &PodRecord) -> bool {
    carries_definition(set, pod, &set.hashes.full) && resize::fits(set, pod) && claims::are_borne_out(set, pod)
}

/// Says whether the containers of a Pod do not bear out that it carries the present definition, as it claims.
pub(super) fn claims_too_much(set: &CanonicalSet, pod: &PodRecord) -> bool {
    carries_definition(set, pod, &set.hashes.full) && !claims::are_borne_out(set, pod)
}

fn carries_definition(set: &CanonicalSet, pod: &PodRecord, hash: &str) -> bool {
    pod.carried.get(&set.name).and_then(Carried::hash).is_some_and(|carried| **carried == *hash)
}

/// Says whether a Pod is in the middle of a hot upgrade that can go on: both containers of a pair have an image to
/// work with.
#[must_use]
pub fn is_handing_over(set: &CanonicalSet, pod: &PodRecord) -> bool {
    hot::is_handing_over(set, pod) && !needs_new_pod(set, pod)
}

pub(super) fn standing(set: &CanonicalSet, pod: &PodRecord) -> RolloutPosition {
    let is_updated = is_updated(set, pod);
    if is_updated && !is_handing_over(set, pod) {
        return RolloutPosition::Updated;
    }
    if let Some(hold) = stopped(set, pod) {
        return RolloutPosition::Held(hold);
    }
    // As in Kruise: what has begun is ended, whatever partition, selector and budget say.
    if !hot::completing(set, pod, is_updated).is_empty() {
        return RolloutPosition::HandedOver;
    }
    if is_updated {
        return RolloutPosition::Held(Hold::HandOver);
    }
    left_out(set, pod).map_or(RolloutPosition::Waiting, RolloutPosition::Held)
}

fn stopped(set: &CanonicalSet, pod: &PodRecord) -> Option<Hold> {
    // What no strategy can change comes first.
    if needs_new_pod(set, pod) {
        return Some(Hold::NeedsNewPod);
    }
    if set.rollout.kind == UpdateKind::NotUpdate {
        return Some(Hold::NotUpdate);
    }
    set.rollout.is_paused.then_some(Hold::Paused)
}

fn left_out(set: &CanonicalSet, pod: &PodRecord) -> Option<Hold> {
    let by_kubelet = || consistency::is_in_flight(set, pod).then_some(Hold::InFlight);
    left_alone(set, pod).or_else(|| resize::hold(set, pod)).or_else(by_kubelet)
}

/// Returns why a Pod is left alone until a person changes something.
pub(super) fn left_alone(set: &CanonicalSet, pod: &PodRecord) -> Option<Hold> {
    let is_left_by_rollback = set.returns_from.as_ref().is_some_and(|failed| !carries_definition(set, pod, failed));
    if set.failure.is_some() || is_left_by_rollback {
        return Some(Hold::Halted);
    }
    if set.forbidden.is_some() {
        return Some(Hold::NotAllowed);
    }
    let selector = set.rollout.selector.as_ref();
    selector.is_some_and(|selector| !selector.matches(&*pod.labels)).then_some(Hold::NotSelected)
}

// The API server lets a running Pod change a container's image, cpu and memory but not its environment, so a set that
// changed that too has to wait for a new Pod.
pub(super) fn needs_new_pod(set: &CanonicalSet, pod: &PodRecord) -> bool {
    // What the annotations claim beyond what the containers bear out was never injected: nobody knows what else is another.
    !is_in_reach(set, pod) || !claims::has_sidecars(set, pod) || !hot::fits(set, pod) || claims_too_much(set, pod)
}

/// Says whether a Pod carries the present definition but for what can be changed while it runs.
fn is_in_reach(set: &CanonicalSet, pod: &PodRecord) -> bool {
    let difference = recorded_shape(set, pod).and_then(|hash| set.differences.get(hash));
    let has_only_other_amounts = difference.is_some_and(|difference| difference.extent == Extent::Amounts);
    has_present_shape(set, pod) || (resize::is_asked_for(set) && has_only_other_amounts)
}

/// Says whether a Pod carries the present definition but for images, by what is recorded on it.
pub(super) fn has_present_shape(set: &CanonicalSet, pod: &PodRecord) -> bool {
    recorded_shape(set, pod).is_some_and(|recorded| *recorded == *set.hashes.without_image)
}

/// Returns the hash without images of the definition that a Pod carries, as it is recorded on it.
pub(super) fn recorded_shape<'a>(set: &CanonicalSet, pod: &'a PodRecord) -> Option<&'a str> {
    pod.carried.get(&set.name)?.hash_without_image().map(AsRef::as_ref)
}
