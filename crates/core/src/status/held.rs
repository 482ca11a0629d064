//! What the reasons to hold mean to a person, in the message of a condition.

use crate::rollout::{Hold, Plan};

/// What is said of one Pod and of several, in the order in which a message lists it.
const MEANINGS: [(Hold, &str, &str); 17] = [
    (Hold::InFlight, "waits for the kubelet to finish an upgrade", "wait for the kubelet to finish an upgrade"),
    (
        Hold::HandOver,
        "waits for the new container of a hot upgrade to be ready",
        "wait for the new container of a hot upgrade to be ready",
    ),
    (
        Hold::Changed,
        "changed before it was upgraded, and is looked at again",
        "changed before they were upgraded, and are looked at again",
    ),
    (
        Hold::NotTaken,
        "waits for another attempt: the API server did not take its upgrade",
        "wait for another attempt: the API server did not take their upgrade",
    ),
    (
        Hold::NotMerged,
        "waits for another attempt: patchPodMetadata cannot be merged into an annotation of its own",
        "wait for another attempt: patchPodMetadata cannot be merged into an annotation of theirs",
    ),
    (
        Hold::Resizing,
        "waits for the kubelet to change its cpu and memory",
        "wait for the kubelet to change their cpu and memory",
    ),
    (
        Hold::ResizeDeferred,
        "waits for room on its node for the changed cpu and memory",
        "wait for room on their nodes for the changed cpu and memory",
    ),
    (
        Hold::ResizeInfeasible,
        "cannot get the changed cpu and memory on its node",
        "cannot get the changed cpu and memory on their nodes",
    ),
    (
        Hold::ResizeFailing,
        "waits for the kubelet, which fails to change its cpu and memory",
        "wait for the kubelet, which fails to change their cpu and memory",
    ),
    (
        Hold::ResizeRefused,
        "waits for another attempt: the API server did not take its cpu and memory",
        "wait for another attempt: the API server did not take their cpu and memory",
    ),
    (Hold::BudgetSpent, "waits for unavailable pods", "wait for unavailable pods"),
    (Hold::Halted, "stays because the rollout has failed", "stay because the rollout has failed"),
    (Hold::Paused, "waits because the rollout is paused", "wait because the rollout is paused"),
    (
        Hold::NotUpdate,
        "stays because updateStrategy.type is NotUpdate",
        "stay because updateStrategy.type is NotUpdate",
    ),
    (Hold::Partition, "stays because of the partition", "stay because of the partition"),
    (
        Hold::NotSelected,
        "stays because updateStrategy.selector leaves it out",
        "stay because updateStrategy.selector leaves them out",
    ),
    (
        Hold::NeedsNewPod,
        "takes the change when it is created anew: more than an image changed",
        "take the change when they are created anew: more than an image changed",
    ),
];

/// Returns the reasons for which a plan leaves Pods as they are, each with how many Pods that are.
pub(super) fn told(plan: &Plan) -> impl Iterator<Item = (Hold, String)> {
    let held = MEANINGS.into_iter().map(|(hold, one, several)| (hold, plan.held(hold), one, several));
    held.filter(|(_, held, ..)| *held > 0).map(|(hold, held, one, several)| {
        let meaning = if held == 1 { one } else { several };
        (hold, format!("{held} {meaning}"))
    })
}
