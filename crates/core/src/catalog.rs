//! The SidecarSets and namespaces that there are, parsed and ready to be asked.

mod call;
mod failure;
mod index;
mod revisions;
mod scopes;
#[cfg(test)]
mod tests;

pub use call::{Answer, Called, Doubt, Unjudged};
pub use failure::FailureEvaluation;

use crate::normalize::{CanonicalSet, failure_policy, is_injecting, normalize};
use crate::os::OperatingSystem;
use crate::registration::{FailurePolicy, ScopeInputs, WebhookScope};
use crate::selection::{Labels, NamespaceFacts, Namespaces, Selected, Selector, selects};
use crate::validation::{Violations, canary_base};
use index::Index;
use revisions::Past;
use scopes::Scopes;
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
    scopes: Scopes,
    namespaces: BTreeMap<Arc<str>, Arc<NamespaceLabels>>,
    past: Past,
    reserved: BTreeMap<Arc<str>, Reservation>,
    selection_version: u64,
}

/// Which sets may select the Pods of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// Those that give the namespace by name.
    ByName,
    /// None: the operator itself runs there, and could not start without itself.
    Operator,
}

/// A SidecarSet, as far as it can be understood.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A set that is acted on.
    Valid(Arc<CanonicalSet>),
    /// A set that came past the admission webhook, and cannot be acted on.
    Invalid(Arc<InvalidSet>),
}

/// Which set it is, and which of its definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetIdentity {
    /// The name of the set.
    pub name: String,
    /// The identity of the object.
    pub uid: Option<String>,
    /// The generation of the spec.
    pub generation: i64,
}

