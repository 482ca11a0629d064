//! A round whose writes are under way.

use crate::catalog::InvalidSet;
use crate::normalize::CanonicalSet;
use crate::reconcile::look::{Decision, Outcome};
use crate::reconcile::round::with_records;
use crate::reconcile::{Monotonic, Rest};
use crate::record::{PodRecord, Uid};
use crate::revision;
use crate::rollout::Upgrade;
use crate::upgradable::Change;
use sidecarset_api::v1beta1::SidecarSetStatus;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// For how long upgrades of one plan are begun. Then it is planned anew, with what has changed since.
const ROUND: Duration = Duration::from_secs(2);

/// How much time is between two looks at a set of which nothing is rolled out, while nothing changes but its Pods: these
/// looks lead to another status, and that is written once a second.
const CALM: Duration = Duration::from_secs(1);

/// A round whose writes are under way.
#[derive(Debug)]
pub(super) struct OpenRound {
    pub(super) looked: Monotonic,
    pub(super) rest: Rest,
    pub(super) subject: Subject,
    pub(super) pods: PodLane,
    pub(super) record: RecordLane,
    // When time alone leads to something else.
    next: Option<Monotonic>,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    Valid {
        set: Arc<CanonicalSet>,
        /// What its Pods are to be: the set, or that to which a failed rollout returns.
        target: Arc<CanonicalSet>,
    },
    Invalid(Arc<InvalidSet>),
    /// There is no such set.
    Gone,
    /// Nothing is known but that the reconcile ended in a panic.
    Panicked,
}

/// The writes of Pods: upgrades, and then conditions.
#[derive(Debug)]
pub(super) struct PodLane {
    pub(super) stage: PodStage,
    pub(super) upgrades: VecDeque<(Arc<PodRecord>, Upgrade)>,
    pub(super) conditions: VecDeque<(Arc<PodRecord>, Change)>,
    /// The Pods that are being written.
    pub(super) under_way: BTreeSet<Uid>,
    /// When the stage is over: nothing is begun any more.
    pub(super) until: Monotonic,
    /// When conditions of Pods are tried again.
    pub(super) due: Option<Monotonic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PodStage {
    Upgrades,
    Conditions,
    Over,
}

/// What is written of the set itself: its revisions, and then its status.
#[derive(Debug)]
pub(super) struct RecordLane {
    pub(super) stage: RecordStage,
    pub(super) matched: Vec<Arc<PodRecord>>,
    pub(super) status: Option<SidecarSetStatus>,
    pub(super) is_under_way: bool,
    /// When there is more to write.
    pub(super) due: Option<Monotonic>,
}

#[derive(Debug)]
pub(super) enum RecordStage {
    Begun,
    Revisions(VecDeque<revision::Change>),
    Status,
    Over,
}

impl OpenRound {
    pub(super) fn of(decision: Decision, rest: Rest, now: Monotonic) -> Self {
        let looked = decision.now.monotonic;
        let empty = Self {
            looked,
            rest,
            subject: Subject::Gone,
            pods: PodLane::of(VecDeque::new(), Vec::new(), now + ROUND),
            record: RecordLane { stage: RecordStage::Over, ..RecordLane::saying(None) },
            next: None,
        };
        match decision.outcome {
            Outcome::Valid(decided) => {
                let mut round = decided.round;
                let steps = if round.is_new { Vec::new() } else { round.plan.take_steps() };
                let upgrades = with_records(steps, &decided.matched).collect();
                let calm = if round.is_at_rest { CALM } else { Duration::ZERO };
                let record = RecordLane { matched: decided.matched, ..RecordLane::saying(Some(round.status)) };
                Self {
                    rest: rest.and_from_pods(looked + calm),
                    subject: Subject::Valid { set: decided.set, target: decided.target },
                    pods: PodLane::of(upgrades, round.conditions, now + ROUND),
                    record,
                    next: round.next,
                    ..empty
                }
            }
            Outcome::Invalid(set, status) => {
                let record = RecordLane { stage: RecordStage::Status, ..RecordLane::saying(Some(*status)) };
                Self { subject: Subject::Invalid(set), record, ..empty }
            }
            Outcome::Gone(conditions) => Self { pods: PodLane::of(VecDeque::new(), conditions, now + ROUND), ..empty },
        }
    }

    /// A round in which nothing is done but to say this.
    pub(super) fn saying(status: SidecarSetStatus, now: Monotonic) -> Self {
        Self {
            looked: now,
            rest: Rest::over(now),
            subject: Subject::Panicked,
            pods: PodLane::of(VecDeque::new(), Vec::new(), now),
            record: RecordLane { stage: RecordStage::Status, ..RecordLane::saying(Some(status)) },
            next: None,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        matches!(self.subject, Subject::Valid { .. })
    }

    /// Returns how many upgrades were not begun.
    pub(super) fn left(&self) -> usize {
        self.pods.upgrades.len()
    }

    /// Returns when the set is to be looked at again, even if nothing happens until then.
    pub(super) fn due(&self) -> Option<Monotonic> {
        [self.pods.due, self.record.due, self.next].into_iter().flatten().min()
    }
}

impl PodLane {
    fn of(
        upgrades: VecDeque<(Arc<PodRecord>, Upgrade)>,
        conditions: Vec<(Arc<PodRecord>, Change)>,
        until: Monotonic,
    ) -> Self {
        let (conditions, under_way) = (conditions.into(), BTreeSet::new());
        Self { stage: PodStage::Upgrades, upgrades, conditions, under_way, until, due: None }
    }
}

impl RecordLane {
    /// Has the set looked at no later than then.
    pub(super) fn put_off(&mut self, due: Option<Monotonic>) {
        self.due = [self.due, due].into_iter().flatten().min();
    }

    fn saying(status: Option<SidecarSetStatus>) -> Self {
        Self { stage: RecordStage::Begun, matched: Vec::new(), status, is_under_way: false, due: None }
    }
}
