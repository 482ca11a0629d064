//! What applying a set would lead to.

use super::requests::{Added, added};
use crate::tools::sidecar::in_pod;
use crate::tools::snapshot::{SeenPod, Snapshot};
use crate::tools::view::View;
use serde::Serialize;
use serde_json::Value;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use sidecarset_core::amount::Amount;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::normalize::defaults::defaulted;
use sidecarset_core::record::PodKey;
use sidecarset_core::revision::choices;
use sidecarset_core::rollout::{Hold, blocking_fields, plan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What would become of the set itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Created,
    Changed,
    Unchanged,
}

/// What applying a set would lead to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub name: String,
    pub kind: Kind,
    /// The specs before and after, with their defaults.
    #[serde(skip)]
    pub specs: (Option<Value>, Value),
    /// What a new Pod gets: one of these.
    pub gives: Vec<Gives>,
    /// The Pods that the set selects, by namespace.
    pub namespaces: BTreeMap<String, Selected>,
    /// The running Pods that are upgraded in place, in this order.
    pub upgrades: Vec<String>,
    /// How many of them at once.
    pub at_once: usize,
    /// The Pods that keep their present sidecars.
    pub holds: Vec<Held>,
    /// The Pods that would be rejected if they were created anew.
    pub rejected: Vec<Rejected>,
    /// The Pods that were created without the sidecars.
    pub missing: Vec<String>,
    /// What the sidecars ask for in these, once they are created anew.
    pub requests_added: Added,
}

/// What a new Pod gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gives {
    /// The revision that describes it, where it is not the definition that is applied.
    pub revision: Option<String>,
    pub init_containers: Vec<String>,
    pub containers: Vec<String>,
    pub volumes: Vec<String>,
    pub annotations: Vec<String>,
}

/// The Pods of a namespace that a set selects.
#[derive(Debug, Default, Serialize)]
pub struct Selected {
    /// Those that carry the sidecars.
    pub carrying: usize,
    /// Those that were created without.
    pub missing: usize,
}

/// Pods that keep their present sidecars for one reason.
#[derive(Debug, Serialize)]
pub struct Held {
    pub reason: String,
    pub because: String,
    pub until: String,
    pub fields: Vec<String>,
    pub pods: Vec<String>,
}

/// Pods that would be rejected for one reason.
#[derive(Debug, Serialize)]
pub struct Rejected {
    pub because: String,
    pub pods: Vec<String>,
}

impl Change {
    /// Looks at a set that was put into the snapshot as it would be; nothing is known of one that cannot be acted on.
    pub fn of(snapshot: &Snapshot, name: &str, before: Option<&SidecarSet>, now: Seconds) -> Option<Self> {
        let view = View::of(snapshot, name, now)?;
        let after = snapshot.sets.get(name)?;
        let specs = (before.map(|before| told(&before.spec)), told(&after.spec));
        let kind = match &specs.0 {
            None => Kind::Created,
            Some(before) if *before == specs.1 => Kind::Unchanged,
            Some(_) => Kind::Changed,
        };
        Some(Self {
            name: name.to_owned(),
            kind,
            gives: given(&view),
            namespaces: namespaces(&view),
            upgrades: in_order(&view, now),
            at_once: view.plan.upgrades.len(),
            holds: holds(&view),
            rejected: rejected(&view),
            missing: view.missing.iter().map(|pod| pod.key.to_string()).collect(),
            requests_added: added(snapshot, name, &view.missing, now),
            specs,
        })
    }
}

impl Change {
    /// Tells only of the Pods of a namespace. What they wait for depends on those of all.
    pub fn within(mut self, namespace: &str) -> Self {
        let is_in = |pod: &String| pod.split_once('/').is_some_and(|(its, _)| its == namespace);
        self.namespaces.retain(|name, _| name == namespace);
        self.upgrades.retain(is_in);
        self.missing.retain(is_in);
        self.holds.iter_mut().for_each(|held| held.pods.retain(is_in));
        self.holds.retain(|held| !held.pods.is_empty());
        self.rejected.iter_mut().for_each(|rejected| rejected.pods.retain(is_in));
        self.rejected.retain(|rejected| !rejected.pods.is_empty());
        self
    }
}

/// Returns what new Pods get of a set; nothing where its injection is paused, or where they are refused.
fn given(view: &View<'_>) -> Vec<Gives> {
    let set = &view.written;
    let definitions = if set.is_injecting { choices(set).unwrap_or_default() } else { Vec::new() };
    definitions.into_iter().map(|definition| Gives::of(definition, view)).collect()
}

impl Gives {
    fn of(definition: &Arc<CanonicalSet>, view: &View<'_>) -> Self {
        Self {
            revision: view.past_revision(definition).map(str::to_owned),
            init_containers: definition.init_containers.iter().flat_map(in_pod).collect(),
            containers: definition.containers.iter().flat_map(in_pod).collect(),
            volumes: definition.mounted.iter().map(|volume| volume.name.to_string()).collect(),
            annotations: definition.metadata.iter().map(|metadata| metadata.key.clone()).collect(),
        }
    }
}

fn told(spec: &SidecarSetSpec) -> Value {
    serde_json::to_value(defaulted(spec)).unwrap_or_default()
}

fn namespaces(view: &View<'_>) -> BTreeMap<String, Selected> {
    let mut all = BTreeMap::<String, Selected>::new();
    let namespace = |pod: &SeenPod| pod.key.namespace().to_owned();
    for pod in &view.matched {
        all.entry(namespace(pod)).or_default().carrying += 1;
    }
    for pod in &view.missing {
        all.entry(namespace(pod)).or_default().missing += 1;
    }
    all
}

/// Returns the Pods that are upgraded in place, in the order in which that happens: as if all were upgraded at once.
fn in_order(view: &View<'_>, now: Seconds) -> Vec<String> {
    let mut at_once = (*view.set).clone();
    at_once.rollout.max_unavailable = Amount::Percent(100);
    plan(&at_once, &view.records(), now).upgrades.into_iter().map(|upgrade| upgrade.pod.to_string()).collect()
}

/// Returns why Pods are left as they are, but for those that only wait for their turn.
fn holds(view: &View<'_>) -> Vec<Held> {
    let reasons = view.plan.reasons().into_keys().filter(|hold| *hold != Hold::BudgetSpent);
    let told = reasons.map(|hold| Held {
        reason: hold.meaning().name.to_owned(),
        because: hold.meaning().why.to_owned(),
        until: hold.meaning().until.to_owned(),
        fields: if hold == Hold::NeedsNewPod { fields(view) } else { Vec::new() },
        pods: view.plan.held_pods(hold).map(PodKey::to_string).collect(),
    });
    told.collect()
}

fn rejected(view: &View<'_>) -> Vec<Rejected> {
    let mut by_reason = BTreeMap::<&str, Vec<String>>::new();
    for pod in view.matched.iter().chain(&view.missing) {
        if let Some(because) = &pod.rejection {
            by_reason.entry(because).or_default().push(pod.key.to_string());
        }
    }
    by_reason.into_iter().map(|(because, pods)| Rejected { because: because.to_owned(), pods }).collect()
}

fn fields(view: &View<'_>) -> Vec<String> {
    let held: BTreeSet<&PodKey> = view.plan.held_pods(Hold::NeedsNewPod).collect();
    let records = view.records().into_iter().filter(|pod| held.contains(&pod.key));
    let fields: BTreeSet<_> = records.flat_map(|pod| blocking_fields(&view.set, pod)).collect();
    fields.into_iter().map(|field| field.to_string()).collect()
}