/// A set that cannot be acted on.
#[derive(Debug)]
pub struct InvalidSet {
    /// The name of the set.
    pub name: Arc<str>,
    /// The identity of the object.
    pub uid: Option<Arc<str>>,
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
        let reserved = namespaces.into_iter().map(|name| (Arc::from(name), Reservation::ByName));
        Self { reserved: reserved.collect(), ..Self::default() }
    }

    /// Has no set select a Pod of the namespace in which the operator runs.
    #[must_use]
    pub fn without_operator(mut self, namespace: &str) -> Self {
        self.reserved.insert(namespace.into(), Reservation::Operator);
        self
    }

    /// Says which sets may select the Pods of a namespace, where that are not all.
    #[must_use]
    pub fn reservation(&self, namespace: &str) -> Option<Reservation> {
        self.reserved.get(namespace).copied()
    }

    /// Returns the namespace in which the operator runs, where that is known.
    #[must_use]
    pub fn operator_namespace(&self) -> Option<&str> {
        let mut reserved = self.reserved.iter();
        reserved.find(|(_, reservation)| **reservation == Reservation::Operator).map(|(name, _)| &**name)
    }

    /// Adds a set, or takes the place of the one of its name.
    pub fn put_set(&mut self, set: &SidecarSet) -> Entry {
        self.put(set, Entry::new(set))
    }

    /// Adds a set of which only a part can be read, and what is wrong with the rest of it.
    pub fn put_unreadable_set(&mut self, set: &SidecarSet, violations: Violations) -> Entry {
        self.put(set, Entry::Invalid(Arc::new(InvalidSet::new(set, violations))))
    }

    fn put(&mut self, set: &SidecarSet, entry: Entry) -> Entry {
        let name: Arc<str> = set.metadata.name.as_deref().unwrap_or_default().into();
        let entry = self.past.note(set, entry);
        self.index.put(&name, entry.selector(), entry.namespaces());
        self.scopes.put(&name, entry.namespaces());
        let before = self.sets.insert(name, entry.clone());
        let is_new = || entry.scope().is_some();
        self.note_selection(before.map_or_else(is_new, |before| !before.selects_like(&entry)));
        entry
    }

    /// Forgets a set.
    pub fn remove_set(&mut self, name: &str) {
        self.index.remove(name);
        self.scopes.remove(name);
        self.past.forget(name);
        let removed = self.sets.remove(name);
        self.note_selection(removed.is_some_and(|removed| removed.scope().is_some()));
    }

    /// Returns the set of this name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Entry> {
        self.sets.get(name)
    }

    /// Says whether it knows a set as it is, or newer.
    #[must_use]
    pub fn is_current(&self, set: &SetIdentity) -> bool {
        self.set(&set.name).is_some_and(|entry| {
            let (uid, generation) = match entry {
                Entry::Valid(known) => (&known.uid, known.generation),
                Entry::Invalid(known) => (&known.uid, known.generation),
            };
            uid.as_deref() == set.uid.as_deref() && generation >= set.generation
        })
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
    pub fn scopes(&self) -> impl Iterator<Item = WebhookScope> {
        self.sets.values().filter_map(Entry::scope)
    }

    /// Returns what there is beside the sets.
    #[must_use]
    pub fn surroundings(&self, failure_policy: FailurePolicy) -> ScopeInputs<'_> {
        ScopeInputs { reserved: &self.reserved, failure_policy }
    }

    /// Returns the sets that select a new Pod. Sets whose injection is paused select none, and a set gives way to a
    /// canary of it.
    #[must_use]
    pub fn select<'a>(&self, pod: &impl Labels, namespace: impl Into<NamespaceFacts<'a>>) -> Selection {
        self.select_each(pod, namespace.into(), |_, _| {})
    }

    /// Like [`Self::select`]. Shows each set that may select the Pod, those included that give way.
    fn select_each(
        &self,
        pod: &impl Labels,
        namespace: NamespaceFacts<'_>,
        mut show: impl FnMut(&Entry, Selected),
    ) -> Selection {
        let mut selection = Selection::default();
        let mut bases = BTreeSet::new();
        for (entry, selected) in self.selecting(pod, namespace) {
            show(entry, selected);
            match selected {
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

    /// Returns the sets that may select a Pod, by name, and whether they do.
    fn selecting<'a>(
        &'a self,
        pod: &'a impl Labels,
        namespace: NamespaceFacts<'a>,
    ) -> impl Iterator<Item = (&'a Entry, Selected)> {
        let reserved = namespace.name().and_then(|name| Some((name, self.reservation(name)?)));
        let may_select = move |entry: &&Entry| {
            entry.is_injecting()
                && match reserved {
                    None => true,
                    Some((name, Reservation::ByName)) => entry.namespaces().names(name),
                    Some((_, Reservation::Operator)) => false,
                }
        };
        let candidates = self.index.candidates(pod, namespace.labels);
        let entries = candidates.into_iter().filter_map(|name| self.sets.get(name)).filter(may_select);
        entries.map(move |entry| (entry, selects(entry.selector(), entry.namespaces(), pod, namespace)))
    }

    /// Returns the names of the sets that select a Pod, are for its operating system, and are not in it. A set that depends on
    /// labels of its namespace, which are not known, is not among them.
    #[must_use]
    pub fn lacking(
        &self,
        (pod, os): (&impl Labels, OperatingSystem),
        namespace: &str,
        is_in: impl Fn(&str) -> bool,
    ) -> Vec<Arc<str>> {
        let selection = self.select(pod, self.facts(namespace));
        let lacking = selection.sets.iter().filter(|set| set.operating_systems.include(os) && !is_in(&set.name));
        lacking.map(|set| Arc::clone(&set.name)).collect()
    }

    /// Says whether a set selects a Pod with these labels, whether it is in the catalog or not. A set that depends on labels of the
    /// namespace, which are not known, does not.
    #[must_use]
    pub fn is_selected_by(&self, set: &CanonicalSet, pod: &impl Labels, namespace: &str) -> bool {
        let may_select = match self.reservation(namespace) {
            None => true,
            Some(Reservation::ByName) => set.namespaces.names(namespace),
            Some(Reservation::Operator) => false,
        };
        may_select && selects(&set.selector, &set.namespaces, pod, self.facts(namespace)) == Selected::Yes
    }

    /// Returns what is known of a namespace, which may be no more than its name.
    fn facts<'a>(&'a self, namespace: &'a str) -> NamespaceFacts<'a> {
        match self.namespace(namespace) {
            Some(labels) => Some(&**labels).into(),
            None => NamespaceFacts { name: Some(namespace), ..NamespaceFacts::default() },
        }
    }

    fn needs_labels_of_namespaces(&self) -> bool {
        self.sets.values().any(|entry| entry.is_injecting() && entry.namespaces().need_labels())
    }

    fn note_selection(&mut self, has_changed: bool) {
        self.selection_version += u64::from(has_changed);
    }
}

impl Entry {
    /// Returns the name of the set.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Valid(set) => &set.name,
            Self::Invalid(set) => &set.name,
        }
    }

    /// Reads a set.
    #[must_use]
    pub fn new(set: &SidecarSet) -> Self {
        match normalize(set) {
            Ok(set) => Self::Valid(Arc::new(set)),
            Err(violations) => Self::Invalid(Arc::new(InvalidSet::new(set, violations))),
        }
    }

    /// Returns the generation of the spec.
    #[must_use]
    pub fn generation(&self) -> i64 {
        match self {
            Self::Valid(set) => set.generation,
            Self::Invalid(set) => set.generation,
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
    /// cannot be acted on has a scope too: its Pods are refused.
    #[must_use]
    pub fn scope(&self) -> Option<WebhookScope> {
        self.is_injecting().then(|| WebhookScope {
            selector: self.selector().clone(),
            namespaces: self.namespaces().clone(),
            failure_policy: self.failure_policy(),
        })
    }

    /// Says whether both select the same Pods, and with the same outcome.
    fn selects_like(&self, other: &Self) -> bool {
        let is_valid = |entry: &Self| matches!(entry, Self::Valid(_));
        let systems = |entry: &Self| match entry {
            Self::Valid(set) => Some(set.operating_systems),
            Self::Invalid(_) => None,
        };
        self.scope() == other.scope()
            && systems(self) == systems(other)
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
            uid: set.metadata.uid.as_deref().map(Arc::from),
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
