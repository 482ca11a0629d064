//! What repeats from Pod to Pod is kept once.

use super::carried::Noted;
use super::{ContainerKind, ContainerSpec, OwnContainers, PlainPod, PodLabels, RunningImage};
use crate::amounts::Amounts;
use crate::annotations::{HotAnnotations, InPlaceState, InjectedSet};
use crate::sorted::SortedMap;
use crate::upgradable::Upgradable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keeps equal strings, and whatever else is equal in many Pods, once.
#[derive(Debug, Default)]
pub struct Interner {
    // The sets of which is read what Pods say; of any where nobody tells which sets there are.
    sets: Option<BTreeSet<Arc<str>>>,
    strings: BTreeSet<Arc<str>>,
    labels: BTreeSet<Arc<PodLabels>>,
    // By the text that they were read from: the API server writes equal ones equally.
    containers: BTreeMap<Box<str>, Arc<ContainerSpec>>,
    running: BTreeSet<Arc<RunningImage>>,
    noted: BTreeSet<Arc<Noted>>,
    upgradable: BTreeSet<Arc<Upgradable>>,
    names: BTreeSet<Names>,
    own: BTreeSet<Arc<OwnContainers>>,
    plain: BTreeSet<Arc<PlainPod>>,
}

/// A list of names that is kept once, behind a pointer as small as can be: every Pod has one.
pub type Names = Arc<Box<[Arc<str>]>>;

impl Interner {
    /// Returns one that knows of no set: what Pods say of a set is read once it is told that there is one.
    #[must_use]
    pub fn of_sets() -> Self {
        Self { sets: Some(BTreeSet::new()), ..Self::default() }
    }

    /// Takes note of a set that there is, and answers whether that is new.
    pub fn add_set(&mut self, set: &str) -> bool {
        let is_new = !self.knows(set);
        if let Some(sets) = &mut self.sets {
            sets.insert(set.into());
        }
        is_new
    }

    /// Takes note of a set that there is no longer.
    pub fn remove_set(&mut self, set: &str) {
        if let Some(sets) = &mut self.sets {
            sets.remove(set);
        }
    }

