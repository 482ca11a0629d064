//! The writes of Pods: upgrades come first, and where none is left, conditions have time.

use super::open_round::{OpenRound, PodLane, PodStage, Subject};
use super::{Driver, Output, Poll};
use crate::catalog::{Catalog, Entry};
use crate::event;
use crate::normalize::CanonicalSet;
use crate::reconcile::{ConditionBackoff, Monotonic, WriteHold};
use crate::record::{Interner, ObservedPod, PodRecord, Uid};
use crate::rollout::{Step, Upgrade};
use crate::upgradable::Change;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How many conditions are written in one look at a set.
const CONDITIONS: usize = 100;

/// For how long writes of conditions are begun in one look.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many conditions are written at once: with as many workers as there are by default, upgrades keep the larger part.
const CONDITIONS_AT_ONCE: usize = 4;

/// What is said of a Pod that came back without the cpu and memory that were asked for: an admission webhook has others in mind.
pub const WITHOUT_AMOUNTS: &str = "the pod came back without the cpu and memory";

/// A write of a Pod.
#[derive(Debug)]
pub enum PodWrite {
    /// A step of an upgrade.
    Upgrade(UpgradeWrite),
    /// Its condition.
    Condition(ConditionWrite),
}

/// A step of an upgrade.
#[derive(Debug)]
pub struct UpgradeWrite {
    /// What the Pod is to be.
    pub set: Arc<CanonicalSet>,
    /// The Pod that it was decided on.
    pub pod: Arc<PodRecord>,
    /// What changes.
    pub upgrade: Upgrade,
}

/// The condition of a Pod. It tells people how it is, and changes nothing about a rollout: so it is written a few at a time,
/// and nothing waits for long.
#[derive(Debug)]
pub struct ConditionWrite {
    /// The set that asks for it.
    pub set: Arc<str>,
    /// The Pod as it is now.
    pub pod: Arc<PodRecord>,
    /// What its condition is to say.
    pub change: Change,
}

