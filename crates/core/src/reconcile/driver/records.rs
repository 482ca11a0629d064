//! What is written of a set itself: its revisions, and then its status, which speaks of the Pods as they were when it was decided.

use super::open_round::{OpenRound, RecordStage, Subject};
use super::{Driver, Output, Poll, Surroundings};
use crate::catalog::{Catalog, Entry};
use crate::normalize::CanonicalSet;
use crate::reconcile::{Monotonic, WriteHold, status_patch};
use crate::revision::{Change, Revision, changes};
use crate::status::{self, Injecting};
use serde_json::Value;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::collections::VecDeque;
use std::sync::Arc;

/// A write about a set.
#[derive(Debug)]
pub enum RecordWrite {
    /// One by which its past is kept.
    Revision(Arc<CanonicalSet>, Change),
    /// Its status.
    Status(Box<StatusWrite>),
}

/// A status that is to be written.
#[derive(Debug)]
pub struct StatusWrite {
    /// The name of the set.
    pub name: Arc<str>,
    /// What is known to be written.
    pub before: Option<SidecarSetStatus>,
    /// What is to be written.
    pub after: Arc<SidecarSetStatus>,
    /// The merge patch.
    pub patch: Value,
}

/// What became of a write by which the past is kept.
#[derive(Debug)]
pub enum RevisionAnswer {
    /// The revision is stored, as this where it can be read.
    Stored(Option<Revision>),
    /// The revision is gone.
    Deleted,
    /// Another object has its name.
    Collision,
    /// It was not written, or nobody knows.
    Failed,
}

/// What became of the write of a status.
#[derive(Debug)]
pub enum StatusAnswer<'a> {
    /// It was written; this is the set since then.
    Written(&'a SidecarSet),
    /// There is no such set any more.
    Gone,
    /// It was not written, or nobody knows.
    Held(WriteHold),
}

impl StatusWrite {
    /// Says whether it tells that the rollout has failed, or does no longer.
    #[must_use]
    pub fn changes_failure(&self) -> bool {
        self.before.as_ref().and_then(|before| before.failure.as_ref()) != self.after.failure.as_ref()
    }
}

impl Driver {
    /// Returns what is written about a set now.
    pub fn poll_record(&mut self, name: &Arc<str>, around: Surroundings<'_>) -> Poll<RecordWrite> {
        if !self.is_leading {
            return Poll::Over;
        }
        if self.rounds.get(name).is_some_and(|round| round.record.is_under_way) {
            return Poll::Wait(None);
        }
        if let Some(change) = self.next_revision(name, around) {
            return Poll::Write(change);
        }
        match self.next_status(name, around) {
            Some(write) => Poll::Write(RecordWrite::Status(Box::new(write))),
            None => Poll::Over,
        }
    }

    fn next_revision(&mut self, name: &Arc<str>, around: Surroundings<'_>) -> Option<RecordWrite> {
        let round = self.rounds.get(name)?;
        let Subject::Valid { set, .. } = &round.subject else { return None };
        let set = Arc::clone(set);
        if matches!(round.record.stage, RecordStage::Begun) {
            let stage = self.begin_revisions(&set, around);
            self.rounds.get_mut(name)?.record.stage = stage;
        }
        let OpenRound { record: lane, .. } = self.rounds.get_mut(name)?;
        let RecordStage::Revisions(left) = &mut lane.stage else { return None };
        if let Some(change) = left.pop_front() {
            lane.is_under_way = true;
            return Some(RecordWrite::Revision(set, change));
        }
        lane.stage = RecordStage::Status;
        lane.due = self.sets.wrote_revisions(name, true, around.now.monotonic);
        None
    }

    fn begin_revisions(&mut self, set: &CanonicalSet, around: Surroundings<'_>) -> RecordStage {
        // Another object of the name has its own past.
        let source = self.sets.get(&set.name).filter(|source| source.metadata.uid.as_deref() == set.uid.as_deref());
        let (Some(source), Some(round)) = (source, self.rounds.get_mut(&set.name)) else { return RecordStage::Status };
        if let Some(due) = source.revisions_due.filter(|due| *due > around.now.monotonic) {
            round.record.due = Some(due);
            return RecordStage::Status;
        }
        let history = around.catalog.revisions().of(&set.name, set.uid.as_deref());
        let changes = changes(set, &source.metadata, source.status.as_ref(), history, &round.record.matched);
        RecordStage::Revisions(VecDeque::from(changes))
    }

