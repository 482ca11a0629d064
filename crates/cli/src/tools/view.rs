//! A set among its Pods, as the operator looks at them.

mod state;

pub use state::{SetState, State};

use super::snapshot::{SeenPod, Snapshot};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::reconcile::{Gathered, Look, Monotonic, Now};
use sidecarset_core::record::{PodKey, PodRecord};
use sidecarset_core::rollout::Plan;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A set among its Pods.
#[derive(Debug)]
pub struct View<'a> {
    /// The set, as its Pods are to be: as it is, or as it was at the revision to which a failed rollout returns.
    pub set: Arc<CanonicalSet>,
    /// The set as it is written.
    pub written: Arc<CanonicalSet>,
    /// The Pods that count as the set's.
    pub matched: Vec<&'a SeenPod>,
    /// The Pods that it selects and that were created without its sidecars.
    pub missing: Vec<&'a SeenPod>,
    /// What the operator would do with the Pods now.
    pub plan: Plan,
    now: Seconds,
}

impl<'a> View<'a> {
    /// Looks at the set of this name, as the operator does; there is nothing to be seen of one that cannot be acted on.
    pub fn of(snapshot: &'a Snapshot, name: &str, now: Seconds) -> Option<Self> {
        let set = snapshot.canonical(name)?;
        let status = snapshot.sets.get(name).and_then(|set| set.status.clone());
        let carrying = snapshot.pods.iter().filter_map(|pod| pod.record.clone()).filter(|record| record.carries(name));
        let gathered = Gathered::of(set, carrying, &snapshot.catalog, status);
        let look = Look::of(set, gathered, Now { wall: now, monotonic: Monotonic::START });
        let evaluation = look.evaluate_failure(&snapshot.catalog)?;
        let written = Arc::clone(&evaluation.set);
        let (round, matched) = look.decide(Some(evaluation)).into_round()?;
        let matched: BTreeSet<&PodKey> = matched.iter().map(|record| &record.key).collect();
        let matched = snapshot.pods.iter().filter(|pod| matched.contains(&pod.key)).collect();
        let missing = snapshot.pods.iter().filter(|pod| pod.lacks.iter().any(|lacked| **lacked == *name)).collect();
        Some(Self { set: Arc::clone(written.effective()), written, matched, missing, plan: round.plan, now })
    }

    /// Returns what is remembered of the matched Pods.
    pub fn records(&self) -> Vec<&'a PodRecord> {
        self.matched.iter().filter_map(|pod| pod.record.as_deref()).collect()
    }

    /// Returns the revision that describes a definition which new Pods get; nothing of the one that is written.
    pub fn past_revision<'b>(&self, definition: &'b Arc<CanonicalSet>) -> Option<&'b str> {
        definition.revision.as_deref().filter(|_| !Arc::ptr_eq(definition, &self.written))
    }

    /// Returns how a Pod of the set stands.
    pub fn standing(&self, pod: &SeenPod) -> SetState {
        SetState::of(self, pod)
    }
}
