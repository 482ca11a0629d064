//! The driver: what was observed and what was answered goes in, what is to be written and when comes out. It reads no clock, and
//! writes nothing itself; and whoever drives it, the operator or a test, drives the same.
//!
//! A set is looked at ([`Driver::poll_look`], [`Driver::look`]), something is decided about it ([`Look::decide`]), and a round
//! begins ([`Driver::begin`]). In a round there are two lanes, which are polled for writes and hear the answers: that of the Pods
//! ([`Driver::poll_pod`]) and that of what is recorded of the set ([`Driver::poll_record`]). When both are over, the round ends
//! ([`Driver::end`]), and says when the set is looked at next.
//!
//! A write of a Pod begins when there is a permit for it, which [`Driver::release`] gives back: what is paused, deleted or changed
//! by then is not written, nor anything once this replica leads no longer.

mod open_round;
mod pods;
mod records;
#[cfg(test)]
mod tests;

pub use pods::{ConditionWrite, PodAnswer, PodWrite, UpgradeWrite, WITHOUT_AMOUNTS};
pub use records::{RecordWrite, RevisionAnswer, StatusAnswer, StatusWrite};

use super::look::{Decision, Look, Outcome};
use super::permits::Permits;
use super::{
    ConditionBackoff, Gathered, InFlightWrites, Monotonic, News, Now, PodIndex, Rest, Schedule, Sets, Touched, Waiting,
};
use crate::catalog::{Catalog, Entry};
use crate::event::Event;
use crate::record::ObservedPod;
use crate::registration::RegisteredScopes;
use crate::status;
use crate::validation::Violations;
use open_round::OpenRound;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A set is looked at again only after it has rested for this many times as long as it took to decide about it: a
/// set of very many Pods, which change all the time, must not keep a processor to itself.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How many writes of Pods are under way at once, where nothing else is said.
const DEFAULT_LIMIT: usize = 16;

/// Everything that is remembered of sets and of their Pods beside the catalog, which others read, too.
#[derive(Debug)]
pub struct Driver {
    index: PodIndex,
    sets: Sets,
    attempts: InFlightWrites,
    /// When conditions of Pods that could not be written are tried again.
    condition_backoff: ConditionBackoff,
    schedule: Schedule,
    rounds: BTreeMap<Arc<str>, OpenRound>,
    outputs: VecDeque<Output>,
    permits: Permits,
    is_leading: bool,
}

/// What a watch shows of Pods.
#[derive(Debug, Clone, Copy)]
pub enum PodNews<'a> {
    /// A new list begins: what it does not show is gone.
    ListBegins,
    /// A Pod as it is.
    Shown(ObservedPod<'a>),
    /// A Pod that is gone.
    Gone(ObservedPod<'a>),
    /// The list is complete.
    ListEnds,
}

/// What others are to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Something that people are told.
    Event(Event),
    /// What is said of a set from now on, whether it is written at once or not.
    Status(Arc<str>, Arc<SidecarSetStatus>),
}

/// What is to be done now.
#[derive(Debug)]
pub enum Poll<W> {
    /// This is to be written.
    Write(W),
    /// Nothing, before an answer comes, or this time.
    Wait(Option<Monotonic>),
    /// There is nothing left to do in this round.
    Over,
}

/// What there is beside the driver when something is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The sets, their revisions and the namespaces.
    pub catalog: &'a Catalog,
    /// Which sets the API server knows of.
    pub in_force: &'a RegisteredScopes,
    /// The time.
    pub now: Now,
}

impl Default for Driver {
    /// Returns one that knows of nothing and does not lead.
    fn default() -> Self {
        Self {
            index: PodIndex::default(),
            sets: Sets::default(),
            attempts: InFlightWrites::default(),
            condition_backoff: ConditionBackoff::default(),
            schedule: Schedule::default(),
            rounds: BTreeMap::new(),
            outputs: VecDeque::new(),
            permits: Permits::new(DEFAULT_LIMIT),
            is_leading: false,
        }
    }
}

