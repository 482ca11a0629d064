//! The SidecarSets and namespaces that there are, parsed and ready to be asked.

mod failure;
mod index;
mod revisions;
#[cfg(test)]
mod tests;

pub use failure::Outlook;

use crate::normalize::{CanonicalSet, failure_policy, is_injecting, normalize};
use crate::registration::{FailurePolicy, Interest, Surroundings};
use crate::selection::{Labels, Namespaces, Selected, Selector, selects};
use crate::validation::{Violations, canary_base};
use index::Index;
use revisions::Past;
use sidecarset_api::markers::NAMESPACE_NAME;
use sidecarset_api::v1beta1::SidecarSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The labels of a namespace.
pub type NamespaceLabels = BTreeMap<String, String>;

/// The SidecarSets and namespaces that there are.
#[derive(Debug, Default)]
pub struct Catalog {
    // By name, which is the order in which sets are injected: the same Pod always gets the same containers in
    // the same order.
    sets: BTreeMap<Arc<str>, Entry>,
    index: Index,
    namespaces: BTreeMap<Arc<str>, Arc<NamespaceLabels>>,
    past: Past,
    reserved: BTreeSet<Arc<str>>,
    selection_version: u64,
}

/// A SidecarSet, as far as it can be understood.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A set that is acted on.
    Valid(Arc<CanonicalSet>),
    /// A set that came past the admission webhook, and cannot be acted on.
    Invalid(Arc<InvalidSet>),
}

/// A set that cannot be acted on.
#[derive(Debug)]
pub struct InvalidSet {
    /// The name of the set.
    pub name: Arc<str>,
    /// The generation of the spec.
    pub generation: i64,
    /// What is wrong with it.
    pub violations: Violations,
    canary_of: Option<Arc<str>>,
    selector: Selector,
    namespaces: Namespaces,
    failure_policy: Option<FailurePolicy>,
    is_injecting: bool,
}

/// The sets that select a Pod.
#[derive(Debug, Default)]
pub struct Selection {
    /// Those that are injected, in the order in which they are.
    pub sets: Vec<Arc<CanonicalSet>>,
    /// Those that would be, if they were valid.
    pub invalid: Vec<Arc<InvalidSet>>,
    /// Whether the answer is incomplete, because it depends on the labels of a namespace that is not known.
    pub needs_namespace: bool,
}

impl Catalog {
    /// Returns an empty catalog. Pods of the reserved namespaces are selected only by sets that name these.
    #[must_use]
    pub fn reserving<'a>(namespaces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { reserved: namespaces.into_iter().map(Arc::from).collect(), ..Self::default() }
    }

    /// Says whether the Pods of a namespace are selected only by sets that name it.
    #[must_use]
    pub fn is_reserved(&self, namespace: &str) -> bool {
        self.reserved.contains(namespace)
    }

    /// Adds a set, or takes the place of the one of its name.
    pub fn put_set(&mut self, set: &SidecarSet) -> Entry {
        let name: Arc<str> = set.metadata.name.as_deref().unwrap_or_default().into();
        let entry = self.past.note(set, Entry::new(set));
        self.index.put(&name, entry.selector(), entry.namespaces());
        let before = self.sets.insert(name, entry.clone());
        let is_new = || entry.interest().is_some();
        self.note_selection(before.map_or_else(is_new, |before| !before.selects_like(&entry)));
        entry
    }

    /// Forgets a set.
    pub fn remove_set(&mut self, name: &str) {
        self.index.remove(name);
        self.past.forget(name);
        let removed = self.sets.remove(name);
        self.note_selection(removed.is_some_and(|removed| removed.interest().is_some()));
    }

    /// Returns the set of this name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Entry> {
        self.sets.get(name)
    }

    /// Returns all sets by name.
    pub fn sets(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.sets.iter()
    }

    /// Adds a namespace, or takes the place of the one of its name.
    pub fn put_namespace(&mut self, name: &str, labels: NamespaceLabels) {
        self.namespaces.insert(name.into(), Arc::new(labels));
        self.note_selection(self.needs_labels_of_namespaces());
    }

    /// Forgets a namespace.
    pub fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
        self.note_selection(self.needs_labels_of_namespaces());
    }

    /// Returns the labels of a namespace.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Arc<NamespaceLabels>> {
        self.namespaces.get(name)
    }

    /// Returns every namespace by name, with its labels.
    pub fn namespaces(&self) -> impl Iterator<Item = (&Arc<str>, &NamespaceLabels)> {
        self.namespaces.iter().map(|(name, labels)| (name, &**labels))
    }

    /// Returns a number that grows whenever other Pods than before may be selected.
    #[must_use]
    pub fn selection_version(&self) -> u64 {
        self.selection_version
    }

    /// Returns what the sets that are injected say of their Pods.
    pub fn interests(&self) -> impl Iterator<Item = Interest> {
        self.sets.values().filter_map(Entry::interest)
    }

    /// Returns what there is beside the sets.
    #[must_use]
    pub fn surroundings(&self, failure_policy: FailurePolicy) -> Surroundings<'_> {
        Surroundings { namespaces: &self.namespaces, reserved: &self.reserved, failure_policy }
    }

    /// Returns the sets that select a new Pod. Sets whose injection is paused select none, and a set gives way to a
    /// canary of it.
    #[must_use]
    pub fn select(&self, pod: &impl Labels, namespace: Option<&NamespaceLabels>) -> Selection {
        let mut selection = Selection::default();
        let mut bases = BTreeSet::new();
        let name = namespace.and_then(|labels| labels.get(NAMESPACE_NAME));
        let reserved = name.filter(|name| self.is_reserved(name));
        let may_select =
            |entry: &&Entry| entry.is_injecting() && reserved.is_none_or(|reserved| entry.namespaces().names(reserved));
        let candidates = self.index.candidates(pod, namespace);
        for entry in candidates.into_iter().filter_map(|name| self.sets.get(name)).filter(may_select) {
            match selects(entry.selector(), entry.namespaces(), pod, namespace) {
                Selected::No => {}
                Selected::DependsOnNamespace => selection.needs_namespace = true,
                Selected::Yes => {
                    bases.extend(entry.canary_of());
                    match entry {
                        Entry::Valid(set) => selection.sets.push(Arc::clone(set)),
                        Entry::Invalid(set) => selection.invalid.push(Arc::clone(set)),
                    }
                }
            }
        }
        selection.sets.retain(|set| !bases.contains(&set.name));
        selection.invalid.retain(|set| !bases.contains(&set.name));
        selection
    }

    /// Returns the names of the sets that select a Pod and are not in it. Where the labels of its namespace are not known, its
    /// name is all that counts.
    #[must_use]
    pub fn lacking(&self, pod: &impl Labels, namespace: &str, is_in: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let named = || NamespaceLabels::from([(NAMESPACE_NAME.to_owned(), namespace.to_owned())]);
        let selection = match self.namespace(namespace) {
            Some(labels) => self.select(pod, Some(labels)),
            None => self.select(pod, Some(&named())),
        };
        let lacking = selection.sets.iter().filter(|set| !is_in(&set.name));
        lacking.map(|set| Arc::clone(&set.name)).collect()
    }

    fn needs_labels_of_namespaces(&self) -> bool {
        self.sets.values().any(|entry| entry.is_injecting() && entry.namespaces().need_labels())
    }

    fn note_selection(&mut self, has_changed: bool) {
        self.selection_version += u64::from(has_changed);
    }
}

