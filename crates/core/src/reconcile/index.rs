//! The Pods that SidecarSets were injected into, as far as anybody here asks about them, and which set has which. Of other Pods
//! it is known which sets they lack.
//!
//! What a Pod says is what its author wrote: it takes hardly more memory than it has letters, while the Pod is there. Names of sets
//! that there are not lead to nothing, but for those of which the condition of a Pod speaks: that has to be cleaned up.
//!
//! Plain data without a clock: time is handed in. Each change answers with the sets that it touches.

mod lacking;
mod members;
mod own_write;
mod slot;

#[cfg(test)]
mod tests;

pub use slot::Selectable;

use super::Monotonic;
use crate::record::{Interner, ObservedPod, PlainPod, PodKey, PodRecord, Uid};
use lacking::Lacking;
use members::Members;
use own_write::OwnWrite;
use slot::{Known, Slot};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// For how long our own write is believed against a watch that shows an older Pod.
const OWN_WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// After how many records that were dropped or replaced the strings of the past are forgotten.
const SWEEP_AFTER: u32 = 4096;

/// How often the strings of the past are looked for after the last record was dropped: somebody may have held it the first time.
const SWEEPS: u8 = 2;

/// The sets that a change touches: those of the Pod before, and those of the Pod after it.
pub type Touched = BTreeSet<Arc<str>>;

/// How much is known of Pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PodCounts {
    /// Those that sets were injected into.
    pub carriers: usize,
    /// Those of which only the labels are known.
    pub bystanders: usize,
    /// The strings that they share.
    pub strings: usize,
}

/// The Pods that SidecarSets were injected into, and the active ones into which none was.
#[derive(Debug)]
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
    due_sweeps: u8,
    own_writes: BTreeMap<PodKey, OwnWrite>,
    // In the order of their deadlines, which is the order in which they were written.
    deadlines: VecDeque<(Monotonic, PodKey)>,
}

impl Default for PodIndex {
    /// Returns one that knows of no set and of no Pod.
    fn default() -> Self {
        Self {
            pods: BTreeMap::new(),
            carriers: 0,
            members: Members::default(),
            lacking: Lacking::default(),
            interner: Interner::of_sets(),
            epoch: 0,
            discarded: 0,
            due_sweeps: 0,
            own_writes: BTreeMap::new(),
            deadlines: VecDeque::new(),
        }
    }
}

impl PodIndex {
    /// Takes note of a set that there is: from now on it has the Pods that carry it.
    pub fn add_set(&mut self, set: &str) -> Touched {
        if !self.interner.add_set(set) {
            return Touched::new();
        }
        let may_carry = |record: &&Arc<PodRecord>| record.carries(set) || record.carried.may_adopt(set);
        let carriers = self.pods.values().filter_map(|slot| slot.pod.record()).filter(may_carry).cloned();
        let carriers: Vec<Arc<PodRecord>> = carriers.collect();
        for own_write in self.own_writes.values_mut() {
            own_write.adopt(set, &mut self.interner);
        }
        let mut touched = Touched::new();
        for before in carriers {
            let adopting = before.adopting(set, &mut self.interner).map(Arc::new);
            let after = adopting.unwrap_or(before);
            if after.carries(set) {
                touched.insert(set.into());
            }
            self.store(&after);
            self.members.put(&after, |set| self.interner.knows(set));
        }
        touched
    }

    /// Takes note of a set that there is no longer: it has only the Pods of which the condition still speaks of it.
    pub fn remove_set(&mut self, set: &str) {
        self.interner.remove_set(set);
        self.members.retain(set, |pod| pod.told().any(|told| **told == *set));
    }

