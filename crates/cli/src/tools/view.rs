//! A set among its Pods, as the operator looks at them.

mod state;

pub use state::{Standing, State};

use super::snapshot::{SeenPod, Snapshot};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Plan};
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
    /// Looks at the set of this name; there is nothing to be seen of one that cannot be acted on.
    pub fn of(snapshot: &'a Snapshot, name: &str, now: Seconds) -> Option<Self> {
        let set = snapshot.canonical(name)?;
        let namespace = |pod: &PodRecord| snapshot.catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
        let is_matched = |record: &PodRecord| rollout::is_matched(set, record, namespace(record));
        let pods = snapshot.pods.iter();
        let matched: Vec<&SeenPod> = pods.filter(|pod| pod.record.as_deref().is_some_and(is_matched)).collect();
        let missing = snapshot.pods.iter().filter(|pod| pod.lacks.iter().any(|lacked| **lacked == *name)).collect();
        let records = records(&matched);
        let status = snapshot.sets.get(name).and_then(|set| set.status.as_ref());
        let written = snapshot.catalog.outlook(set, &records, status, now).set;
        let set = Arc::clone(written.effective());
        let plan = rollout::plan(&set, &records, now);
        Some(Self { set, written, matched, missing, plan, now })
    }

    /// Returns what is remembered of the matched Pods.
    pub fn records(&self) -> Vec<&'a PodRecord> {
        records(&self.matched)
    }

    /// Returns the revision that describes a definition which new Pods get; nothing of the one that is written.
    pub fn past_revision<'b>(&self, definition: &'b Arc<CanonicalSet>) -> Option<&'b str> {
        definition.revision.as_deref().filter(|_| !Arc::ptr_eq(definition, &self.written))
    }

    /// Returns how a Pod of the set stands.
    pub fn standing(&self, pod: &SeenPod) -> Standing {
        Standing::of(self, pod)
    }
}

fn records<'a>(pods: &[&'a SeenPod]) -> Vec<&'a PodRecord> {
    pods.iter().filter_map(|pod| pod.record.as_deref()).collect()
}
