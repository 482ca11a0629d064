//! What a Pod gets about which the API server calls, where its memory and ours may differ.

use super::{Catalog, Entry, NamespaceLabels, Selection};
use crate::registration::{Call, FailurePolicy, Scope};
use crate::selection::{Labels, NamespaceFacts, Selected};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A Pod about which the API server calls.
#[derive(Debug)]
pub struct Called<'a, L> {
    /// The labels of the Pod.
    pub pod: &'a L,
    /// The name of its namespace.
    pub namespace: &'a str,
    /// Through which webhook; nothing where that is not known.
    pub call: Option<Call>,
    /// The policy of sets that give none.
    pub failure_policy: FailurePolicy,
}

/// The sets that a Pod gets.
#[derive(Debug)]
pub struct Answer {
    /// The sets.
    pub selection: Selection,
    /// Why they may be others, if they may.
    pub doubt: Option<Doubt>,
}

/// Why an answer from memory may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The labels of the namespace are not known, or the API server knows others: they have to be looked up.
    Namespace,
    /// The API server calls for none of the sets that are known: there may be one that is not.
    Sets,
}

/// The sets on which the answer depends, and of which nobody knows whether they select the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged(pub Vec<Arc<str>>);

impl Catalog {
    /// Answers a call from memory. `live` are the labels of the namespace, where they were looked up because of the call.
    #[must_use]
    pub fn answer(&self, called: Called<'_, impl Labels>, live: Option<&NamespaceLabels>) -> Answer {
        let labels = live.or_else(|| self.namespace(called.namespace).map(AsRef::as_ref));
        let facts = NamespaceFacts { labels, ..called.facts() };
        let (selection, has_reason) = self.select_for(called, facts);
        let doubt = if live.is_none() && self.doubts_namespace(called, labels, &selection) {
            Some(Doubt::Namespace)
        } else {
            (!has_reason).then_some(Doubt::Sets)
        };
        Answer { selection, doubt }
    }

    /// Answers a call although the namespace cannot be looked up. What depends on its labels is left to the calls for the sets
    /// that depend on them.
    ///
    /// # Errors
    /// This call is for sets that depend on them.
    pub fn answer_without_labels(&self, called: Called<'_, impl Labels>) -> Result<Answer, Unjudged> {
        let facts = called.facts();
        let of = |wanted: Selected| {
            let judged = self.selecting(called.pod, facts);
            judged.filter(move |(_, selected)| *selected == wanted).map(|(entry, _)| entry)
        };
        let selected: BTreeSet<&str> = of(Selected::Yes).map(Entry::name).collect();
        // A set must not take the place of its canary either.
        let replaces = |entry: &&Entry| entry.canary_of().is_some_and(|base| selected.contains(&**base));
        let depending = of(Selected::DependsOnNamespace);
        let needed: Vec<Arc<str>> = depending
            .filter(|entry| replaces(entry) || self.is_left_to_us(called, entry))
            .map(|entry| entry.name().into())
            .collect();
        if !needed.is_empty() {
            return Err(Unjudged(needed));
        }
        let (selection, has_reason) = self.select_for(called, facts);
        Ok(Answer { selection, doubt: (!has_reason).then_some(Doubt::Sets) })
    }

    /// Returns the sets that select the Pod, and whether one that is known is a reason to call.
    fn select_for(&self, called: Called<'_, impl Labels>, namespace: NamespaceFacts<'_>) -> (Selection, bool) {
        let Some(call) = called.call else { return (self.select(called.pod, namespace), true) };
        let is_meant = |entry: &Entry| called.policy(entry) == call.failure_policy;
        let mut has_reason = false;
        let selection = self.select_each(called.pod, namespace, |entry, selected| {
            has_reason |= is_meant(entry) && selected == Selected::Yes && self.scope_of(entry) == call.scope;
        });
        let has_reason = has_reason
            || match call.scope {
                Scope::Any => true,
                Scope::Named => false,
                Scope::Unjudged => self.depending(called).any(is_meant),
                // The namespace has other labels than the API server remembers.
                Scope::Matching(digest) => {
                    let required = self.scopes.required(digest);
                    required.zip(namespace.labels).is_some_and(|(required, labels)| !required.matches(labels))
                }
            };
        (selection, has_reason)
    }

    /// Says whether the labels of the namespace have to be looked up.
    fn doubts_namespace(
        &self,
        called: Called<'_, impl Labels>,
        remembered: Option<&NamespaceLabels>,
        selection: &Selection,
    ) -> bool {
        let Some(remembered) = remembered else { return selection.needs_namespace };
        match called.call.map(|call| self.known(call.scope)) {
            Some(Scope::Named) => false,
            Some(Scope::Matching(digest)) => {
                self.scopes.required(digest).is_some_and(|required| !required.matches(remembered))
            }
            Some(Scope::Any | Scope::Unjudged) | None => {
                let facts = NamespaceFacts { labels: Some(remembered), ..called.facts() };
                self.depending(called).any(|entry| entry.namespaces().contain(facts) != Some(true))
            }
        }
    }

