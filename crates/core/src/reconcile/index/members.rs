//! The Pods that have to do with a set, by their keys.

use crate::record::{PodKey, PodRecord};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The Pods that have to do with each set.
#[derive(Debug, Default)]
pub(super) struct Members(BTreeMap<Arc<str>, BTreeSet<Member>>);

/// A Pod, which stands where its key belongs: the key itself would take three times as much memory.
#[derive(Debug)]
struct Member(Arc<PodRecord>);

impl Members {
    /// Returns the newest records of the Pods of a set, in the order of their keys.
    pub(super) fn of(&self, set: &str) -> impl Iterator<Item = &Arc<PodRecord>> {
        self.0.get(set).into_iter().flatten().map(|member| &member.0)
    }

    /// Takes in a Pod, or another record of it that has to do with the same sets: those that are known, and those of which its
    /// condition speaks.
    pub(super) fn put(&mut self, pod: &Arc<PodRecord>, is_known: impl Fn(&str) -> bool) {
        for set in pod.injected().filter(|set| is_known(set)).chain(pod.told()) {
            self.0.entry(Arc::clone(set)).or_default().replace(Member(Arc::clone(pod)));
        }
    }

    /// Leaves a set only those of its Pods.
    pub(super) fn retain(&mut self, set: &str, is_kept: impl Fn(&PodRecord) -> bool) {
        if let Some(members) = self.0.get_mut(set) {
            members.retain(|member| is_kept(&member.0));
            if members.is_empty() {
                self.0.remove(set);
            }
        }
    }

    /// Forgets a Pod.
    pub(super) fn remove(&mut self, pod: &PodRecord) {
        for set in pod.sets() {
            if let Some(members) = self.0.get_mut(set) {
                members.remove(&pod.key);
                if members.is_empty() {
                    self.0.remove(set);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Borrow<PodKey> for Member {
    fn borrow(&self) -> &PodKey {
        &self.0.key
    }
}

impl Ord for Member {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl PartialOrd for Member {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Member {}