/// What became of a write of a Pod.
#[derive(Debug)]
pub enum PodAnswer<'a> {
    /// It was written; this is the Pod since then.
    Written(ObservedPod<'a>),
    /// It was written, and is not what was asked for.
    Altered(ObservedPod<'a>),
    /// There is no such Pod any more, so there is nothing left to do.
    Gone,
    /// It was not written, or nobody knows; and what was said to it.
    Held(WriteHold, &'a str),
}

/// Why nothing is written after the annotations of a Pod were read.
pub type Unwritten = (WriteHold, Box<dyn Error + Send + Sync>);

impl UpgradeWrite {
    /// Says whether the metadata of the Pod has to be read before this is written.
    #[must_use]
    pub fn reads_annotations(&self) -> bool {
        self.upgrade.reads_annotations(&self.set)
    }

    /// Decides which annotations of others change, given the metadata of the Pod where [`Self::reads_annotations`] asks for it.
    ///
    /// # Errors
    /// It is another Pod by now, or a value cannot be merged.
    pub fn annotate(&mut self, found: Option<&ObjectMeta>) -> Result<(), Unwritten> {
        // The patch asks for the version that was planned on, so what another version says is of no use.
        if found.is_some_and(|found| !self.pod.is_of(found)) {
            return Err((WriteHold::Conflict, "the pod has changed".into()));
        }
        let none = BTreeMap::new();
        let present = found.and_then(|found| found.annotations.as_ref()).unwrap_or(&none);
        self.upgrade.annotate(&self.set, present).map_err(|error| (WriteHold::NotMerged, error.into()))
    }

    /// Says whether a Pod is what was asked for. One that the API server answers without the amounts would be written again and
    /// again.
    #[must_use]
    pub fn is_met_by(&self, written: ObservedPod<'_>) -> bool {
        if self.upgrade.step != Step::Resize {
            return true;
        }
        let pod = PodRecord::read(written, &mut Interner::default());
        pod.is_none_or(|pod| self.upgrade.resizes.iter().all(|resize| resize.is_in(&pod)))
    }
}

impl Driver {
    /// Returns what is written of the Pods of a set now.
    pub fn poll_pod(&mut self, now: Monotonic, name: &Arc<str>, catalog: &Catalog) -> Poll<PodWrite> {
        let Some(stage) = self.rounds.get(name).map(|round| round.pods.stage) else { return Poll::Over };
        // The permits are shared among these.
        let sets = self.rounds.values().filter(|round| round.pods.is_writing()).count();
        if stage == PodStage::Upgrades {
            match self.poll_upgrade(now, name, (sets, catalog)) {
                Poll::Over => {}
                poll => return poll,
            }
        }
        self.poll_condition(now, name, sets)
    }

    fn poll_upgrade(&mut self, now: Monotonic, name: &Arc<str>, (sets, catalog): (usize, &Catalog)) -> Poll<PodWrite> {
        let Some(OpenRound { pods: lane, subject, .. }) = self.rounds.get_mut(name) else { return Poll::Over };
        let may_begin = self.is_leading && now < lane.until;
        let mut is_waiting = now < lane.until && !lane.under_way.is_empty();
        if let Subject::Valid { target, .. } = subject
            && may_begin
            && !lane.upgrades.is_empty()
            && is_current(catalog, target)
        {
            if self.permits.take(name, sets, usize::MAX)
                && let Some((pod, upgrade)) = lane.upgrades.pop_front()
            {
                lane.under_way.insert(pod.uid.clone());
                self.attempts.begin(target, &pod, now);
                return Poll::Write(PodWrite::Upgrade(UpgradeWrite { set: Arc::clone(target), pod, upgrade }));
            }
            is_waiting = true;
        }
        if is_waiting {
            return Poll::Wait(Some(lane.until));
        }
        // The last ones are waited for no longer: the next round knows of them.
        lane.under_way.clear();
        if lane.upgrades.is_empty() {
            lane.turn_to_conditions(now, name, &mut self.condition_backoff);
        } else {
            lane.stage = PodStage::Over;
        }
        Poll::Over
    }

    fn poll_condition(&mut self, now: Monotonic, name: &Arc<str>, sets: usize) -> Poll<PodWrite> {
        let Some(OpenRound { pods: lane, .. }) = self.rounds.get_mut(name) else { return Poll::Over };
        if lane.stage != PodStage::Conditions {
            return Poll::Over;
        }
        while self.is_leading
            && now < lane.until
            && let Some((pod, change)) = lane.conditions.pop_front()
        {
            // As it is now, if its condition says what was decided on. What else has changed since, such as the kubelet's part of
            // the status, is no reason to look again.
            let newest = self.index.get(&pod.key);
            let newest = newest.filter(|newest| newest.uid == pod.uid && newest.upgradable == pod.upgradable);
            let Some(newest) = newest else {
                self.condition_backoff.add(name, &pod.uid, WriteHold::Conflict, now);
                continue;
            };
            if !self.permits.take(name, sets, CONDITIONS_AT_ONCE) {
                lane.conditions.push_front((pod, change));
                return Poll::Wait(Some(lane.until));
            }
            lane.under_way.insert(pod.uid.clone());
            let (set, pod) = (Arc::clone(name), Arc::clone(newest));
            return Poll::Write(PodWrite::Condition(ConditionWrite { set, pod, change }));
        }
        if !lane.under_way.is_empty() {
            return Poll::Wait(None);
        }
        lane.stage = PodStage::Over;
        let again = (!lane.conditions.is_empty()).then_some(now);
        lane.due = [lane.due, again, self.condition_backoff.next(name)].into_iter().flatten().min();
        Poll::Over
    }

    /// Gives the permit of a write of a Pod back, whether there was an answer or not.
    pub fn release(&mut self, set: &str) {
        self.permits.give_back(set);
    }

    /// Takes in what became of a write of a Pod.
    pub fn answer_pod(&mut self, now: Monotonic, write: &PodWrite, answer: &PodAnswer<'_>) {
        match write {
            PodWrite::Upgrade(write) => {
                self.is_answered(&write.set.name, &write.pod.uid);
                self.answer_upgrade(now, write, answer);
            }
            PodWrite::Condition(write) => {
                self.is_answered(&write.set, &write.pod.uid);
                self.answer_condition(now, write, answer);
            }
        }
    }

    fn is_answered(&mut self, set: &str, pod: &Uid) {
        if let Some(round) = self.rounds.get_mut(set) {
            round.pods.under_way.remove(pod);
        }
    }

    fn answer_upgrade(&mut self, now: Monotonic, write: &UpgradeWrite, answer: &PodAnswer<'_>) {
        let UpgradeWrite { set, pod, upgrade } = write;
        match answer {
            PodAnswer::Written(written) => {
                self.attempts.succeed(&set.name, pod);
                if upgrade.step == Step::Flip {
                    self.outputs.push_back(Output::Event(event::reset(pod)));
                }
                self.change_index(now, |index| index.wrote(*written, now));
            }
            PodAnswer::Gone => {
                self.attempts.succeed(&set.name, pod);
                self.change_index(now, |index| index.forget(&pod.key, &pod.uid));
            }
            PodAnswer::Altered(written) => {
                self.change_index(now, |index| index.wrote(*written, now));
                self.fail_upgrade(now, write, (WriteHold::ResizeRefused, WITHOUT_AMOUNTS));
            }
            PodAnswer::Held(hold, said) => self.fail_upgrade(now, write, (*hold, said)),
        }
    }

    fn fail_upgrade(&mut self, now: Monotonic, write: &UpgradeWrite, (hold, said): (WriteHold, &str)) {
        let UpgradeWrite { set, pod, upgrade } = write;
        let failures = self.attempts.fail(set, pod, hold, now);
        self.attempts.note_answer(&set.name, pod, said);
        // Once, not with every attempt; and that the Pod has changed is nothing that a person has to know.
        if upgrade.step == Step::Flip && failures == 1 && hold != WriteHold::Conflict {
            self.outputs.push_back(Output::Event(event::reset_failed(pod, said)));
        }
        // Another Pod can take its place in the budget.
        self.schedule.add(Arc::clone(&set.name), now);
    }

    fn answer_condition(&mut self, now: Monotonic, write: &ConditionWrite, answer: &PodAnswer<'_>) {
        let ConditionWrite { set, pod, .. } = write;
        match answer {
            PodAnswer::Written(written) | PodAnswer::Altered(written) => {
                self.condition_backoff.remove(set, &pod.uid);
                self.change_index(now, |index| index.wrote(*written, now));
            }
            PodAnswer::Gone => self.change_index(now, |index| index.forget(&pod.key, &pod.uid)),
            PodAnswer::Held(hold, _) => self.condition_backoff.add(set, &pod.uid, *hold, now),
        }
    }
}

impl PodWrite {
    /// Returns the set for which it is written.
    #[must_use]
    pub fn set(&self) -> &Arc<str> {
        match self {
            Self::Upgrade(write) => &write.set.name,
            Self::Condition(write) => &write.set,
        }
    }
}

impl PodLane {
    /// Says whether there is something to write, or under way.
    pub(super) fn is_writing(&self) -> bool {
        let is_left = match self.stage {
            PodStage::Upgrades => !self.upgrades.is_empty() || !self.conditions.is_empty(),
            PodStage::Conditions => !self.conditions.is_empty(),
            PodStage::Over => false,
        };
        is_left || !self.under_way.is_empty()
    }

    /// Chooses the conditions that are written in this round.
    fn turn_to_conditions(&mut self, now: Monotonic, name: &Arc<str>, condition_backoff: &mut ConditionBackoff) {
        self.stage = PodStage::Conditions;
        self.until = now + PATIENCE;
        condition_backoff.keep(name, &self.conditions.iter().map(|(pod, _)| &pod.uid).collect::<BTreeSet<_>>());
        self.conditions.retain(|(pod, _)| !condition_backoff.is_waiting(name, &pod.uid, now));
        self.due = (self.conditions.len() > CONDITIONS).then_some(now);
        self.conditions.truncate(CONDITIONS);
    }
}

/// Says whether a set is still the one that was decided on.
fn is_current(catalog: &Catalog, set: &Arc<CanonicalSet>) -> bool {
    matches!(catalog.set(&set.name), Some(Entry::Valid(current)) if Arc::ptr_eq(current.effective(), set))
}
