//! Which running Pods are upgraded now, and why each other one is left as it is.

mod availability;
mod blocking;
mod budget;
mod claims;
mod consistency;
mod crash;
mod eligibility;
mod failure;
mod hold;
mod hot;
mod order;
mod phase;
mod resize;
mod upgrade;

pub use availability::{Availability, counts_as_unavailable};
pub use blocking::blocking_fields;
pub use budget::max_unavailable;
pub use claims::stripped;
pub use consistency::{is_consistent, is_ready};
pub use crash::{has_unsettled, is_unsettled};
pub use eligibility::{is_handing_over, is_matched, is_updated};
pub use failure::{Judgement, is_time_over, judge};
pub use hold::{Hold, HoldMeaning};
pub use hot::{Move, MoveKind};
pub use phase::RolloutPhase;
pub use resize::ResourceChange;
pub(crate) use upgrade::assume_upgraded;
pub use upgrade::{ImageChange, Step, Upgrade};

use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};
use eligibility::RolloutPosition;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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

impl Plan {
    /// Says whether nothing is being rolled out: no Pod is upgraded, nor held for a while.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.upgrades.is_empty() && self.flips.is_empty() && !self.holds.values().any(|hold| hold.is_passing())
    }

    /// Returns the steps of upgrades: second steps first, because they leave room for first ones.
    pub fn steps(&self) -> impl Iterator<Item = &Upgrade> {
        self.flips.iter().chain(&self.upgrades)
    }

    /// Takes the steps of upgrades out of the plan, in the order of [`Self::steps`].
    #[must_use]
    pub fn take_steps(&mut self) -> Vec<Upgrade> {
        let mut steps = std::mem::take(&mut self.flips);
        steps.append(&mut self.upgrades);
        steps
    }

    /// Returns how many Pods are left as they are for this reason.
    #[must_use]
    pub fn held(&self, reason: Hold) -> usize {
        self.held_pods(reason).count()
    }

    /// Returns the reasons for which Pods are left as they are, each with how many Pods that are.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<Hold, usize> {
        let mut reasons = BTreeMap::new();
        for hold in self.holds.values() {
            *reasons.entry(*hold).or_default() += 1;
        }
        reasons
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
            RolloutPosition::Updated => {}
            RolloutPosition::Held(hold) => {
                plan.holds.insert(pod.key.clone(), hold);
            }
            RolloutPosition::HandedOver => plan.flips.push(Upgrade::flip(set, pod)),
            RolloutPosition::Waiting => waiting.push(*pod),
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
