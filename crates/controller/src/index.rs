//! The Pods that SidecarSets were injected into, as far as anybody here asks about them, and which set has which. Of other Pods
//! it is known which sets they lack.
//!
//! Plain data without a clock: time is handed in. Each change answers with the sets that it touches.

mod own_write;
mod uninjected;

#[cfg(test)]
mod tests;

pub(crate) use uninjected::Selectable;

use own_write::OwnWrite;
use sidecarset_core::record::{Interner, ObservedPod, PodKey, PodRecord};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uninjected::Uninjected;

/// For how long our own write is believed against a watch that shows an older Pod.
const OWN_WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// After how many records that were dropped or replaced the strings of the past are forgotten.
const SWEEP_AFTER: u32 = 4096;

/// The sets that a change touches: those of the Pod before, and those of the Pod after it.
pub(crate) type Touched = BTreeSet<Arc<str>>;

/// The Pods that SidecarSets were injected into.
#[derive(Debug, Default)]
pub(crate) struct PodIndex {
    pods: BTreeMap<PodKey, Slot>,
    // With the records, so that a look at a set does not search for each of them.
    sets: BTreeMap<Arc<str>, BTreeMap<PodKey, Arc<PodRecord>>>,
    uninjected: Uninjected,
    interner: Interner,
    // Which list showed a Pod last: one that the newest list does not show is gone.
    epoch: u32,
    discarded: u32,
    // In the order of their deadlines, which is the order in which they were written.
    deadlines: VecDeque<(Instant, PodKey)>,
}

#[derive(Debug)]
struct Slot {
    record: Arc<PodRecord>,
    epoch: u32,
    own_write: Option<Box<OwnWrite>>,
}

impl PodIndex {
    /// Takes in a Pod that a watch shows. A Pod older than our own write of it is not believed, until the write's
    /// deadline.
    pub(crate) fn observe(&mut self, pod: ObservedPod<'_>, now: Instant) -> Touched {
        let Some(record) = PodRecord::read(pod, &mut self.interner) else {
            return self.remove(&key(pod), None);
        };
        if let Some(slot) = self.pods.get_mut(&record.key) {
            slot.epoch = self.epoch;
            if let Some(own_write) = slot.own_write.as_mut().filter(|own_write| own_write.outweighs(&record, now)) {
                own_write.overruled = Some(record);
                return Touched::new();
            }
        }
        self.put(record, None)
    }

    /// Takes in the API server's answer to a write of ours, unless the Pod has gone or moved on in the meantime.
    pub(crate) fn wrote(&mut self, pod: ObservedPod<'_>, now: Instant) -> Touched {
        let Some(record) = PodRecord::read(pod, &mut self.interner) else {
            return Touched::new();
        };
        let is_current = |slot: &Slot| own_write::is_successor(&record, &slot.record);
        if !self.pods.get(&record.key).is_some_and(is_current) {
            return Touched::new();
        }
        let deadline = now + OWN_WRITE_DEADLINE;
        let own_write = OwnWrite::of(&record, deadline);
        self.deadlines.push_back((deadline, record.key.clone()));
        self.put(record, Some(Box::new(own_write)))
    }

    /// Forgets a Pod. Another one of its name that has taken its place stays.
    pub(crate) fn forget(&mut self, pod: &PodKey, uid: &str) -> Touched {
        self.remove(pod, Some(uid))
    }

    /// Forgets a Pod that a watch shows for the last time.
    pub(crate) fn delete(&mut self, pod: ObservedPod<'_>) -> Touched {
        let mut touched = self.displace(pod);
        touched.extend(self.remove(&key(pod), pod.metadata.uid.as_deref()));
        touched
    }

    /// Takes in which sets an active Pod lacks, by a version of the selection; nothing if that is out of date.
    pub(crate) fn place(&mut self, pod: ObservedPod<'_>, lacks: &[Arc<str>], version: u64) -> Option<Touched> {
        let key = key(pod);
        let key = PodKey { namespace: self.interner.string(&key.namespace), name: key.name };
        let labels = self.interner.labels(pod.metadata.labels.iter().flatten());
        let injected = self.interner.names(pod.injected());
        let lacks = self.interner.names(lacks.iter().map(AsRef::as_ref));
        self.discard();
        self.uninjected.put(Selectable { key, labels, injected }, &lacks, version, self.epoch)
    }

    /// Notes that a Pod is not active any more: nobody asks what it lacks.
    pub(crate) fn displace(&mut self, pod: ObservedPod<'_>) -> Touched {
        let touched = self.uninjected.remove(&key(pod));
        self.discard();
        touched
    }

    /// Begins a look at all active Pods, with a version of the selection.
    pub(crate) fn begin_look(&mut self, version: u64) {
        self.uninjected.begin(version);
    }

    /// Returns so many active Pods that come after one.
    pub(crate) fn page(&self, after: Option<&PodKey>, size: usize) -> Vec<Selectable> {
        self.uninjected.page(after, size)
    }

