//! Which Pods come first: those that miss the least.

use crate::record::PodRecord;
use std::cmp::Reverse;

/// Sorts Pods as Kubernetes sorts them for deletion, which is Kruise's order for upgrades: unscheduled before
/// scheduled, then by phase, not ready before ready, the most recently ready first, more restarts of a container
/// first, then of a native sidecar, the newest first. Pods that are equal in all that are ordered by namespace and name, so that the order is always
/// the same.
pub(super) fn sort(pods: &mut [&PodRecord]) {
    pods.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(&other.key)));
}

fn rank(pod: &PodRecord) -> impl Ord {
    (
        pod.is_scheduled,
        pod.phase,
        pod.is_ready(),
        Reverse(pod.ready_since.filter(|_| pod.is_ready())),
        Reverse(pod.restarts),
        Reverse(pod.created),
    )
}
