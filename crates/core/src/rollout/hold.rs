//! Why a Pod keeps its present sidecars: everything that is known of a reason is one row of one table.

use super::RolloutPhase;

/// What a reason to hold a Pod means, to machines and to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldMeaning {
    /// Its name in output for machines.
    pub name: &'static str,
    /// Its value in labels of metrics.
    pub label: &'static str,
    /// Where a rollout stands that waits for nothing else.
    pub phase: RolloutPhase,
    /// What one Pod does, in the message of a condition.
    pub one: &'static str,
    /// What several Pods do.
    pub several: &'static str,
    /// What keeps the Pod as it is.
    pub why: &'static str,
    /// What ends that.
    pub until: &'static str,
}

/// Makes a variant of each row. What a row leaves out, or does not decide, does not compile.
macro_rules! holds {
    ($($hold:ident {
        label: $label:literal,
        phase: $phase:ident,
        one: $one:literal,
        several: $several:literal,
        why: $why:literal,
        until: $until:literal,
    })+) => {
        /// Why a Pod keeps its present sidecars for now.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Hold {
            $(
                #[doc = concat!("Why: ", $why, ".\n\nWhat ends it: ", $until, ".")]
                $hold,
            )+
        }

        impl Hold {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$hold),+];

            /// Returns what the reason means.
            #[must_use]
            pub const fn meaning(self) -> HoldMeaning {
                match self {
                    $(Self::$hold => HoldMeaning {
                        name: stringify!($hold),
                        label: $label,
                        phase: RolloutPhase::$phase,
                        one: $one,
                        several: $several,
                        why: $why,
                        until: $until,
                    },)+
                }
            }
        }

        // A rollout in which a Pod is held is not complete.
        const _: () = { $(assert!(!matches!(RolloutPhase::$phase, RolloutPhase::Complete));)+ };
    };
}