impl Entry {
    /// Reads a set.
    #[must_use]
    pub fn new(set: &SidecarSet) -> Self {
        match normalize(set) {
            Ok(set) => Self::Valid(Arc::new(set)),
            Err(violations) => Self::Invalid(Arc::new(InvalidSet::new(set, violations))),
        }
    }

    /// Returns the name of the set whose place it takes, if it is a canary.
    #[must_use]
    pub fn canary_of(&self) -> Option<&Arc<str>> {
        match self {
            Self::Valid(set) => set.canary_of.as_ref(),
            Self::Invalid(set) => set.canary_of.as_ref(),
        }
    }

    /// Returns what the set says of the Pods that it is injected into, or nothing if it is not injected. A set that
    /// cannot be acted on has an interest too: its Pods are refused.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        self.is_injecting().then(|| Interest {
            selector: self.selector().clone(),
            namespaces: self.namespaces().clone(),
            failure_policy: self.failure_policy(),
        })
    }

    /// Says whether both select the same Pods, and with the same outcome.
    fn selects_like(&self, other: &Self) -> bool {
        let is_valid = |entry: &Self| matches!(entry, Self::Valid(_));
        self.interest() == other.interest()
            && self.canary_of() == other.canary_of()
            && is_valid(self) == is_valid(other)
    }

    fn failure_policy(&self) -> Option<FailurePolicy> {
        match self {
            Self::Valid(set) => set.failure_policy,
            Self::Invalid(set) => set.failure_policy,
        }
    }

    fn selector(&self) -> &Selector {
        match self {
            Self::Valid(set) => &set.selector,
            Self::Invalid(set) => &set.selector,
        }
    }

    fn namespaces(&self) -> &Namespaces {
        match self {
            Self::Valid(set) => &set.namespaces,
            Self::Invalid(set) => &set.namespaces,
        }
    }

    fn is_injecting(&self) -> bool {
        match self {
            Self::Valid(set) => set.is_injecting,
            Self::Invalid(set) => set.is_injecting,
        }
    }
}

impl InvalidSet {
    fn new(set: &SidecarSet, violations: Violations) -> Self {
        let mut ignored = Violations::default();
        let selector = set.spec.selector.as_ref();
        let selector = selector.and_then(|source| Selector::parse(source, "", &mut ignored));
        Self {
            name: set.metadata.name.as_deref().unwrap_or_default().into(),
            generation: set.metadata.generation.unwrap_or_default(),
            // Without a selector that can be read, nobody can say which Pods were meant: it selects none.
            is_injecting: is_injecting(&set.spec) && selector.as_ref().is_some_and(|selector| !selector.is_empty()),
            selector: selector.unwrap_or_default(),
            namespaces: Namespaces::parse(&set.spec, &mut ignored).unwrap_or(Namespaces::All),
            canary_of: canary_base(&set.metadata).map(Arc::from),
            failure_policy: failure_policy(&set.spec, &mut ignored),
            violations,
        }
    }
}
