//! Active Pods, with or without sidecars, and the sets that select them and were not injected into them.

use super::Touched;
use sidecarset_core::record::PodKey;
use sidecarset_core::sorted::SortedMap;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// The labels of a Pod.
pub(crate) type PodLabels = Arc<SortedMap<Arc<str>>>;

/// Names of sets, kept once for all Pods that have the same.
pub(crate) type SetNames = Arc<[Arc<str>]>;

/// What decides which sets a Pod lacks.
#[derive(Debug, Clone)]
pub(crate) struct Selectable {
    pub(crate) key: PodKey,
    pub(crate) labels: PodLabels,
    pub(crate) injected: SetNames,
}

/// The active Pods.
#[derive(Debug, Default)]
pub(super) struct Uninjected {
    pods: BTreeMap<PodKey, Slot>,
    counts: BTreeMap<Arc<str>, usize>,
    // Each Pod is looked at with this version of the selection, or a later one.
    version: u64,
    // Whether every Pod was looked at since all sets are known.
    is_counted: bool,
}

#[derive(Debug)]
struct Slot {
    labels: PodLabels,
    injected: SetNames,
    lacks: SetNames,
    epoch: u32,
}

impl Uninjected {
    /// Takes in an active Pod, and which sets it lacks by a version of the selection. Answers which sets this touches, or
    /// nothing if that version is older than what was counted with.
    pub(super) fn put(&mut self, pod: Selectable, lacks: &SetNames, version: u64, epoch: u32) -> Option<Touched> {
        if version < self.version {
            return None;
        }
        let Selectable { key, labels, injected } = pod;
        let slot = Slot { labels, injected, lacks: Arc::clone(lacks), epoch };
        let before = self.pods.insert(key, slot).map(|slot| slot.lacks);
        Some(self.count(before.as_deref().unwrap_or_default(), lacks))
    }

    /// Forgets a Pod.
    pub(super) fn remove(&mut self, key: &PodKey) -> Touched {
        match self.pods.remove(key) {
            Some(slot) => self.count(&slot.lacks, &[]),
            None => Touched::new(),
        }
    }

    /// Forgets the Pods that the newest list does not show.
    pub(super) fn retain(&mut self, epoch: u32) -> Touched {
        let unseen = self.pods.iter().filter(|(_, slot)| slot.epoch != epoch);
        let gone: Vec<PodKey> = unseen.map(|(key, _)| key.clone()).collect();
        gone.iter().flat_map(|key| self.remove(key)).collect()
    }

    /// Begins to look at every Pod anew: what was found by an earlier version counts no longer.
    pub(super) fn begin(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    /// Returns so many Pods that come after one.
    pub(super) fn page(&self, after: Option<&PodKey>, size: usize) -> Vec<Selectable> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = self.pods.range::<PodKey, _>((from, Bound::Unbounded)).take(size);
        let selectable = |(key, slot): (&PodKey, &Slot)| Selectable {
            key: key.clone(),
            labels: Arc::clone(&slot.labels),
            injected: Arc::clone(&slot.injected),
        };
        slots.map(selectable).collect()
    }

    /// Notes which sets a Pod of a page lacks, unless it has changed since.
    pub(super) fn note(&mut self, pod: &Selectable, lacks: &SetNames) -> Touched {
        let is_same = |slot: &&mut Slot| slot.labels == pod.labels && slot.injected == pod.injected;
        let Some(slot) = self.pods.get_mut(&pod.key).filter(is_same) else { return Touched::new() };
        let before = std::mem::replace(&mut slot.lacks, Arc::clone(lacks));
        self.count(&before, lacks)
    }

    /// Ends a look at every Pod, and answers whether it was the first.
    pub(super) fn finish(&mut self) -> bool {
        !std::mem::replace(&mut self.is_counted, true)
    }

    /// Returns how many Pods lack a set, once they are counted.
    pub(super) fn lacking(&self, set: &str) -> Option<usize> {
        self.is_counted.then(|| self.counts.get(set).copied().unwrap_or_default())
    }

    fn count(&mut self, before: &[Arc<str>], after: &[Arc<str>]) -> Touched {
        let mut touched = Touched::new();
        for set in before.iter().filter(|set| !after.contains(set)) {
            if let Some(count) = self.counts.get_mut(set) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(set);
                }
            }
            touched.insert(Arc::clone(set));
        }
        for set in after.iter().filter(|set| !before.contains(set)) {
            *self.counts.entry(Arc::clone(set)).or_default() += 1;
            touched.insert(Arc::clone(set));
        }
        touched
    }
}
