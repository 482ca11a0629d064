//! The Pods that SidecarSets were injected into, as far as anybody here asks about them, and which set has which. Of other Pods
//! it is known which sets they lack.
//!
//! Plain data without a clock: time is handed in. Each change answers with the sets that it touches.

mod lacking;
mod members;
mod own_write;
mod slot;

#[cfg(test)]
mod tests;

pub(crate) use slot::Selectable;

use crate::metrics::Pods;
use lacking::Lacking;
use members::Members;
use own_write::OwnWrite;
use sidecarset_core::record::{Interner, ObservedPod, PodKey, PodRecord, Uid};
use slot::{Known, Slot};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long our own write is believed against a watch that shows an older Pod.
const OWN_WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// After how many records that were dropped or replaced the strings of the past are forgotten.
const SWEEP_AFTER: u32 = 4096;

/// The sets that a change touches: those of the Pod before, and those of the Pod after it.
pub type Touched = BTreeSet<Arc<str>>;

/// The Pods that SidecarSets were injected into, and the active ones into which none was.
#[derive(Debug, Default)]
pub struct PodIndex {
    pods: BTreeMap<PodKey, Slot>,
    // How many of these have a record.
    carriers: usize,
    members: Members,
    lacking: Lacking,
    interner: Interner,
    // Which list is the newest: a Pod that it does not show is gone.
    epoch: u32,
    discarded: u32,
    own_writes: BTreeMap<PodKey, OwnWrite>,
    // In the order of their deadlines, which is the order in which they were written.
    deadlines: VecDeque<(Instant, PodKey)>,
}

impl PodIndex {
    /// Takes in a Pod that a watch shows. A Pod older than our own write of it is not believed, until the write's
    /// deadline.
    pub fn observe(&mut self, pod: ObservedPod<'_>, now: Instant) -> Touched {
        let key = pod.key();
        // As most are of which a new list tells.
        if self.get(&key).is_some_and(|known| known.is_of(pod.metadata)) {
            self.see(&key);
            self.own_writes.remove(&key);
            return Touched::new();
        }
        let Some(record) = PodRecord::read(pod, &mut self.interner) else {
            return self.remove(&key, |pod| pod.record().is_some());
        };
        self.see(&key);
        if let Some(own_write) = self.own_writes.get_mut(&key).filter(|own_write| own_write.outweighs(&record, now)) {
            own_write.overruled = Some(record);
            return Touched::new();
        }
        self.put(record, None)
    }

    /// Takes in the API server's answer to a write of ours, unless the Pod has gone or moved on in the meantime.
    pub(crate) fn wrote(&mut self, pod: ObservedPod<'_>, now: Instant) -> Touched {
        let Some(record) = PodRecord::read(pod, &mut self.interner) else {
            return Touched::new();
        };
        if !self.get(&record.key).is_some_and(|known| own_write::is_successor(&record, known)) {
            return Touched::new();
        }
        let deadline = now + OWN_WRITE_DEADLINE;
        self.deadlines.push_back((deadline, record.key.clone()));
        let own_write = OwnWrite::of(&record, deadline);
        self.put(record, Some(own_write))
    }

    /// Forgets a Pod. Another one of its name that has taken its place stays.
    pub(crate) fn forget(&mut self, pod: &PodKey, uid: &Uid) -> Touched {
        self.remove(pod, |pod| pod.record().is_some_and(|record| record.uid == *uid))
    }

    /// Forgets a Pod that a watch shows for the last time.
    pub(crate) fn delete(&mut self, pod: ObservedPod<'_>) -> Touched {
        let uid = uid(pod);
        self.remove(&pod.key(), |pod| pod.record().is_none_or(|record| record.uid == uid))
    }

    /// Takes in which sets an active Pod lacks, by a version of the selection; nothing if that is out of date. The Pod was
    /// observed before.
    pub fn place(&mut self, pod: ObservedPod<'_>, lacks: &[Arc<str>], version: u64) -> Option<Touched> {
        if self.lacking.is_outdated(version) {
            return None;
        }
        let lacks = self.interner.names(lacks.iter().map(AsRef::as_ref));
        let bystander = Known::Bystander(self.interner.labels(pod.metadata.labels.iter().flatten()));
        let new = || Slot { pod: bystander.clone(), lacks: None, epoch: self.epoch };
        let slot = self.pods.entry(pod.key()).or_insert_with(new);
        slot.epoch = self.epoch;
        if slot.pod.record().is_none() {
            slot.pod = bystander;
        }
        let touched = self.lacking.count(slot.lacks(), &lacks);
        slot.lacks = Some(lacks);
        self.discard();
        Some(touched)
    }

    /// Notes that a Pod is not active any more: nobody asks what it lacks.
    pub(crate) fn displace(&mut self, pod: ObservedPod<'_>) -> Touched {
        let key = pod.key();
        let Some(slot) = self.pods.get_mut(&key) else { return Touched::new() };
        let lacked = slot.lacks.take();
        if slot.pod.record().is_none() {
            self.pods.remove(&key);
        }
        self.discard();
        self.lacking.count(lacked.as_ref().map_or(&[], |lacked| lacked), &[])
    }

    /// Begins a look at all active Pods, with a version of the selection.
    pub(crate) fn begin_look(&mut self, version: u64) {
        self.lacking.begin(version);
    }

