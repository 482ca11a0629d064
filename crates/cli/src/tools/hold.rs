//! Why Pods keep their present sidecars, in sentences for people.

use sidecarset_core::rollout::Hold;

/// Returns the word for it, as it stands in the output for machines.
pub fn reason(hold: Hold) -> String {
    format!("{hold:?}")
}

/// Returns what is waited for.
pub fn why(hold: Hold) -> &'static str {
    match hold {
        Hold::NeedsNewPod => "something other than the image changed, and only a new Pod can take that",
        Hold::Halted => "the rollout has failed",
        Hold::NotUpdate => "updateStrategy.type is NotUpdate: the set never upgrades running Pods",
        Hold::Paused => "the rollout is paused",
        Hold::NotSelected => "updateStrategy.selector leaves the Pod out",
        Hold::InFlight => "an earlier upgrade is on its way",
        Hold::HandOver => "the new container of a hot upgrade is not ready, so the one before goes on",
        Hold::Resizing => "the kubelet is changing cpu and memory",
        Hold::ResizeDeferred => "the node has no room for the new cpu and memory now",
        Hold::ResizeInfeasible => "the node can never give the new cpu and memory",
        Hold::ResizeFailing => "the kubelet fails to change cpu and memory, and tries again",
        Hold::Partition => "the partition keeps the Pod on the old image",
        Hold::BudgetSpent => "as many Pods are unavailable as maxUnavailable allows",
        Hold::Changed => "the Pod changed before its upgrade was written",
        Hold::NotTaken => "the API server, or an admission webhook, did not take the upgrade",
        Hold::ResizeRefused => "the API server does not take the new cpu and memory",
        Hold::NotMerged => "patchPodMetadata cannot be merged into an annotation of the Pod",
    }
}

/// Returns what ends the wait.
pub fn end(hold: Hold) -> &'static str {
    match hold {
        Hold::NeedsNewPod => "the Pod is created anew (sidecarset restart-outdated), or the change is taken back",
        Hold::Halted => "the next change of the spec (sidecarset undo, sidecarset set-image)",
        Hold::NotUpdate => "another updateStrategy.type, or the Pod is created anew",
        Hold::Paused => "sidecarset resume",
        Hold::NotSelected => "another updateStrategy.selector, or other labels of the Pod",
        Hold::InFlight => "the API server and the kubelet finish it",
        Hold::HandOver => "the new container becomes ready, or another image is set",
        Hold::Resizing => "the kubelet has done it",
        Hold::ResizeDeferred => "the node has room, or other amounts are set",
        Hold::ResizeInfeasible => "other amounts, or the Pod is created anew",
        Hold::ResizeFailing => "the kubelet succeeds, or other amounts are set",
        Hold::Partition => "a lower updateStrategy.partition",
        Hold::BudgetSpent => "one of the unavailable Pods becomes ready, or a larger updateStrategy.maxUnavailable",
        Hold::Changed => "by itself, in a moment",
        Hold::NotTaken => "another attempt, which is made at least every minute",
        Hold::ResizeRefused => "another attempt, which is made at least every minute, or other amounts",
        Hold::NotMerged => "another attempt, once the annotation or patchPodMetadata is mended",
    }
}