    /// Says whether there is a set, as far as anybody has told.
    #[must_use]
    pub fn knows(&self, set: &str) -> bool {
        self.sets.as_ref().is_none_or(|sets| sets.contains(set))
    }

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
    pub fn labels(&mut self, labels: Option<&BTreeMap<String, String>>) -> Arc<PodLabels> {
        let labels = PodLabels::of(labels);
        if let Some(known) = self.labels.get(&labels) {
            return Arc::clone(known);
        }
        let new = Arc::new(labels);
        self.labels.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of what the containers of Pods themselves are called.
    pub fn own(&mut self, own: OwnContainers) -> Arc<OwnContainers> {
        if let Some(known) = self.own.get(&own) {
            return Arc::clone(known);
        }
        let new = Arc::new(own);
        self.own.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of what is remembered of Pods without sidecars.
    pub fn plain(&mut self, pod: PlainPod) -> Arc<PlainPod> {
        if let Some(known) = self.plain.get(&pod) {
            return Arc::clone(known);
        }
        let new = Arc::new(pod);
        self.plain.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of what the spec of a container asks for; `resources` is a text of JSON.
    pub(super) fn container(
        &mut self,
        kind: ContainerKind,
        name: &str,
        image: &str,
        resources: &str,
    ) -> Arc<ContainerSpec> {
        let place = match kind {
            ContainerKind::Regular => "containers",
            ContainerKind::Native => "initContainers",
        };
        let text = [place, name, image, resources].join("\0");
        if let Some(known) = self.containers.get(text.as_str()) {
            return Arc::clone(known);
        }
        let amounts = Amounts::read(&serde_json::from_str(resources).unwrap_or_default());
        let new = Arc::new(ContainerSpec { name: self.string(name), kind, image: self.string(image), amounts });
        self.containers.insert(text.into(), Arc::clone(&new));
        new
    }

    /// Returns the one copy of an image that containers run.
    pub(super) fn running(&mut self, name: &str, id: &str) -> Arc<RunningImage> {
        let image = RunningImage { name: self.string(name), id: self.string(id) };
        if let Some(known) = self.running.get(&image) {
            return Arc::clone(known);
        }
        let new = Arc::new(image);
        self.running.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of what the annotations of a Pod say of a set.
    pub(super) fn noted(&mut self, mut noted: Noted) -> Arc<Noted> {
        if let Some(known) = self.noted.get(&noted) {
            return Arc::clone(known);
        }
        noted.set = self.string(&noted.set);
        noted.hash.iter_mut().chain(&mut noted.hash_without_image).for_each(|hash| self.injected(hash));
        noted.in_place.iter_mut().for_each(|state| self.in_place(state));
        let new = Arc::new(noted);
        self.noted.insert(Arc::clone(&new));
        new
    }

    /// Returns the one copy of a list of names.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Names {
        let names: Box<[Arc<str>]> = names.into_iter().map(|name| self.string(name)).collect();
        if let Some(known) = self.names.get(&names) {
            return Arc::clone(known);
        }
        let new = Arc::new(names);
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
        self.plain.retain(|pod| Arc::strong_count(pod) > 1);
        self.own.retain(|own| Arc::strong_count(own) > 1);
        self.labels.retain(|labels| Arc::strong_count(labels) > 1);
        self.upgradable.retain(|told| Arc::strong_count(told) > 1);
        self.names.retain(|names| Arc::strong_count(names) > 1);
        self.containers.retain(|_, container| Arc::strong_count(container) > 1);
        self.running.retain(|image| Arc::strong_count(image) > 1);
        self.noted.retain(|noted| Arc::strong_count(noted) > 1);
        self.strings.retain(|text| Arc::strong_count(text) > 1);
    }

    /// Returns how many strings it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Says whether it keeps nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
            && self.labels.is_empty()
            && self.containers.is_empty()
            && self.running.is_empty()
            && self.noted.is_empty()
            && self.upgradable.is_empty()
            && self.names.is_empty()
            && self.own.is_empty()
            && self.plain.is_empty()
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

    fn injected(&mut self, set: &mut InjectedSet) {
        set.hash = self.string(&set.hash);
        set.sidecar_set_name = self.string(&set.sidecar_set_name);
        set.controller_revision = set.controller_revision.as_deref().map(|revision| self.string(revision));
        set.sidecar_list = set.sidecar_list.as_ref().map(|list| list.interned(|text| self.string(text)));
    }

    fn in_place(&mut self, state: &mut InPlaceState) {
        state.revision = self.string(&state.revision);
        for (container, last) in state.last_container_statuses.iter_mut().flat_map(SortedMap::entries_mut) {
            *container = self.string(container);
            last.image_id = self.string(&last.image_id);
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
    fn equal_containers_are_one_and_others_are_not() {
        let mut interner = Interner::default();
        let cpu = r#"{"requests":{"cpu":"1"}}"#;
        let mut container = |kind, name: &str, resources: &str| interner.container(kind, name, "a:1", resources);

        let one = container(ContainerKind::Regular, "agent", cpu);

        assert!(Arc::ptr_eq(&one, &container(ContainerKind::Regular, "agent", cpu)));
        assert_ne!(one, container(ContainerKind::Native, "agent", cpu));
        assert_ne!(one, container(ContainerKind::Regular, "agent", "{}"));
        assert_ne!(one, container(ContainerKind::Regular, "other", cpu));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let mut interner = Interner::default();
        let held = interner.string("held");
        drop(interner.labels(Some(&[("app".to_owned(), "nginx".to_owned())].into())));

        interner.sweep();

        assert_eq!(interner.len(), 1);
        assert_eq!(&*held, "held");
        drop(held);
        interner.sweep();
        assert!(interner.is_empty());
    }
}
