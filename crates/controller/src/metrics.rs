//! What is counted of rollouts, writes, watches and the queue. To count is an atomic addition or two; what is known anyway is
//! looked up when somebody asks.

mod live;
mod rollouts;
mod watches;
mod writes;

pub use rollouts::{ConditionKind, FailureReason, HoldReason, PodState};
pub use watches::{Interruption, Kind};
pub use writes::{Write, Written};

use crate::apply::outcome::Answer;
use crate::context::Context;
use live::Live;
use rollouts::Rollouts;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::record::PodKey;
use sidecarset_core::rollout::Hold;
use sidecarset_metrics::{Bounds, Counters, Gauges, Histogram, Labels, NoLabels, Registry};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What the API server is waited for takes milliseconds, and no longer than 10 seconds.
const WRITE: Bounds = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// A look at a set takes tens of microseconds to decide, or tens of milliseconds where it has very many Pods; with its writes,
/// a few seconds.
const ROUND: Bounds = &[
    Duration::from_micros(100),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    writes: Counters<(Write, Written)>,
    write_duration: Histogram<Write>,
    decision_duration: Histogram,
    round_duration: Histogram,
    panicked_rounds: Counters,
    dropped_events: Counters,
    watched: Counters<Kind>,
    lists: Counters<Kind>,
    interruptions: Counters<(Kind, Interruption)>,
    unreadable: Gauges<Kind>,
    rollouts: Rollouts,
    live: Live,
}

impl Metrics {
    /// Registers everything.
    pub fn register(&self, registry: &mut Registry) {
        self.register_rounds(registry);
        self.writes.register(registry, "writes", "Writes to the API server, by what was written and what became of it");
        self.write_duration.register(registry, "write_duration", "Time from the request of a write to its answer");
        self.watched.register(registry, "watch_events", "Objects that a watch or a list showed, by their kind");
        self.lists.register(registry, "watch_lists", "Times that all objects of a kind were listed");
        self.interruptions.register(
            registry,
            "watch_interruptions",
            "Watches and lists that broke off, by their cause",
        );
        self.unreadable.register(
            registry,
            "unreadable_objects",
            "Objects that there are and that cannot be read as a whole, by their kind",
        );
        registry.register_collector(Box::new(self.rollouts.clone()));
        registry.register_collector(Box::new(self.live.clone()));
    }

    fn register_rounds(&self, registry: &mut Registry) {
        self.decision_duration.register(
            registry,
            "decision_duration",
            "Time from the beginning of a look at a SidecarSet to the decision",
        );
        self.round_duration.register(registry, "round_duration", "Time of a look at a SidecarSet, with its writes");
        self.panicked_rounds.register(registry, "panicked_rounds", "Looks at a SidecarSet that ended in a panic");
        self.dropped_events.register(
            registry,
            "rollout_events_dropped",
            "Events about rollouts for which there was no room in the queue",
        );
    }

    /// Returns how many writes there were of a kind that came to this.
    #[must_use]
    pub fn written(&self, write: Write, what: Written) -> u64 {
        self.writes.total((write, what))
    }

    /// Has the controller looked at when somebody asks.
    pub(crate) fn look_at(&self, ctx: &Arc<Context>) {
        self.live.look_at(ctx);
    }

    /// Counts a write, and what becomes of it.
    pub(crate) async fn write<K>(&self, write: Write, request: impl Future<Output = Answer<K>>) -> Answer<K> {
        let began = Instant::now();
        let answer = request.await;
        self.wrote(write, Written::of(&answer), began);
        answer
    }

    /// Counts a write that has come to this.
    pub(crate) fn wrote(&self, write: Write, what: Written, began: Instant) {
        self.writes.count((write, what));
        self.write_duration.observe(write, began.elapsed());
    }

    /// Takes note of how long it took to decide about a set.
    pub(crate) fn decided(&self, after: Duration) {
        self.decision_duration.observe(NoLabels, after);
    }

    /// Takes note of how long a look at a set took.
    pub(crate) fn ended_round(&self, after: Duration) {
        self.round_duration.observe(NoLabels, after);
    }

    /// Counts a look at a set that ended in a panic.
    pub(crate) fn panicked_round(&self) {
        self.panicked_rounds.count(NoLabels);
    }

    /// Counts an event that is not told.
    pub(crate) fn dropped_event(&self) {
        self.dropped_events.count(NoLabels);
    }

    /// Counts an object that is shown.
    pub(crate) fn was_shown(&self, kind: Kind) {
        self.watched.count(kind);
    }

    /// Counts a list that begins.
    pub(crate) fn begins_list(&self, kind: Kind) {
        self.lists.count(kind);
    }

    /// Counts a watch or a list that broke off.
    pub(crate) fn interrupted(&self, kind: Kind, interruption: Interruption) {
        self.interruptions.count((kind, interruption));
    }

    /// Takes note of how many objects of a kind cannot be read as a whole.
    pub(crate) fn unreadable(&self, kind: Kind, objects: usize) {
        self.unreadable.set(kind, i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// Takes note of why Pods of a set are left as they are.
    pub(crate) fn holds(&self, set: &Arc<str>, holds: &BTreeMap<PodKey, Hold>) {
        self.rollouts.holds(set, holds);
    }

    /// Takes note of what is said of a set.
    pub(crate) fn stands(&self, set: &Arc<str>, status: &SidecarSetStatus) {
        self.rollouts.stands(set, status);
    }

    /// Forgets a set.
    pub(crate) fn forget_set(&self, set: &str) {
        self.rollouts.forget(set);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            writes: Counters::default(),
            write_duration: Histogram::new(WRITE),
            decision_duration: Histogram::new(ROUND),
            round_duration: Histogram::new(ROUND),
            panicked_rounds: Counters::default(),
            dropped_events: Counters::default(),
            watched: Counters::default(),
            lists: Counters::default(),
            interruptions: Counters::default(),
            unreadable: Gauges::default(),
            rollouts: Rollouts::default(),
            live: Live::default(),
        }
    }
}

/// Returns the value of a single label.
fn value(label: impl Labels) -> &'static str {
    label.written().first().map_or("", |(_, value)| value)
}