    fn next_status(&mut self, name: &Arc<str>, around: Surroundings<'_>) -> Option<StatusWrite> {
        let round = self.rounds.get_mut(name).filter(|round| matches!(round.record.stage, RecordStage::Status))?;
        round.record.stage = RecordStage::Over;
        let (status, subject) = (round.record.status.take()?, round.subject.clone());
        let after = Arc::new(self.with_surroundings(status, &subject, name, around));
        self.outputs.push_back(Output::Status(Arc::clone(name), Arc::clone(&after)));
        self.sets.note_status(name, &after);
        let known = self.sets.get(name)?;
        if known.status.as_ref() == Some(&*after) {
            return None;
        }
        let lane = &mut self.rounds.get_mut(name)?.record;
        if let Some(due) = known.status_due.filter(|due| *due > around.now.monotonic) {
            lane.put_off(Some(due));
            return None;
        }
        lane.is_under_way = true;
        let patch = status_patch::patch(&known.metadata, known.status.as_ref(), &after);
        Some(StatusWrite { name: Arc::clone(name), before: known.status.clone(), after, patch })
    }

    /// Puts the status together: to what was decided about the Pods comes what is known beside them. That is looked up last: it
    /// may have changed while revisions were written.
    fn with_surroundings(
        &self,
        status: SidecarSetStatus,
        subject: &Subject,
        name: &str,
        around: Surroundings<'_>,
    ) -> SidecarSetStatus {
        let (status, entry) = match subject {
            Subject::Valid { set, .. } => {
                let newest = around.catalog.revisions().of(&set.name, set.uid.as_deref()).latest();
                let newest = newest.map(|newest| &*newest.name);
                let status = status::with_revisions(status, newest, set.draft.collisions);
                (status::with_not_injected(status, self.index.lacking(name)), Entry::Valid(Arc::clone(set)))
            }
            Subject::Invalid(set) => (status, Entry::Invalid(Arc::clone(set))),
            Subject::Gone | Subject::Panicked => return status,
        };
        match Injecting::of(&entry, around.in_force) {
            Some(injecting) => status::with_injecting(status, &injecting, around.now.wall),
            None => status,
        }
    }

    /// Takes in what became of a write by which the past of a set is kept.
    pub fn answer_revision(
        &mut self,
        now: Monotonic,
        (set, change): (&CanonicalSet, &Change),
        answer: RevisionAnswer,
        catalog: &mut Catalog,
    ) {
        let is_done = match answer {
            RevisionAnswer::Stored(revision) => {
                put(set, revision, catalog);
                true
            }
            RevisionAnswer::Deleted => {
                if let Change::Delete(revision) = change {
                    catalog.remove_revision(&revision.name);
                }
                true
            }
            RevisionAnswer::Collision => {
                catalog.note_collision(&set.name);
                false
            }
            RevisionAnswer::Failed => false,
        };
        let Some(round) = self.rounds.get_mut(&set.name) else { return };
        round.record.is_under_way = false;
        if !is_done {
            // What is deleted may be all that is left of the past, until the present is a part of it.
            round.record.stage = RecordStage::Status;
            round.record.due = self.sets.wrote_revisions(&set.name, false, now);
        }
    }

    /// Takes in what became of the write of a status.
    pub fn answer_status(
        &mut self,
        now: Monotonic,
        write: &StatusWrite,
        answer: &StatusAnswer<'_>,
        catalog: &mut Catalog,
    ) {
        let name = &write.name;
        let due = match answer {
            StatusAnswer::Written(set) => {
                self.sets.wrote_status(set, now);
                let events = self.sets.tell(name, write.before.as_ref(), &write.after);
                self.outputs.extend(events.into_iter().map(Output::Event));
                if write.changes_failure() {
                    // New Pods are not to wait for the watch to show that.
                    catalog.note_failure(set);
                    self.schedule.add(Arc::clone(name), now);
                }
                None
            }
            StatusAnswer::Gone => None,
            StatusAnswer::Held(WriteHold::Conflict) => self.sets.missed_status(name, now),
            StatusAnswer::Held(_) => self.sets.failed_status(name, now),
        };
        if let Some(round) = self.rounds.get_mut(name) {
            round.record.is_under_way = false;
            round.record.put_off(due);
        }
    }
}

/// Does not wait for the watch to show what was written. The set may be gone by now, and its revisions with it.
fn put(set: &CanonicalSet, revision: Option<Revision>, catalog: &mut Catalog) {
    let is_current = matches!(catalog.set(&set.name), Some(Entry::Valid(current)) if current.uid == set.uid);
    if let Some(revision) = revision.filter(|_| is_current) {
        catalog.put_revision(revision);
    }
}