    /// Takes in a Pod that a watch shows. A Pod older than our own write of it is not believed, until the write's
    /// deadline.
    pub fn observe(&mut self, pod: ObservedPod<'_>, now: Monotonic) -> Touched {
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
    pub fn wrote(&mut self, pod: ObservedPod<'_>, now: Monotonic) -> Touched {
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
    pub fn forget(&mut self, pod: &PodKey, uid: &Uid) -> Touched {
        self.remove(pod, |pod| pod.record().is_some_and(|record| record.uid == *uid))
    }

    /// Forgets a Pod that a watch shows for the last time.
    pub fn delete(&mut self, pod: ObservedPod<'_>) -> Touched {
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
        let bystander = Known::Bystander(PlainPod::read(pod, &mut self.interner));
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
    pub fn displace(&mut self, pod: ObservedPod<'_>) -> Touched {
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
    pub fn begin_look(&mut self, version: u64) {
        self.lacking.begin(version);
    }

    /// Returns so many active Pods that come after one.
    pub fn page(&self, after: Option<&PodKey>, size: usize) -> Vec<Selectable> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let active = self.pods.range::<PodKey, _>((from, Bound::Unbounded)).filter(|(_, slot)| slot.lacks.is_some());
        active.take(size).map(|(key, slot)| Selectable { key: key.clone(), pod: slot.pod.clone() }).collect()
    }

    /// Notes which sets a Pod of a page lacks, unless it has changed since.
    pub fn note(&mut self, pod: &Selectable, lacks: &[Arc<str>]) -> Touched {
        let is_same = |slot: &&mut Slot| slot.lacks.is_some() && slot.pod.is_selected_like(&pod.pod);
        let Some(slot) = self.pods.get_mut(&pod.key).filter(is_same) else { return Touched::new() };
        let lacks = self.interner.names(lacks.iter().map(AsRef::as_ref));
        let touched = self.lacking.count(slot.lacks(), &lacks);
        slot.lacks = Some(lacks);
        touched
    }

    /// Ends a look at all active Pods, and answers whether it was the first.
    pub fn finish_look(&mut self) -> bool {
        self.lacking.finish()
    }

    /// Returns how many active Pods lack a set that selects them, once they are counted.
    pub fn lacking(&self, set: &str) -> Option<usize> {
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

    /// Lets go of own writes whose deadline has passed: what the watch says is true again. And of what is left of Pods that are
    /// gone.
    pub fn expire(&mut self, now: Monotonic) -> Touched {
        if let Some(left) = self.due_sweeps.checked_sub(1) {
            self.due_sweeps = left;
            self.sweep();
        }
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
    pub fn members(&self, set: &str) -> Vec<Arc<PodRecord>> {
        self.members.of(set).cloned().collect()
    }

    /// Returns the newest record of a Pod.
    pub fn get(&self, pod: &PodKey) -> Option<&Arc<PodRecord>> {
        self.pods.get(pod)?.pod.record()
    }

    /// Returns how much is known.
    pub fn known(&self) -> PodCounts {
        let bystanders = self.pods.len() - self.carriers;
        PodCounts { carriers: self.carriers, bystanders, strings: self.interner.len() }
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
        self.members.put(&after, |set| self.interner.knows(set));
        let touched = if is_news { self.concerned(before.iter().chain([&after])) } else { Touched::new() };
        drop(before);
        self.discard();
        touched
    }

    /// Returns the sets that have to do with Pods: those that there are, and others of which their conditions speak.
    fn concerned<'a>(&self, pods: impl IntoIterator<Item = &'a Arc<PodRecord>>) -> Touched {
        let of_pod = |pod: &'a Arc<PodRecord>| pod.injected().filter(|set| self.interner.knows(set)).chain(pod.told());
        pods.into_iter().flat_map(of_pod).cloned().collect()
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
            touched.extend(self.concerned([record]));
        }
        drop(slot);
        self.discard();
        touched
    }

    fn discard(&mut self) {
        self.discarded += 1;
        self.due_sweeps = SWEEPS;
        if self.discarded >= SWEEP_AFTER {
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        self.discarded = 0;
        self.interner.sweep();
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
