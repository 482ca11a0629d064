//! Which running Pods are upgraded now, and why each other one is left as it is.

mod blocking;
mod budget;
mod consistency;
mod crash;
mod eligibility;
mod failure;
mod hot;
mod order;
mod resize;
mod upgrade;

pub use blocking::blocking_fields;
pub use budget::max_unavailable;
pub use consistency::{is_consistent, is_ready};
pub use crash::is_unsettled;
pub use eligibility::{is_handing_over, is_matched, is_updated, spends_budget};
pub use failure::{Judgement, is_time_over, judge};
pub use hot::{Move, MoveKind};
pub use resize::{ResourceChange, assume_amounts};
pub use upgrade::{ImageChange, Step, Upgrade};

use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};
use eligibility::Standing;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Why a Pod keeps its present sidecars for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// Something other than the image changed, and only a new Pod can take that. Ends when the Pod is created
    /// anew, or the change is taken back.
    NeedsNewPod,
    /// The rollout has failed. Ends with the next change of the spec.
    Halted,
    /// The set never upgrades running Pods. Ends when its strategy changes.
    NotUpdate,
    /// The rollout is paused. Ends when it is resumed.
    Paused,
    /// The strategy's selector leaves the Pod out. Ends when either's labels change.
    NotSelected,
    /// An earlier upgrade is on its way: the API server or the kubelet has not finished it. Ends when they have.
    InFlight,
    /// The new container of a hot upgrade is not ready, so the one before goes on. Ends when it is, or with another
    /// image.
    HandOver,
    /// The kubelet has not finished changing cpu and memory. Ends when it has.
    Resizing,
    /// The Pod's node has no room for its cpu and memory now. Ends when it has, or with other amounts.
    ResizeDeferred,
    /// The Pod's node can never give that cpu and memory. Ends with other amounts, or when the Pod is created anew.
    ResizeInfeasible,
    /// The kubelet fails to change the cpu and memory, and tries again. Ends when it has, or with other amounts.
    ResizeFailing,
    /// The partition keeps the Pod on the old image. Ends when the partition is lowered.
    Partition,
    /// As many Pods are unavailable as may be. Ends when one of them is ready.
    BudgetSpent,
    /// The Pod changed before its upgrade was written. Ends when the watch shows what it is now.
    Changed,
    /// The API server did not take the upgrade. Ends with a later attempt, which whoever writes makes by itself.
    NotTaken,
    /// The API server does not take the cpu and memory. Ends with a later attempt, which whoever writes makes by itself,
    /// or with other amounts.
    ResizeRefused,
    /// A value of the set cannot be merged into an annotation of the Pod. Ends with a later attempt, which whoever
    /// writes makes by itself.
    NotMerged,
}

/// What a round of the rollout does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The Pods that are upgraded, in that order.
    pub upgrades: Vec<Upgrade>,
    /// The second steps of hot upgrades: containers that others have taken over from wait from now on.
    pub flips: Vec<Upgrade>,
    /// The outdated Pods that are not upgraded, and those in the middle of a hot upgrade, each with its reason.
    pub holds: BTreeMap<PodKey, Hold>,
    /// What the API server said to the first of the Pods whose upgrade it did not take, where somebody has tried.
    pub answer: Option<Arc<str>>,
    /// After which time the Pods are to be looked at again, even if nothing happens until then.
    pub recheck_after: Option<Duration>,
}

impl Hold {
    /// Says whether it ends by itself, or with what becomes of the Pods: nobody has to change the set.
    #[must_use]
    pub fn is_passing(self) -> bool {
        match self {
            Self::InFlight
            | Self::HandOver
            | Self::Resizing
            | Self::ResizeDeferred
            | Self::ResizeFailing
            | Self::BudgetSpent
            | Self::Changed
            | Self::NotTaken
            | Self::ResizeRefused
            | Self::NotMerged => true,
            Self::NeedsNewPod
            | Self::Halted
            | Self::NotUpdate
            | Self::Paused
            | Self::NotSelected
            | Self::ResizeInfeasible
            | Self::Partition => false,
        }
    }
}

impl Plan {
    /// Says whether nothing is being rolled out: no Pod is upgraded, nor held for a while.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.upgrades.is_empty() && self.flips.is_empty() && !self.holds.values().any(|hold| hold.is_passing())
    }

    /// Returns how many Pods are left as they are for this reason.
    #[must_use]
    pub fn held(&self, reason: Hold) -> usize {
        self.held_pods(reason).count()
    }

    /// Returns the Pods that are left as they are for this reason, by namespace and name.
    pub fn held_pods(&self, reason: Hold) -> impl Iterator<Item = &PodKey> {
        self.holds.iter().filter(move |(_, hold)| **hold == reason).map(|(pod, _)| pod)
    }
}

/// Decides from the matched Pods alone. Pods that are upgraded already, to the end, are neither upgraded nor held.
#[must_use]
pub fn plan(set: &CanonicalSet, matched: &[&PodRecord], now: Seconds) -> Plan {
    let mut plan = Plan::default();
    let mut waiting = Vec::new();
    for pod in matched {
        match eligibility::standing(set, pod) {
            Standing::Updated => {}
            Standing::Held(hold) => {
                plan.holds.insert(pod.key.clone(), hold);
            }
            Standing::HandedOver => plan.flips.push(Upgrade::flip(set, pod)),
            Standing::Waiting => waiting.push(*pod),
        }
    }
    plan.flips.sort_by(|one, other| one.pod.cmp(&other.pod));
    order::sort(&set.rollout.order, matched, &mut waiting);
    let round = budget::spend(set, matched, &waiting, now);
    plan.holds.extend(round.holds);
    plan.recheck_after = matched.iter().filter_map(|pod| crash::settles_after(set, pod, now)).min();
    plan.upgrades = round.upgrades.into_iter().map(|pod| Upgrade::of(set, pod)).collect();
    plan
}