holds! {
    NeedsNewPod {
        label: "needs_new_pod",
        phase: NotUpgradable,
        one: "takes the change when it is created anew: more than an image changed",
        several: "take the change when they are created anew: more than an image changed",
        why: "something other than the image changed, and only a new Pod can take that",
        until: "the Pod is created anew (sidecarset restart-outdated), or the change is taken back",
    }
    Halted {
        label: "halted",
        phase: Halted,
        one: "stays because the rollout has failed",
        several: "stay because the rollout has failed",
        why: "the rollout has failed",
        until: "the next change of the spec (sidecarset undo, sidecarset set-image)",
    }
    NotUpdate {
        label: "not_update",
        phase: NotUpdate,
        one: "stays because updateStrategy.type is NotUpdate",
        several: "stay because updateStrategy.type is NotUpdate",
        why: "updateStrategy.type is NotUpdate: the set never upgrades running Pods",
        until: "another updateStrategy.type, or the Pod is created anew",
    }
    Paused {
        label: "paused",
        phase: Paused,
        one: "waits because the rollout is paused",
        several: "wait because the rollout is paused",
        why: "the rollout is paused",
        until: "sidecarset resume",
    }
    NotSelected {
        label: "not_selected",
        phase: NotSelected,
        one: "stays because updateStrategy.selector leaves it out",
        several: "stay because updateStrategy.selector leaves them out",
        why: "updateStrategy.selector leaves the Pod out",
        until: "another updateStrategy.selector, or other labels of the Pod",
    }
    NotAllowed {
        label: "not_allowed",
        phase: NotAllowed,
        one: "stays because the cluster does not allow the annotations of patchPodMetadata",
        several: "stay because the cluster does not allow the annotations of patchPodMetadata",
        why: "the white list of the cluster does not allow the annotations of patchPodMetadata",
        until: "other annotations in patchPodMetadata, or a rule of the white list that allows them",
    }
    InFlight {
        label: "in_flight",
        phase: Upgrading,
        one: "waits for the kubelet to finish an upgrade",
        several: "wait for the kubelet to finish an upgrade",
        why: "an earlier upgrade is on its way",
        until: "the API server and the kubelet finish it",
    }
    HandOver {
        label: "hand_over",
        phase: WaitingForPods,
        one: "waits for the new container of a hot upgrade to be ready",
        several: "wait for the new container of a hot upgrade to be ready",
        why: "the new container of a hot upgrade is not ready, so the one before goes on",
        until: "the new container becomes ready, or another image is set",
    }
    Resizing {
        label: "resizing",
        phase: Upgrading,
        one: "waits for the kubelet to change its cpu and memory",
        several: "wait for the kubelet to change their cpu and memory",
        why: "the kubelet is changing cpu and memory",
        until: "the kubelet has done it",
    }
    ResizeDeferred {
        label: "resize_deferred",
        phase: ResizeDeferred,
        one: "waits for room on its node for the changed cpu and memory",
        several: "wait for room on their nodes for the changed cpu and memory",
        why: "the node has no room for the new cpu and memory now",
        until: "the node has room, or other amounts are set",
    }
    ResizeInfeasible {
        label: "resize_infeasible",
        phase: ResizeInfeasible,
        one: "cannot get the changed cpu and memory on its node",
        several: "cannot get the changed cpu and memory on their nodes",
        why: "the node can never give the new cpu and memory",
        until: "other amounts, or the Pod is created anew",
    }
    ResizeFailing {
        label: "resize_failing",
        phase: ResizeFailing,
        one: "waits for the kubelet, which fails to change its cpu and memory",
        several: "wait for the kubelet, which fails to change their cpu and memory",
        why: "the kubelet fails to change cpu and memory, and tries again",
        until: "the kubelet succeeds, or other amounts are set",
    }
    Partition {
        label: "partition",
        phase: PartitionReached,
        one: "stays because of the partition",
        several: "stay because of the partition",
        why: "the partition keeps the Pod on the old image",
        until: "a lower updateStrategy.partition",
    }
    BudgetSpent {
        label: "budget_spent",
        phase: MaxUnavailableReached,
        one: "waits for unavailable pods",
        several: "wait for unavailable pods",
        why: "as many Pods are unavailable as maxUnavailable allows",
        until: "one of the unavailable Pods becomes ready, or a larger updateStrategy.maxUnavailable",
    }
    Changed {
        label: "changed",
        phase: Upgrading,
        one: "changed before it was upgraded, and is looked at again",
        several: "changed before they were upgraded, and are looked at again",
        why: "the Pod changed before its upgrade was written",
        until: "by itself, in a moment",
    }
    NotTaken {
        label: "not_taken",
        phase: UpgradesNotTaken,
        one: "waits for another attempt: the API server did not take its upgrade",
        several: "wait for another attempt: the API server did not take their upgrade",
        why: "the API server, or an admission webhook, did not take the upgrade",
        until: "another attempt, which is made at least every minute",
    }
    ResizeRefused {
        label: "resize_refused",
        phase: UpgradesNotTaken,
        one: "waits for another attempt: the API server did not take its cpu and memory",
        several: "wait for another attempt: the API server did not take their cpu and memory",
        why: "the API server does not take the new cpu and memory",
        until: "another attempt, which is made at least every minute, or other amounts",
    }
    NotMerged {
        label: "not_merged",
        phase: UpgradesNotTaken,
        one: "waits for another attempt: patchPodMetadata cannot be merged into an annotation of its own",
        several: "wait for another attempt: patchPodMetadata cannot be merged into an annotation of theirs",
        why: "patchPodMetadata cannot be merged into an annotation of the Pod",
        until: "another attempt, once the annotation or patchPodMetadata is mended",
    }
}

impl Hold {
    /// Says whether it ends by itself, or with what becomes of the Pods: nobody has to change the set.
    #[must_use]
    pub fn is_passing(self) -> bool {
        self.meaning().phase.is_progressing()
    }
}
