//! Why Pods keep their present sidecars, in words that are counted.

use sidecarset_core::rollout::Hold;
use sidecarset_metrics::label;

label! {
    /// Why a Pod keeps its present sidecars for now.
    pub enum HoldReason: "reason" {
        /// Only a new Pod can take the change.
        NeedsNewPod = "needs_new_pod",
        /// The rollout has failed.
        Halted = "halted",
        /// The set never upgrades running Pods.
        NotUpdate = "not_update",
        /// The rollout is paused.
        Paused = "paused",
        /// The strategy's selector leaves the Pod out.
        NotSelected = "not_selected",
        /// An earlier upgrade is on its way.
        InFlight = "in_flight",
        /// The new container of a hot upgrade is not ready.
        HandOver = "hand_over",
        /// The kubelet changes cpu and memory.
        Resizing = "resizing",
        /// The node has no room for the cpu and memory now.
        ResizeDeferred = "resize_deferred",
        /// The node can never give the cpu and memory.
        ResizeInfeasible = "resize_infeasible",
        /// The kubelet fails to change the cpu and memory.
        ResizeFailing = "resize_failing",
        /// The partition keeps the Pod on the old image.
        Partition = "partition",
        /// As many Pods are unavailable as may be.
        BudgetSpent = "budget_spent",
        /// The Pod changed before it was written.
        Changed = "changed",
        /// The API server did not take the upgrade.
        NotTaken = "not_taken",
        /// The API server does not take the cpu and memory.
        ResizeRefused = "resize_refused",
        /// A value of the set cannot be merged into an annotation.
        NotMerged = "not_merged",
    }
}

impl HoldReason {
    pub(super) fn of(hold: Hold) -> Self {
        match hold {
            Hold::NeedsNewPod => Self::NeedsNewPod,
            Hold::Halted => Self::Halted,
            Hold::NotUpdate => Self::NotUpdate,
            Hold::Paused => Self::Paused,
            Hold::NotSelected => Self::NotSelected,
            Hold::InFlight => Self::InFlight,
            Hold::HandOver => Self::HandOver,
            Hold::Resizing => Self::Resizing,
            Hold::ResizeDeferred => Self::ResizeDeferred,
            Hold::ResizeInfeasible => Self::ResizeInfeasible,
            Hold::ResizeFailing => Self::ResizeFailing,
            Hold::Partition => Self::Partition,
            Hold::BudgetSpent => Self::BudgetSpent,
            Hold::Changed => Self::Changed,
            Hold::NotTaken => Self::NotTaken,
            Hold::ResizeRefused => Self::ResizeRefused,
            Hold::NotMerged => Self::NotMerged,
        }
    }
}
