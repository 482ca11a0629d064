//! How many active Pods, with or without sidecars, lack a set that selects them and was not injected into them.

use super::Touched;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The numbers of Pods that lack a set.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    counts: BTreeMap<Arc<str>, usize>,
    // Each Pod is looked at with this version of the selection, or a later one.
    version: u64,
    // Whether every Pod was looked at since all sets are known.
    is_counted: bool,
}

impl Lacking {
    /// Says whether what was found with a version of the selection counts no longer.
    pub(super) fn is_outdated(&self, version: u64) -> bool {
        version < self.version
    }

    /// Begins to look at every Pod anew: what was found by an earlier version counts no longer.
    pub(super) fn begin(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    /// Ends a look at every Pod, and answers whether it was the first.
    pub(super) fn finish(&mut self) -> bool {
        !std::mem::replace(&mut self.is_counted, true)
    }

    /// Returns how many Pods lack a set, once they are counted.
    pub(super) fn of(&self, set: &str) -> Option<usize> {
        self.is_counted.then(|| self.counts.get(set).copied().unwrap_or_default())
    }

    /// Counts a Pod that lacked sets before, and lacks others now. Answers which sets this touches.
    pub(super) fn count(&mut self, before: &[Arc<str>], after: &[Arc<str>]) -> Touched {
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