    /// Says whether nobody but us looks at the labels on which a set depends.
    fn is_left_to_us(&self, called: Called<'_, impl Labels>, entry: &Entry) -> bool {
        let Some(call) = called.call else { return true };
        match self.known(call.scope) {
            Scope::Any | Scope::Unjudged => called.policy(entry) == call.failure_policy,
            Scope::Matching(_) | Scope::Named => false,
        }
    }

    /// Returns the sets that would select the Pod in some namespaces of this name, depending on the labels of these.
    fn depending<'a>(&'a self, called: Called<'a, impl Labels>) -> impl Iterator<Item = &'a Entry> {
        let unknown = NamespaceFacts { name: Some(called.namespace), ..NamespaceFacts::default() };
        let judged = self.selecting(called.pod, unknown);
        judged.filter(|(_, selected)| *selected == Selected::DependsOnNamespace).map(|(entry, _)| entry)
    }

    /// Returns a scope as far as it is known: that of a set which is not known says nothing.
    fn known(&self, scope: Scope) -> Scope {
        match scope {
            Scope::Matching(digest) if self.scopes.required(digest).is_none() => Scope::Any,
            Scope::Any | Scope::Unjudged | Scope::Matching(_) | Scope::Named => scope,
        }
    }

    fn scope_of(&self, entry: &Entry) -> Scope {
        self.scopes.of(entry.name()).map_or(Scope::Named, Scope::Matching)
    }
}

impl<L> Called<'_, L> {
    fn facts(&self) -> NamespaceFacts<'_> {
        let matched = match self.call.map(|call| call.scope) {
            Some(Scope::Matching(digest)) => Some(digest),
            Some(Scope::Any | Scope::Unjudged | Scope::Named) | None => None,
        };
        NamespaceFacts { name: Some(self.namespace), labels: None, matched }
    }

    fn policy(&self, entry: &Entry) -> FailurePolicy {
        entry.failure_policy().unwrap_or(self.failure_policy)
    }
}

