//! Strings that repeat from Pod to Pod are kept once.

use crate::amounts::Amounts;
use crate::annotations::{HashAnnotation, HotAnnotations, InPlaceAnnotation};
use crate::sorted::SortedMap;
use crate::upgradable::Upgradable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keeps equal strings, and equal sets of labels, once.
#[derive(Debug, Default)]
pub struct Interner {
    strings: BTreeSet<Arc<str>>,
    labels: BTreeSet<Arc<SortedMap<Arc<str>>>>,
    // By the text that they were read from: the API server writes equal ones equally.
    amounts: BTreeMap<Box<str>, Arc<Amounts>>,
    upgradable: BTreeSet<Arc<Upgradable>>,
    names: BTreeSet<Arc<[Arc<str>]>>,
}

impl Interner {
    /// Returns the one copy of a string.
    pub fn string(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.strings.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of a set of labels.
    pub fn labels<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Arc<SortedMap<Arc<str>>> {
        let labels: SortedMap<Arc<str>> =
            pairs.into_iter().map(|(key, value)| (self.string(key), self.string(value))).collect();
        if let Some(known) = self.labels.get(&labels) {
            return Arc::clone(known);
        }
        let new = Arc::new(labels);
        self.labels.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of the amounts that a container's resources give, read from their JSON text.
    pub fn amounts(&mut self, resources: &str) -> Arc<Amounts> {
        if let Some(known) = self.amounts.get(resources) {
            return Arc::clone(known);
        }
        let new = Arc::new(Amounts::read(&serde_json::from_str(resources).unwrap_or_default()));
        self.amounts.insert(resources.into(), Arc::clone(&new));
        new
    }

    /// Returns the one copy of a list of names.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Arc<[Arc<str>]> {
        let names: Vec<Arc<str>> = names.into_iter().map(|name| self.string(name)).collect();
        if let Some(known) = self.names.get(names.as_slice()) {
            return Arc::clone(known);
        }
        let new: Arc<[Arc<str>]> = names.into();
        self.names.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of what a condition says.
    pub fn upgradable(&mut self, mut told: Upgradable) -> Arc<Upgradable> {
        if let Some(known) = self.upgradable.get(&told) {
            return Arc::clone(known);
        }
        for (name, _) in told.sets.entries_mut() {
            *name = self.string(name);
        }
        let new = Arc::new(told);
        self.upgradable.insert(Arc::clone(&new));
        new
    }

    /// Forgets what nobody else holds any more.
    pub fn sweep(&mut self) {
        self.labels.retain(|labels| Arc::strong_count(labels) > 1);
        self.upgradable.retain(|told| Arc::strong_count(told) > 1);
        self.names.retain(|names| Arc::strong_count(names) > 1);
        self.strings.retain(|text| Arc::strong_count(text) > 1);
        self.amounts.retain(|_, amounts| Arc::strong_count(amounts) > 1);
    }

    /// Returns how many strings it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Says whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    pub(super) fn hashes(&mut self, annotation: &mut HashAnnotation) {
        for (name, set) in annotation.0.entries_mut() {
            *name = self.string(name);
            set.hash = self.string(&set.hash);
            set.sidecar_set_name = self.string(&set.sidecar_set_name);
            set.controller_revision = set.controller_revision.as_deref().map(|revision| self.string(revision));
            set.sidecar_list =
                set.sidecar_list.as_deref().map(|list| list.iter().map(|name| self.string(name)).collect());
        }
    }

    pub(super) fn hot(&mut self, annotations: &mut HotAnnotations) {
        for (sidecar, container) in annotations.working.entries_mut() {
            *sidecar = self.string(sidecar);
            *container = self.string(container);
        }
        for (container, _) in annotations.versions.entries_mut() {
            *container = self.string(container);
        }
    }

    pub(super) fn in_place(&mut self, annotation: &mut InPlaceAnnotation) {
        for (name, state) in annotation.0.entries_mut() {
            *name = self.string(name);
            state.revision = self.string(&state.revision);
            for (container, last) in state.last_container_statuses.iter_mut().flat_map(SortedMap::entries_mut) {
                *container = self.string(container);
                last.image_id = self.string(&last.image_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_are_one() {
        let mut interner = Interner::default();

        let one = interner.string("nginx:1.15.1");
        let other = interner.string("nginx:1.15.1");

        assert!(Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let mut interner = Interner::default();
        let held = interner.string("held");
        let labels = [("app".to_owned(), "nginx".to_owned())];
        drop(interner.labels(labels.iter().map(|(key, value)| (key, value))));

        interner.sweep();

        assert_eq!(interner.len(), 1);
        assert_eq!(&*held, "held");
    }
}