impl Driver {
    /// Says how many writes of Pods may be under way at once. What is recorded of sets needs no permit of these: there is one
    /// such write in each round.
    pub fn limit(&mut self, writes: usize) {
        self.permits.limit(writes);
    }

    /// Says whether this replica leads. One that does not looks at no set, and begins no write.
    pub fn lead(&mut self, is_leading: bool) {
        self.is_leading = is_leading;
    }

    /// Returns what is known of Pods.
    #[must_use]
    pub fn index(&self) -> &PodIndex {
        &self.index
    }

    /// Changes what is known of Pods, and has the sets looked at that this touches.
    pub fn change_index(&mut self, now: Monotonic, change: impl FnOnce(&mut PodIndex) -> Touched) {
        let touched = change(&mut self.index);
        self.touch(now, touched);
    }

    /// Takes in which sets an active Pod lacks, by a version of the selection. Answers no if that is out of date.
    pub fn place(&mut self, now: Monotonic, pod: ObservedPod<'_>, lacks: &[Arc<str>], version: u64) -> bool {
        let touched = self.index.place(pod, lacks, version);
        let is_placed = touched.is_some();
        self.touch(now, touched.into_iter().flatten());
        is_placed
    }

    /// Begins to count for all active Pods which sets they lack, with a version of the selection.
    pub fn begin_count(&mut self, version: u64) {
        self.index.begin_look(version);
    }

    /// Ends the count, and answers whether it was the first.
    pub fn finish_count(&mut self) -> bool {
        self.index.finish_look()
    }

    /// Takes in what a watch shows of Pods.
    pub fn observe_pods(&mut self, now: Monotonic, news: PodNews<'_>) {
        self.change_index(now, |index| match news {
            PodNews::ListBegins => {
                index.begin_list();
                Touched::new()
            }
            PodNews::Shown(pod) => index.observe(pod, now),
            PodNews::Gone(pod) => index.delete(pod),
            PodNews::ListEnds => index.finish_list(),
        });
    }

    /// Lets go of what means nothing any more.
    pub fn expire(&mut self, now: Monotonic) {
        self.change_index(now, |index| index.expire(now));
        self.attempts.expire(now);
    }

    /// Takes in a set that a watch shows, with what is wrong with it where only a part of it could be read.
    pub fn observe_set(
        &mut self,
        now: Monotonic,
        set: &SidecarSet,
        violations: Option<Violations>,
        catalog: &mut Catalog,
    ) {
        let name: Arc<str> = set.metadata.name.as_deref().unwrap_or_default().into();
        match self.sets.observe(set) {
            News::Nothing => return,
            News::Status => catalog.note_failure(set),
            News::Definition => {
                match violations {
                    None => catalog.put_set(set),
                    Some(violations) => catalog.put_unreadable_set(set, violations),
                };
                self.change_index(now, |index| index.add_set(&name));
            }
        }
        self.schedule.add(name, now);
    }

    /// Begins a list of the sets: what it does not show is gone.
    pub fn begin_sets(&mut self) {
        self.sets.begin_list();
    }

    /// Ends a list of the sets.
    pub fn finish_sets(&mut self, now: Monotonic, catalog: &mut Catalog) {
        for name in self.sets.finish_list() {
            self.forget_set(now, &name, catalog);
        }
    }

    /// Forgets a set that is gone.
    pub fn forget_set(&mut self, now: Monotonic, name: &str, catalog: &mut Catalog) {
        catalog.remove_set(name);
        self.index.remove_set(name);
        self.sets.remove(name);
        self.attempts.forget(name, now);
        self.schedule.forget(name);
        // Pods may still speak of it.
        self.schedule.add(name.into(), now);
    }

    /// Has sets looked at whose Pods have changed.
    pub fn touch(&mut self, now: Monotonic, sets: impl IntoIterator<Item = Arc<str>>) {
        sets.into_iter().for_each(|set| self.schedule.touch(set, now));
    }

