//! The SidecarSets and namespaces that there are, parsed and ready to be asked.

mod index;
mod revisions;

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

    /// Adds a set, or takes the place of the one of its name.
    pub fn put_set(&mut self, set: &SidecarSet) -> Entry {
        let name: Arc<str> = set.metadata.name.as_deref().unwrap_or_default().into();
        let entry = self.past.note(set, Entry::new(set));
        self.index.put(&name, entry.selector(), entry.namespaces());
        let before = self.sets.insert(name, entry.clone());
        self.note_selection(before.and_then(|before| before.interest()) != entry.interest());
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
        let reserved = name.filter(|name| self.reserved.contains(name.as_str()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn catalog(sets: &[Value]) -> Catalog {
        let mut catalog = Catalog::default();
        for set in sets {
            catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
        }
        catalog
    }

    fn set(name: &str, spec: Value) -> Value {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "nginx"}});
        json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": name}, "spec": spec})
    }

    fn names(selection: &Selection) -> Vec<&str> {
        selection.sets.iter().map(|set| &*set.name).collect()
    }

    fn nginx() -> NamespaceLabels {
        BTreeMap::from([("app".to_owned(), "nginx".to_owned())])
    }

    #[test]
    fn sets_are_injected_in_the_order_of_their_names() {
        let containers = json!({"containers": [{"name": "a", "image": "i"}]});
        let catalog =
            catalog(&[set("zebra", containers.clone()), set("ant", containers.clone()), set("bee", containers)]);

        assert_eq!(names(&catalog.select(&nginx(), None)), ["ant", "bee", "zebra"]);
    }

    #[test]
    fn a_namespace_that_is_not_known_is_asked_for_only_where_a_set_needs_it() {
        let everywhere = set("everywhere", json!({"containers": [{"name": "a", "image": "i"}]}));
        let somewhere = set("somewhere", json!({"containers": [{"name": "b", "image": "i"}], "namespace": "shop"}));
        let catalog = catalog(&[everywhere, somewhere]);
        let shop = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "shop".to_owned())]);

        assert!(catalog.select(&nginx(), None).needs_namespace);
        assert!(!catalog.select(&NamespaceLabels::new(), None).needs_namespace);
        assert_eq!(names(&catalog.select(&nginx(), Some(&shop))), ["everywhere", "somewhere"]);
        assert_eq!(names(&catalog.select(&nginx(), Some(&NamespaceLabels::new()))), ["everywhere"]);
    }

    #[test]
    fn a_set_whose_injection_is_paused_selects_no_new_pod() {
        let paused = json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"paused": true}});

        assert_eq!(names(&catalog(&[set("paused", paused)]).select(&nginx(), None)), [""; 0]);
    }

    #[test]
    fn a_set_gives_way_to_a_canary_of_it() {
        let containers = json!({"containers": [{"name": "a", "image": "i"}], "updateStrategy": {"type": "NotUpdate"}});
        let base = set("base", containers.clone());
        let mut canary = set("canary", containers);
        canary["metadata"]["annotations"] =
            json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "base"});
        let mut paused = canary.clone();
        paused["spec"]["injectionStrategy"] = json!({"paused": true});
        let mut elsewhere = canary.clone();
        elsewhere["spec"]["selector"]["matchLabels"]["tier"] = json!("edge");

        let selected = |canary: &Value| {
            let selection = catalog(&[base.clone(), canary.clone()]).select(&nginx(), None);
            names(&selection).join(" ")
        };
        assert_eq!(selected(&canary), "canary");
        assert_eq!(selected(&paused), "base");
        assert_eq!(selected(&elsewhere), "base");
    }

    #[test]
    fn a_set_that_cannot_be_acted_on_is_told_apart() {
        let selection = catalog(&[set("broken", json!({"containers": []}))]).select(&nginx(), None);

        assert_eq!(names(&selection), [""; 0]);
        assert_eq!(&*selection.invalid[0].name, "broken");
        assert_eq!(selection.invalid[0].violations.iter().next().unwrap().path, "spec.containers");
    }

    #[test]
    fn the_pods_of_a_reserved_namespace_are_selected_only_by_name() {
        let everywhere = set("everywhere", json!({"containers": [{"name": "a", "image": "i"}]}));
        let system = set("system", json!({"containers": [{"name": "b", "image": "i"}], "namespace": "kube-system"}));
        let mut catalog = Catalog::reserving(["kube-system"]);
        for set in [everywhere, system] {
            catalog.put_set(&serde_json::from_value(set).unwrap());
        }
        let kube_system = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "kube-system".to_owned())]);

        assert_eq!(names(&catalog.select(&nginx(), Some(&kube_system))), ["system"]);
        assert_eq!(names(&catalog.select(&nginx(), Some(&NamespaceLabels::new()))), ["everywhere"]);
    }

    #[test]
    fn a_set_that_cannot_be_acted_on_is_asked_about_like_a_valid_one() {
        let broken = set("a", json!({"containers": [], "injectionStrategy": {"failurePolicy": "Ignore"}}));
        let valid = set(
            "a",
            json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"failurePolicy": "Ignore"}}),
        );

        assert_eq!(
            catalog(&[broken]).interests().collect::<Vec<_>>(),
            catalog(&[valid]).interests().collect::<Vec<_>>()
        );
    }

    #[test]
    fn only_what_may_select_other_pods_is_a_change_of_the_selection() {
        let mut versions = Vec::new();
        let mut catalog = Catalog::default();
        let container = |image| json!([{"name": "a", "image": image}]);
        let mut put = |catalog: &mut Catalog, spec| {
            catalog.put_set(&serde_json::from_value(set("s", spec)).unwrap());
            catalog.put_namespace("shop", NamespaceLabels::new());
            versions.push(catalog.selection_version());
        };

        put(&mut catalog, json!({"containers": container("i:1")}));
        put(&mut catalog, json!({"containers": container("i:2")}));
        put(&mut catalog, json!({"containers": container("i:2"), "injectionStrategy": {"paused": true}}));
        let teams = json!({"matchLabels": {"team": "red"}});
        put(&mut catalog, json!({"containers": container("i:2"), "namespaceSelector": teams}));
        catalog.remove_set("s");
        versions.push(catalog.selection_version());

        // The labels of a namespace count once a set asks for them.
        assert_eq!(versions, [1, 1, 2, 4, 5]);
    }
}
