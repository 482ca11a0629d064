//! Which sets depend on the same labels of namespaces.

use crate::selection::{Namespaces, Selector, SelectorDigest};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The requirements on labels of namespaces that there are, each with the number of sets that have it.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    by_digest: BTreeMap<SelectorDigest, (Selector, usize)>,
    of_sets: BTreeMap<Arc<str>, SelectorDigest>,
}

impl Scopes {
    /// Adds a set, or takes the place of the one of its name.
    pub(super) fn put(&mut self, set: &Arc<str>, namespaces: &Namespaces) {
        self.remove(set);
        if let Some(required) = namespaces.label_requirements() {
            let digest = required.digest();
            self.by_digest.entry(digest).or_insert((required, 0)).1 += 1;
            self.of_sets.insert(Arc::clone(set), digest);
        }
    }

    /// Forgets a set.
    pub(super) fn remove(&mut self, set: &str) {
        let Some(digest) = self.of_sets.remove(set) else { return };
        if let Some((_, sets)) = self.by_digest.get_mut(&digest) {
            *sets -= 1;
            if *sets == 0 {
                self.by_digest.remove(&digest);
            }
        }
    }

    /// Returns the requirements that have this digest, if a set has them.
    pub(super) fn required(&self, digest: SelectorDigest) -> Option<&Selector> {
        self.by_digest.get(&digest).map(|(required, _)| required)
    }

    /// Returns the digest of what a set requires.
    pub(super) fn of(&self, set: &str) -> Option<SelectorDigest> {
        self.of_sets.get(set).copied()
    }
}