    /// Has sets looked at, no later than then.
    pub fn add(&mut self, sets: impl IntoIterator<Item = Arc<str>>, at: Monotonic) {
        sets.into_iter().for_each(|set| self.schedule.add(set, at));
    }

    /// Returns when a set is to be looked at next.
    #[must_use]
    pub fn deadline(&self) -> Option<Monotonic> {
        self.schedule.next().filter(|_| self.is_leading)
    }

    /// Returns how many sets are due and wait.
    #[must_use]
    pub fn waiting(&self, now: Monotonic) -> Waiting {
        self.schedule.waiting(now)
    }

    /// Takes the set that has been due the longest. It is not given out again before [`Self::end`] or [`Self::fail`].
    pub fn poll_look(&mut self, now: Monotonic) -> Option<Arc<str>> {
        if self.is_leading { self.schedule.take(now) } else { None }
    }

    /// Gathers what is known of a set.
    pub fn look(&mut self, name: &Arc<str>, catalog: &Catalog, now: Now) -> Look {
        let status = || self.sets.get(name).and_then(|set| set.status.clone());
        match catalog.set(name) {
            Some(Entry::Valid(set)) => {
                let gathered = Gathered::of(set, self.index.members(name), catalog, status());
                let attempts = self.attempts.of(set.effective(), &gathered.matched, now.monotonic);
                Look::valid(Arc::clone(set), gathered, attempts, now)
            }
            Some(Entry::Invalid(set)) => Look::invalid(Arc::clone(set), status(), now),
            None => {
                // It was deleted while it was looked at, and its Pods were being upgraded.
                self.attempts.forget(name, now.monotonic);
                Look::gone(name, self.index.members(name), now)
            }
        }
    }

    /// Begins the round that was decided on.
    pub fn begin(&mut self, decision: Decision, now: Monotonic) {
        let looked = decision.now.monotonic;
        let rest = match &decision.outcome {
            Outcome::Valid(_) => Rest::over(looked + rest_after(now.since(looked))),
            Outcome::Invalid(..) | Outcome::Gone(_) => Rest::over(looked),
        };
        let name = Arc::clone(&decision.name);
        self.rounds.insert(name, OpenRound::of(decision, rest, now));
    }

    /// Begins a round in which nothing is done but to say that a defect ended the one before. [`Self::fail`] ends it.
    pub fn begin_panicked(&mut self, name: &Arc<str>, panic: &str, around: Surroundings<'_>) {
        let Some(generation) = around.catalog.set(name).map(Entry::generation) else { return };
        let before = self.sets.get(name).and_then(|set| set.status.as_ref());
        let status = status::panicked(generation, panic, before, around.now.wall);
        self.rounds.insert(Arc::clone(name), OpenRound::saying(status, around.now.monotonic));
    }

    /// Ends a round both of whose lanes are over, and has the set looked at again when that is due. Answers how many upgrades
    /// were not begun.
    pub fn end(&mut self, now: Monotonic, name: &Arc<str>) -> usize {
        let Some(round) = self.rounds.remove(name) else { return 0 };
        // By the time of the plan: a Pod whose turn has come since was not in it.
        let retry_at = if round.is_valid() { self.attempts.next(name, round.looked) } else { None };
        let again = (round.left() > 0).then_some(now);
        self.schedule.finish(name, round.rest, now);
        if let Some(at) = [round.due(), retry_at, again].into_iter().flatten().min() {
            self.schedule.add(Arc::clone(name), at);
        }
        round.left()
    }

    /// Gives up a round that a defect ended. The set is looked at again after a wait that grows with every failure.
    pub fn fail(&mut self, now: Monotonic, name: &Arc<str>) {
        self.rounds.remove(name);
        self.schedule.fail(name, now);
    }

    /// Returns what others are to know.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

/// Returns how long after its beginning a look may be followed by the next one, by how long it took to decide. Writes that
/// are waited for meanwhile are rest too.
fn rest_after(decided: Duration) -> Duration {
    decided + (decided * REST).min(LONGEST_REST)
}
