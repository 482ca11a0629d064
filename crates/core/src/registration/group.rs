//! The sets for which one webhook is, or several of which each has a part of them.

use super::alternatives::{Alternatives, Conditions};
use super::cel::{self, Expression};
use super::{Call, PodWebhook, Scope, ScopeInputs, WebhookScope, cost};
use crate::catalog::Reservation;
use crate::selection::{Namespaces, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::Arc;

/// What such sets say of their Pods.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    members: Vec<Member<'a>>,
    relabeled: Vec<(&'a WebhookScope, &'a BTreeSet<Arc<str>>)>,
}

#[derive(Debug, Clone, Copy)]
struct Member<'a> {
    scope: &'a WebhookScope,
    is_stored: bool,
}

/// The webhooks of a group before it is known whether the API server can bear them.
#[derive(Debug)]
pub(super) struct Prepared {
    required: Option<Selector>,
    exempt: BTreeSet<Arc<str>>,
    pub(super) all: Conditions,
    // Those of them that are about the Pods of reserved namespaces.
    of_reserved: Conditions,
}

impl<'a> Group<'a> {
    pub(super) fn add(&mut self, scope: &'a WebhookScope, is_stored: bool) {
        self.members.push(Member { scope, is_stored });
    }

    /// Adds the Pods of namespaces whose labels are about to be such that a scope is in them.
    pub(super) fn add_relabeled(&mut self, scope: &'a WebhookScope, namespaces: &'a BTreeSet<Arc<str>>) {
        self.relabeled.push((scope, namespaces));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.members.extend(other.members);
        self.relabeled.extend(other.relabeled);
    }

    /// Returns its members.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &'a WebhookScope> {
        self.members.iter().map(|member| member.scope)
    }

    /// Returns the selectors of those that say the same of namespaces, each with one of those.
    fn by_namespaces(&self) -> impl Iterator<Item = (Member<'a>, Vec<&'a Selector>)> {
        let mut groups: BTreeMap<(&Namespaces, bool), (Member<'a>, Vec<&'a Selector>)> = BTreeMap::new();
        for member in &self.members {
            let group = groups.entry((&member.scope.namespaces, member.is_stored));
            group.or_insert_with(|| (*member, Vec::new())).1.push(&member.scope.selector);
        }
        groups.into_values()
    }

    pub(super) fn prepare(&self, around: ScopeInputs<'_>) -> Prepared {
        let is_named = |name: &Arc<str>| self.members.iter().any(|member| member.names(name));
        let by_name = around.reserved.iter().filter(|(_, it)| **it == Reservation::ByName).map(|(name, _)| name);
        let named: BTreeSet<Arc<str>> = by_name.filter(|name| is_named(name)).cloned().collect();
        let (mut all, mut of_reserved) = (Alternatives::default(), Alternatives::default());
        for (member, selectors) in self.by_namespaces() {
            let Some(namespaces) = member.namespaces(&named) else { continue };
            if named.iter().any(|name| member.names(name)) {
                let of_reserved_alone = [namespaces.clone(), Some(cel::inside_of(&named))].into_iter().flatten();
                of_reserved.add(cel::all_of(of_reserved_alone), selectors.iter().copied());
            }
            all.add(namespaces, selectors);
        }
        for (scope, namespaces) in &self.relabeled {
            let names: Vec<&Arc<str>> = namespaces.iter().collect();
            for names in names.chunks(cost::MOST_NAMES) {
                all.add(Some(cel::inside_of(names.iter().copied())), [&scope.selector]);
            }
        }
        let exempt = around.reserved.keys().filter(|name| !named.contains(*name)).cloned().collect();
        // All members require the same, unless the API server does not look at it.
        let required = self.members.first().and_then(|member| member.scope.namespaces.label_requirements());
        let [all, of_reserved] = [all, of_reserved].map(|part| part.conditions(cost::MOST_OF_CONDITION));
        Prepared { required, exempt, all, of_reserved }
    }
}

impl Member<'_> {
    /// Says whether it is about a reserved namespace. Whoever is not written yet is about none.
    fn names(&self, reserved: &str) -> bool {
        self.is_stored && self.scope.namespaces.names(reserved)
    }

    /// Returns the expression for its namespaces, if it is not for all of them; nothing where it can have none.
    #[expect(clippy::option_option, reason = "it is for none, for all, or for some")]
    fn namespaces(&self, reserved: &BTreeSet<Arc<str>>) -> Option<Option<Expression>> {
        let mut expressions = match &self.scope.namespaces {
            Namespaces::All => BTreeSet::new(),
            Namespaces::Matching(selector) => cel::of_namespace_name(selector)?,
        };
        let excluded: BTreeSet<&Arc<str>> = reserved.iter().filter(|name| !self.names(name)).collect();
        if !excluded.is_empty() {
            expressions.insert(cel::outside_of(&excluded));
        }
        Some(cel::all_of(expressions))
    }
}

impl Prepared {
    /// Returns webhooks for the Pods of the group and no others.
    pub(super) fn exact(mut self, group: Call) -> Vec<PodWebhook> {
        let conditions = take(&mut self.all.texts);
        self.webhooks(group, conditions.into_iter().map(Some), &self.exempt)
    }

    /// Returns webhooks for every Pod of its namespaces. Whatever else they are for: in a reserved namespace it is what was
    /// asked for, and no more.
    pub(super) fn wide(mut self, group: Call, around: ScopeInputs<'_>) -> Vec<PodWebhook> {
        let everywhere_else = around.reserved.keys().cloned().collect();
        let mut webhooks = self.webhooks(group, [None], &everywhere_else);
        let of_reserved = take(&mut self.of_reserved.texts);
        webhooks.extend(self.webhooks(group, of_reserved.into_iter().map(Some), &self.exempt));
        for (part, webhook) in webhooks.iter_mut().enumerate() {
            webhook.part = part;
        }
        webhooks
    }

    fn webhooks(
        &self,
        group: Call,
        conditions: impl IntoIterator<Item = Option<String>>,
        exempt: &BTreeSet<Arc<str>>,
    ) -> Vec<PodWebhook> {
        let required = match group.scope {
            Scope::Matching(_) => self.required.clone(),
            Scope::Any | Scope::Unjudged | Scope::Named => None,
        };
        let webhook = |(part, condition)| PodWebhook {
            group,
            part,
            required: required.clone(),
            exempt: exempt.clone(),
            condition,
        };
        conditions.into_iter().enumerate().map(webhook).collect()
    }
}
