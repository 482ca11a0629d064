//! Which new Pods the API server asks us about: those that a set selects, as far as it can tell, and no others.

mod alternatives;
mod call;
mod cel;
mod cost;
mod coverage;
mod failure_policy;
mod group;
mod relabeling;

pub use call::{Call, Scope};
pub use coverage::{Coverage, RegisteredScopes};
pub use failure_policy::{FailurePolicy, ParseFailurePolicyError};
pub use relabeling::Relabeling;

use crate::catalog::Reservation;
use crate::selection::{Namespaces, Selector};
use group::Group;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// While the nodes' own Pods cannot be created, nothing else works either: this namespace is reserved.
pub const SYSTEM_NAMESPACE: &str = "kube-system";

/// How many webhooks there are at most that are for labels of namespaces. The API server looks at each of them for whatever
/// is written: hundred take it some ten microseconds, and a registration of a quarter of a megabyte.
const MOST_MATCHING: usize = 100;

/// What a set says of the Pods that it is injected into, as far as the API server has to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookScope {
    /// The labels of the Pods.
    pub selector: Selector,
    /// Their namespaces.
    pub namespaces: Namespaces,
    /// What becomes of them while we cannot be asked, where the set says so.
    pub failure_policy: Option<FailurePolicy>,
}

/// What the API server has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookScopes {
    /// Those of the sets that there are.
    pub stored: BTreeSet<WebhookScope>,
    /// Those of sets that are being written. None of them has the API server call for a namespace for which it would not have
    /// called without it.
    pub pending: BTreeSet<WebhookScope>,
    /// Those that a namespace is about to be selected by, whose labels are being written.
    pub relabeled: BTreeMap<WebhookScope, BTreeSet<Arc<str>>>,
}

/// What there is beside the sets.
#[derive(Debug, Clone, Copy)]
pub struct ScopeInputs<'a> {
    /// The namespaces for whose Pods the API server does not call, or only for sets that give them by name.
    pub reserved: &'a BTreeMap<Arc<str>, Reservation>,
    /// The policy of sets that give none.
    pub failure_policy: FailurePolicy,
}

/// For which new Pods the API server calls us. For a Pod of several webhooks it calls several times, and the Pod is injected
/// once: were the Pods of one left out of another, then a label that somebody else's webhook adds could take a Pod out of
/// the one after the API server has passed the other one by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The webhooks, in the order in which the API server goes through them. It begins with those that know most of the
    /// namespace, so that the first call can inject everything.
    pub webhooks: Vec<PodWebhook>,
    /// What has become of each scope for whose Pods, and no others, it does not call.
    pub exceptions: BTreeMap<WebhookScope, Coverage>,
    /// Whether labels of namespaces matter.
    pub needs_labels: bool,
}

/// A webhook for new Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodWebhook {
    /// For which sets it is.
    pub group: Call,
    /// Which of several that are for these sets.
    pub part: usize,
    /// What is required of the labels of the namespace.
    pub required: Option<Selector>,
    /// The namespaces for whose Pods it is not called.
    pub exempt: BTreeSet<Arc<str>>,
    /// An expression of the Common Expression Language that has a value for every Pod. It is called where that is true, or for
    /// every Pod where there is none.
    pub condition: Option<String>,
}

impl Registration {
    /// Returns what has become of the scopes of sets.
    #[must_use]
    pub fn coverage(&self, scopes: &WebhookScopes) -> BTreeMap<WebhookScope, Coverage> {
        let exact = scopes.of_sets().map(|scope| (scope.clone(), Coverage::Exact));
        exact.chain(self.exceptions.clone()).collect()
    }
}

impl PodWebhook {
    /// Returns what a call through it says.
    #[must_use]
    pub fn call(&self) -> Call {
        // Whoever is called for every Pod knows nothing of the reason.
        let scope = if self.condition.is_some() { self.group.scope } else { Scope::Any };
        Call { scope, ..self.group }
    }
}

impl WebhookScopes {
    /// Returns those of sets, whether these are written already or not.
    pub fn of_sets(&self) -> impl Iterator<Item = &WebhookScope> {
        self.stored.union(&self.pending)
    }

    /// Returns all of them.
    pub fn all(&self) -> impl Iterator<Item = &WebhookScope> {
        self.of_sets().chain(self.relabeled.keys())
    }

    /// Forgets all others.
    pub fn retain(&mut self, is_kept: impl Fn(&WebhookScope) -> bool) {
        self.stored.retain(&is_kept);
        self.pending.retain(&is_kept);
        self.relabeled.retain(|scope, _| is_kept(scope));
    }
}