    /// Notes which sets a Pod of a page lacks, unless it has changed since.
    pub(crate) fn note(&mut self, pod: &Selectable, lacks: &[Arc<str>]) -> Touched {
        let lacks = self.interner.names(lacks.iter().map(AsRef::as_ref));
        self.uninjected.note(pod, &lacks)
    }

    /// Ends a look at all active Pods, and answers whether it was the first.
    pub(crate) fn finish_look(&mut self) -> bool {
        self.uninjected.finish()
    }

    /// Returns how many active Pods lack a set that selects them, once they are counted.
    pub(crate) fn lacking(&self, set: &str) -> Option<usize> {
        self.uninjected.lacking(set)
    }

    /// Begins a new list: what it does not show until [`Self::finish_list`] is gone.
    pub(crate) fn begin_list(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Ends a list.
    pub(crate) fn finish_list(&mut self) -> Touched {
        let unseen = self.pods.iter().filter(|(_, slot)| slot.epoch != self.epoch);
        let gone: Vec<PodKey> = unseen.map(|(key, _)| key.clone()).collect();
        let mut touched: Touched = gone.iter().flat_map(|key| self.remove(key, None)).collect();
        touched.extend(self.uninjected.retain(self.epoch));
        self.interner.sweep();
        touched
    }

    /// Lets go of own writes whose deadline has passed: what the watch says is true again.
    pub(crate) fn expire(&mut self, now: Instant) -> Touched {
        let mut touched = Touched::new();
        while let Some((_, key)) = self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now) {
            let slot = self.pods.get_mut(&key);
            let expired = slot.and_then(|slot| slot.own_write.take_if(|own_write| own_write.deadline <= now));
            if let Some(overruled) = expired.and_then(|own_write| own_write.overruled) {
                touched.extend(self.put(overruled, None));
            }
        }
        touched
    }

    /// Returns the Pods that have to do with a set, by namespace and name: it was injected into them, or their condition
    /// speaks of it.
    pub(crate) fn members(&self, set: &str) -> Vec<Arc<PodRecord>> {
        self.sets.get(set).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Returns the newest record of a Pod.
    pub(crate) fn get(&self, pod: &PodKey) -> Option<&Arc<PodRecord>> {
        self.pods.get(pod).map(|slot| &slot.record)
    }

    fn put(&mut self, mut record: PodRecord, own_write: Option<Box<OwnWrite>>) -> Touched {
        let is_news = self.get(&record.key).is_none_or(|before| differs(before, &mut record));
        let slot = Slot { record: Arc::new(record), epoch: self.epoch, own_write };
        let after = Arc::clone(&slot.record);
        let Some(before) = self.pods.insert(after.key.clone(), slot).map(|slot| slot.record) else {
            self.join(&after);
            return after.sets().cloned().collect();
        };
        if before.sets().ne(after.sets()) {
            self.leave(&before);
        }
        self.join(&after);
        let touched = if is_news { sets_of(&before, &after) } else { Touched::new() };
        drop(before);
        self.discard();
        touched
    }

    fn remove(&mut self, key: &PodKey, uid: Option<&str>) -> Touched {
        let is_meant = |slot: &Slot| uid.is_none_or(|uid| *slot.record.uid == *uid);
        if !self.pods.get(key).is_some_and(is_meant) {
            return Touched::new();
        }
        let Some(slot) = self.pods.remove(key) else { return Touched::new() };
        self.leave(&slot.record);
        let touched = slot.record.sets().cloned().collect();
        drop(slot);
        self.discard();
        touched
    }

    fn join(&mut self, pod: &Arc<PodRecord>) {
        for set in pod.sets() {
            self.sets.entry(Arc::clone(set)).or_default().insert(pod.key.clone(), Arc::clone(pod));
        }
    }

    fn leave(&mut self, pod: &PodRecord) {
        for set in pod.sets() {
            if let Some(members) = self.sets.get_mut(set) {
                members.remove(&pod.key);
                if members.is_empty() {
                    self.sets.remove(set);
                }
            }
        }
    }

    fn discard(&mut self) {
        self.discarded += 1;
        if self.discarded >= SWEEP_AFTER {
            self.discarded = 0;
            self.interner.sweep();
        }
    }
}

fn key(pod: ObservedPod<'_>) -> PodKey {
    PodKey {
        namespace: pod.metadata.namespace.as_deref().unwrap_or("default").into(),
        name: pod.metadata.name.as_deref().unwrap_or_default().into(),
    }
}

/// Says whether two records of one Pod differ in more than the version they were read from.
fn differs(before: &PodRecord, after: &mut PodRecord) -> bool {
    let version = std::mem::replace(&mut after.resource_version, Arc::clone(&before.resource_version));
    let differs = *before != *after;
    after.resource_version = version;
    differs
}

fn sets_of(before: &PodRecord, after: &PodRecord) -> Touched {
    before.sets().chain(after.sets()).cloned().collect()
}