impl<L> Clone for Called<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Called<'_, L> {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// A set for Pods of the app `web`.
    fn set(name: &str, spec: Value) -> Value {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        spec["containers"] = json!([{"name": name, "image": "i"}]);
        spec["updateStrategy"] = json!({"type": "NotUpdate"});
        json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": name}, "spec": spec})
    }

    fn of_team(name: &str, team: &str) -> Value {
        set(name, json!({"namespaceSelector": {"matchLabels": {"team": team}}}))
    }

    fn everywhere() -> Value {
        set("everywhere", json!({}))
    }

    fn ignoring(mut set: Value) -> Value {
        set["spec"]["injectionStrategy"] = json!({"failurePolicy": "Ignore"});
        set
    }

    fn canary_of(base: &str, mut set: Value) -> Value {
        set["metadata"]["annotations"] =
            json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": base});
        set
    }

    fn team(team: &str) -> NamespaceLabels {
        let labels = [("team", team), ("kubernetes.io/metadata.name", "shop")];
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// These sets, and what is remembered of the namespace `shop`.
    fn catalog(sets: &[Value], shop: Option<NamespaceLabels>) -> Catalog {
        let mut catalog = Catalog::default();
        for set in sets {
            catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
        }
        if let Some(labels) = shop {
            catalog.put_namespace("shop", labels);
        }
        catalog
    }

    /// A call for the sets that depend on this team.
    fn matching(team: &str) -> Scope {
        let entry = Entry::new(&serde_json::from_value(of_team("any", team)).unwrap());
        Scope::Matching(entry.namespaces().label_requirements().unwrap().digest())
    }

    /// A call of the policy `Fail` about a Pod of the app `web` in `shop`.
    fn called(scope: Scope) -> Called<'static, BTreeMap<String, String>> {
        static WEB: std::sync::LazyLock<BTreeMap<String, String>> =
            std::sync::LazyLock::new(|| BTreeMap::from([("app".to_owned(), "web".to_owned())]));
        let call = Some(Call { scope, failure_policy: FailurePolicy::Fail });
        Called { pod: &WEB, namespace: "shop", call, failure_policy: FailurePolicy::Fail }
    }

    fn of(answer: &Answer) -> (Vec<&str>, Option<Doubt>) {
        (answer.selection.sets.iter().map(|set| &*set.name).collect(), answer.doubt)
    }

    #[test]
    fn what_both_remember_alike_is_not_looked_up() {
        let catalog = catalog(&[of_team("red", "red"), everywhere()], Some(team("red")));

        assert_eq!(of(&catalog.answer(called(matching("red")), None)), (vec!["everywhere", "red"], None));
        assert_eq!(of(&catalog.answer(called(Scope::Named), None)), (vec!["everywhere", "red"], None));
    }

    #[test]
    fn a_namespace_of_which_the_api_server_knows_another_label_is_looked_up() {
        let catalog = catalog(&[of_team("red", "red"), everywhere()], Some(team("blue")));

        assert_eq!(of(&catalog.answer(called(matching("red")), None)).1, Some(Doubt::Namespace));
        let now = catalog.answer(called(matching("red")), Some(&team("red")));
        assert_eq!(of(&now), (vec!["everywhere", "red"], None));
    }

    #[test]
    fn a_label_that_the_api_server_still_remembers_selects_nothing() {
        let catalog = catalog(&[of_team("red", "red")], Some(team("red")));

        assert_eq!(of(&catalog.answer(called(matching("red")), Some(&team("blue")))), (vec![], None));
    }

    #[test]
    fn a_namespace_that_nobody_has_looked_at_is_looked_up_where_it_may_matter() {
        let red = |remembered| catalog(&[of_team("red", "red"), everywhere()], remembered);

        for scope in [Scope::Unjudged, Scope::Any, matching("of-another-version")] {
            assert_eq!(of(&red(Some(team("blue"))).answer(called(scope), None)).1, Some(Doubt::Namespace), "{scope:?}");
            assert_eq!(of(&red(None).answer(called(scope), None)).1, Some(Doubt::Namespace), "{scope:?}");
            let agrees = red(Some(team("red")));
            assert_ne!(of(&agrees.answer(called(scope), None)).1, Some(Doubt::Namespace), "{scope:?}");
        }
        let other_labels = catalog(&[everywhere()], Some(team("blue")));
        assert_eq!(of(&other_labels.answer(called(Scope::Any), None)), (vec!["everywhere"], None));
    }

    #[test]
    fn a_call_whose_reason_nobody_knows_is_told_apart() {
        let everywhere = catalog(&[everywhere()], Some(team("red")));
        let red = catalog(&[of_team("red", "red")], Some(team("red")));

        assert_eq!(of(&everywhere.answer(called(matching("red")), None)), (vec!["everywhere"], Some(Doubt::Sets)));
        assert_eq!(of(&red.answer(called(Scope::Named), None)), (vec!["red"], Some(Doubt::Sets)));
        assert_eq!(of(&everywhere.answer(called(Scope::Unjudged), None)), (vec!["everywhere"], Some(Doubt::Sets)));
        assert_eq!(of(&red.answer(called(Scope::Unjudged), Some(&team("blue")))), (vec![], None));
    }

    #[test]
    fn a_set_of_the_other_policy_is_no_reason_to_call() {
        let catalog = catalog(&[ignoring(everywhere())], None);

        assert_eq!(of(&catalog.answer(called(Scope::Named), None)), (vec!["everywhere"], Some(Doubt::Sets)));
    }

    #[test]
    fn a_set_that_gives_way_to_its_canary_is_a_reason_to_call() {
        let canary = ignoring(canary_of("everywhere", set("canary", json!({}))));
        let catalog = catalog(&[everywhere(), canary], None);

        assert_eq!(of(&catalog.answer(called(Scope::Named), None)), (vec!["canary"], None));
    }

    #[test]
    fn whoever_may_be_called_for_every_pod_needs_no_reason() {
        let catalog = catalog(&[], None);

        assert_eq!(of(&catalog.answer(called(Scope::Any), None)), (vec![], None));
        assert_eq!(of(&catalog.answer(Called { call: None, ..called(Scope::Any) }, None)), (vec![], None));
    }

    #[test]
    fn a_call_answers_for_its_own_sets_where_the_namespace_cannot_be_read() {
        let sets = [of_team("red", "red"), of_team("blue", "blue"), everywhere()];
        let catalog = catalog(&sets, None);

        let answer = |scope| catalog.answer_without_labels(called(scope));

        assert_eq!(of(&answer(Scope::Named).unwrap()), (vec!["everywhere"], None));
        assert_eq!(of(&answer(matching("red")).unwrap()), (vec!["everywhere", "red"], None));
        let all = Unjudged(vec!["blue".into(), "red".into()]);
        for scope in [Scope::Unjudged, Scope::Any, matching("of-another-version")] {
            assert_eq!(answer(scope).unwrap_err(), all, "{scope:?}");
        }
        let unknown = Called { call: None, ..called(Scope::Any) };
        assert_eq!(catalog.answer_without_labels(unknown).unwrap_err(), all);
    }

    #[test]
    fn what_is_remembered_does_not_count_where_it_was_in_doubt() {
        let catalog = catalog(&[of_team("red", "red")], Some(team("red")));

        assert_eq!(catalog.answer_without_labels(called(Scope::Unjudged)).unwrap_err(), Unjudged(vec!["red".into()]));
    }

    #[test]
    fn sets_of_the_other_policy_are_not_answered_for() {
        let catalog = catalog(&[ignoring(of_team("red", "red")), of_team("blue", "blue")], None);

        assert_eq!(catalog.answer_without_labels(called(Scope::Unjudged)).unwrap_err(), Unjudged(vec!["blue".into()]));
    }

    #[test]
    fn a_set_does_not_take_the_place_of_a_canary_of_which_nobody_knows() {
        let catalog = catalog(&[everywhere(), canary_of("everywhere", of_team("canary", "red"))], None);

        assert_eq!(catalog.answer_without_labels(called(Scope::Named)).unwrap_err(), Unjudged(vec!["canary".into()]));
        assert_eq!(of(&catalog.answer_without_labels(called(matching("red"))).unwrap()), (vec!["canary"], None));
    }
}