    /// Returns so many active Pods that come after one.
    pub(crate) fn page(&self, after: Option<&PodKey>, size: usize) -> Vec<Selectable> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let active = self.pods.range::<PodKey, _>((from, Bound::Unbounded)).filter(|(_, slot)| slot.lacks.is_some());
        active.take(size).map(|(key, slot)| Selectable { key: key.clone(), pod: slot.pod.clone() }).collect()
    }

    /// Notes which sets a Pod of a page lacks, unless it has changed since.
    pub(crate) fn note(&mut self, pod: &Selectable, lacks: &[Arc<str>]) -> Touched {
        let is_same = |slot: &&mut Slot| slot.lacks.is_some() && slot.pod.is_selected_like(&pod.pod);
        let Some(slot) = self.pods.get_mut(&pod.key).filter(is_same) else { return Touched::new() };
        let lacks = self.interner.names(lacks.iter().map(AsRef::as_ref));
        let touched = self.lacking.count(slot.lacks(), &lacks);
        slot.lacks = Some(lacks);
        touched
    }

    /// Ends a look at all active Pods, and answers whether it was the first.
    pub(crate) fn finish_look(&mut self) -> bool {
        self.lacking.finish()
    }

    /// Returns how many active Pods lack a set that selects them, once they are counted.
    pub(crate) fn lacking(&self, set: &str) -> Option<usize> {
        self.lacking.of(set)
    }

    /// Begins a new list: what it does not show until [`Self::finish_list`] is gone.
    pub fn begin_list(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Ends a list.
    pub fn finish_list(&mut self) -> Touched {
        let unseen = self.pods.iter().filter(|(_, slot)| slot.epoch != self.epoch);
        let gone: Vec<PodKey> = unseen.map(|(key, _)| key.clone()).collect();
        let touched = gone.iter().flat_map(|key| self.remove(key, |_| true)).collect();
        self.interner.sweep();
        touched
    }

    /// Lets go of own writes whose deadline has passed: what the watch says is true again.
    pub(crate) fn expire(&mut self, now: Instant) -> Touched {
        let mut touched = Touched::new();
        while let Some((_, key)) = self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now) {
            // A later write of the same Pod has a deadline of its own.
            if self.own_writes.get(&key).is_none_or(|own_write| own_write.deadline > now) {
                continue;
            }
            if let Some(overruled) = self.own_writes.remove(&key).and_then(|own_write| own_write.overruled) {
                touched.extend(self.put(overruled, None));
            }
        }
        touched
    }

    /// Returns the Pods that have to do with a set, by namespace and name: it was injected into them, or their condition
    /// speaks of it.
    pub(crate) fn members(&self, set: &str) -> Vec<Arc<PodRecord>> {
        self.members.of(set).cloned().collect()
    }

    /// Returns the newest record of a Pod.
    pub(crate) fn get(&self, pod: &PodKey) -> Option<&Arc<PodRecord>> {
        self.pods.get(pod)?.pod.record()
    }

    /// Returns how much is known.
    pub(crate) fn known(&self) -> Pods {
        let bystanders = self.pods.len() - self.carriers;
        Pods { carriers: self.carriers, bystanders, strings: self.interner.len() }
    }

    fn see(&mut self, key: &PodKey) {
        let epoch = self.epoch;
        self.pods.get_mut(key).into_iter().for_each(|slot| slot.epoch = epoch);
    }

    fn put(&mut self, mut record: PodRecord, own_write: Option<OwnWrite>) -> Touched {
        let is_news = self.get(&record.key).is_none_or(|before| differs(before, &mut record));
        let after = Arc::new(record);
        match own_write {
            Some(own_write) => self.own_writes.insert(after.key.clone(), own_write),
            None => self.own_writes.remove(&after.key),
        };
        let before = self.store(&after);
        self.carriers += usize::from(before.is_none());
        let sets_before = || before.iter().flat_map(|before| before.sets());
        if sets_before().ne(after.sets()) {
            before.iter().for_each(|before| self.members.remove(before));
        }
        self.members.put(&after);
        let touched = if is_news { sets_before().chain(after.sets()).cloned().collect() } else { Touched::new() };
        drop(before);
        self.discard();
        touched
    }

    /// Puts a record in its place, and returns the one that was there.
    fn store(&mut self, record: &Arc<PodRecord>) -> Option<Arc<PodRecord>> {
        let known = Known::Carrier(Arc::clone(record));
        match self.pods.entry(record.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(Slot { pod: known, lacks: None, epoch: self.epoch });
                None
            }
            Entry::Occupied(place) => match std::mem::replace(&mut place.into_mut().pod, known) {
                Known::Carrier(before) => Some(before),
                Known::Bystander(_) => None,
            },
        }
    }

    fn remove(&mut self, key: &PodKey, is_meant: impl FnOnce(&Known) -> bool) -> Touched {
        if !self.pods.get(key).is_some_and(|slot| is_meant(&slot.pod)) {
            return Touched::new();
        }
        let Some(slot) = self.pods.remove(key) else { return Touched::new() };
        let mut touched = self.lacking.count(slot.lacks(), &[]);
        if let Some(record) = slot.pod.record() {
            self.carriers -= 1;
            self.own_writes.remove(key);
            self.members.remove(record);
            touched.extend(record.sets().cloned());
        }
        drop(slot);
        self.discard();
        touched
    }

    fn discard(&mut self) {
        self.discarded += 1;
        if self.discarded >= SWEEP_AFTER {
            self.discarded = 0;
            self.interner.sweep();
        }
    }
}

fn uid(pod: ObservedPod<'_>) -> Uid {
    pod.metadata.uid.as_deref().unwrap_or_default().into()
}

/// Says whether two records of one Pod differ in more than the version they were read from.
fn differs(before: &PodRecord, after: &mut PodRecord) -> bool {
    let version = std::mem::replace(&mut after.resource_version, before.resource_version.clone());
    let differs = *before != *after;
    after.resource_version = version;
    differs
}
