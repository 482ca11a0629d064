//! Which Pods come first.

mod priority;
mod scatter;

use crate::normalize::UpgradeOrder;
use crate::record::PodRecord;
use std::cmp::Reverse;

/// Sorts waiting Pods in the order in which they are upgraded: by their priority, and where that is equal or the set
/// does not say, those that miss the least come first. Then spreads the Pods of certain labels over that order.
pub(super) fn sort<'a>(order: &UpgradeOrder, matched: &[&'a PodRecord], waiting: &mut Vec<&'a PodRecord>) {
    waiting.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(&other.key)));
    priority::sort(&order.priority, waiting);
    scatter::spread(&order.scatter, matched, waiting);
}

/// Ranks Pods as Kubernetes ranks them for deletion, which is Kruise's order for upgrades: unscheduled before
/// scheduled, then by phase, not ready before ready, the most recently ready first, more restarts of a container
/// first, then of a native sidecar, the newest first. Pods that are equal in all that are ordered by namespace and
/// name, so that the order is always the same.
fn rank(pod: &PodRecord) -> impl Ord {
    (
        pod.is_scheduled,
        pod.phase,
        pod.is_ready(),
        Reverse(pod.ready_since().filter(|_| pod.is_ready())),
        Reverse(pod.restarts),
        Reverse(pod.created),
    )
}