impl WebhookScope {
    /// Says why the API server calls for none of its Pods, if it does not.
    fn exclusion(&self, around: ScopeInputs<'_>) -> Option<Coverage> {
        let mut of_operator = around.reserved.iter().filter(|(_, reservation)| **reservation == Reservation::Operator);
        if excess(&self.selector, &self.namespaces).is_some() {
            Some(Coverage::TooManyRequirements)
        } else if of_operator.any(|(name, _)| self.namespaces.are_only(name)) {
            Some(Coverage::OperatorNamespace)
        } else {
            None
        }
    }

    /// Returns the webhook that it belongs to.
    fn group(&self, around: ScopeInputs<'_>) -> Call {
        let required = self.namespaces.label_requirements();
        Call {
            scope: required.map_or(Scope::Named, |required| Scope::Matching(required.digest())),
            failure_policy: self.failure_policy.unwrap_or(around.failure_policy),
        }
    }
}

/// Says why the API server could not bear to know the selectors of a set, if it could not.
#[must_use]
pub fn excess(selector: &Selector, namespaces: &Namespaces) -> Option<String> {
    let cost = cost::of_selectors(selector, namespaces);
    (cost > cost::MOST_OF_CONDITION).then(|| {
        format!(
            "has too many requirements for the API server, together with spec.namespaceSelector: each counts {}, and each of \
             its values {}, which is {cost}; the most is {}",
            cost::REQUIREMENT,
            cost::VALUE,
            cost::MOST_OF_CONDITION
        )
    })
}

/// Decides for which new Pods the API server has to call us, so that every scope is covered. The same scopes lead to
/// the same text.
#[must_use]
pub fn register(scopes: &WebhookScopes, around: ScopeInputs<'_>) -> Registration {
    let mut exceptions = BTreeMap::new();
    let mut groups: BTreeMap<Call, Group<'_>> = BTreeMap::new();
    let stored = scopes.stored.iter().map(|scope| (scope, true));
    let pending = scopes.pending.difference(&scopes.stored).map(|scope| (scope, false));
    for (scope, is_stored) in stored.chain(pending) {
        match scope.exclusion(around) {
            Some(reason) => drop(exceptions.insert(scope.clone(), reason)),
            None => groups.entry(scope.group(around)).or_default().add(scope, is_stored),
        }
    }
    let needs_labels = groups.keys().any(|call| matches!(call.scope, Scope::Matching(_)));
    merge_surplus(&mut groups);
    for (scope, namespaces) in scopes.relabeled.iter().filter(|(scope, _)| scope.exclusion(around).is_none()) {
        let call = Call { scope: Scope::Unjudged, ..scope.group(around) };
        groups.entry(call).or_default().add_relabeled(scope, namespaces);
    }
    let webhooks = webhooks(&groups, around, &mut exceptions);
    Registration { webhooks, exceptions, needs_labels }
}

/// Has the API server not look at labels of namespaces, where it would have to look at too many of them.
fn merge_surplus(groups: &mut BTreeMap<Call, Group<'_>>) {
    let matching = groups.keys().filter(|call| matches!(call.scope, Scope::Matching(_))).copied();
    let surplus: Vec<Call> = matching.skip(MOST_MATCHING).collect();
    for call in surplus {
        let merged = groups.remove(&call).unwrap_or_default();
        groups.entry(Call { scope: Scope::Unjudged, ..call }).or_default().merge(merged);
    }
}

/// Returns the webhooks of all groups. Those that cost least come first to be called for no other Pods than those that are
/// selected.
fn webhooks(
    groups: &BTreeMap<Call, Group<'_>>,
    around: ScopeInputs<'_>,
    exceptions: &mut BTreeMap<WebhookScope, Coverage>,
) -> Vec<PodWebhook> {
    let mut prepared: Vec<_> = groups.iter().map(|(call, group)| (*call, group, group.prepare(around))).collect();
    prepared.sort_by_key(|(_, _, prepared)| prepared.all.cost);
    let mut left = cost::Budget::default();
    let mut webhooks = BTreeMap::new();
    for (call, group, prepared) in prepared {
        let is_exact = left.take(&prepared.all);
        if !is_exact || call.scope == Scope::Unjudged {
            exceptions.extend(group.scopes().map(|scope| (scope.clone(), Coverage::Wide)));
        }
        webhooks.insert(call, if is_exact { prepared.exact(call) } else { prepared.wide(call, around) });
    }
    webhooks.into_values().flatten().collect()
}

#[cfg(test)]
mod tests;
