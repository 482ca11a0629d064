//! All there is to say of one set.

use super::overview::Overview;
use super::speed::time_left;
use crate::tools::failure::Failure;
use crate::tools::snapshot::{SeenPod, Snapshot};
use crate::tools::view::{State, View};
use serde::Serialize;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::record::Carried;
use sidecarset_core::rollout::{Hold, blocking_fields, is_updated};
use std::collections::{BTreeMap, BTreeSet};

/// All there is to say of one set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    #[serde(flatten)]
    pub overview: Overview,
    pub generation: i64,
    pub selector: String,
    pub namespaces: String,
    pub conditions: Vec<Condition>,
    pub revisions: Vec<Past>,
    pub holds: Vec<Held>,
    pub failing: Vec<Failing>,
    /// How long the Pods that are left take, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
    /// What keeps the set from being acted on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<String>,
}

/// A condition of the set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub age_seconds: u64,
    pub reason: String,
    pub message: String,
}

/// A past definition of the set, or the present one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    pub number: i64,
    pub name: String,
    pub age_seconds: u64,
    pub version: String,
    pub images: Vec<String>,
    /// How many matched Pods carry it.
    pub pods: usize,
}

/// Pods that keep their present sidecars for one reason.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    pub reason: String,
    pub pods: usize,
    /// Why, and what ends it.
    pub because: String,
    pub until: String,
    /// The fields that keep them, where that is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A sidecar that does not run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failing {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub reason: String,
    pub message: String,
}

impl Story {
    /// Tells of the set of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn of(snapshot: &Snapshot, name: &str, now: Seconds) -> Result<Self, Failure> {
        let set = snapshot.set(name)?;
        let view = View::of(snapshot, name, now);
        let invalid = snapshot.valid(name).err().map(|failure| failure.to_string());
        Ok(Self {
            overview: Overview::of(set),
            generation: set.metadata.generation.unwrap_or_default(),
            selector: view.as_ref().map(|view| view.set.selector.to_string()).unwrap_or_default(),
            namespaces: view.as_ref().map_or_else(String::new, |view| view.set.namespaces.to_string()),
            conditions: conditions(set, now),
            revisions: view.as_ref().map(|view| revisions(snapshot, view, set, now)).unwrap_or_default(),
            holds: view.as_ref().map(holds).unwrap_or_default(),
            failing: view.as_ref().map(failing).unwrap_or_default(),
            seconds_left: view.as_ref().and_then(|view| seconds_left(view, now)),
            violations: invalid.into_iter().collect(),
        })
    }
}

fn conditions(set: &SidecarSet, now: Seconds) -> Vec<Condition> {
    let all = set.status.iter().flat_map(|status| &status.conditions);
    let told = all.map(|condition| Condition {
        kind: condition.type_.clone(),
        status: condition.status.clone(),
        age_seconds: now.since(condition.last_transition_time.0.into()).as_secs(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    });
    told.collect()
}

fn revisions(snapshot: &Snapshot, view: &View<'_>, set: &SidecarSet, now: Seconds) -> Vec<Past> {
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let history = snapshot.catalog.revisions().of(name, set.metadata.uid.as_deref()).oldest_first();
    let mut pods: BTreeMap<&str, usize> = BTreeMap::new();
    for record in view.records() {
        if let Some(hash) = record.carried.get(name).and_then(Carried::hash) {
            *pods.entry(hash).or_default() += 1;
        }
    }
    let told = history.into_iter().rev().map(|revision| Past {
        number: revision.number,
        name: revision.name.to_string(),
        age_seconds: now.since(revision.created).as_secs(),
        version: revision.custom_version.as_deref().unwrap_or_default().to_owned(),
        images: images(revision.definition().ok()),
        pods: revision.hashes_in_force().and_then(|hashes| pods.get(&*hashes.full).copied()).unwrap_or_default(),
    });
    told.collect()
}

fn images(definition: Option<sidecarset_api::v1beta1::SidecarSetSpec>) -> Vec<String> {
    let Some(definition) = definition else { return Vec::new() };
    let containers = definition.init_containers.into_iter().chain(definition.containers).flatten();
    let image = |container: sidecarset_api::v1beta1::SidecarContainer| {
        container.container.get("image").and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    containers.filter_map(image).collect()
}

fn holds(view: &View<'_>) -> Vec<Held> {
    let told = view.plan.reasons().into_iter().map(|(hold, pods)| Held {
        reason: hold.meaning().name.to_owned(),
        pods,
        because: hold.meaning().why.to_owned(),
        until: hold.meaning().until.to_owned(),
        fields: if hold == Hold::NeedsNewPod { fields(view) } else { Vec::new() },
    });
    told.collect()
}

fn fields(view: &View<'_>) -> Vec<String> {
    let needs_new_pod =
        view.records().into_iter().filter(|pod| view.plan.holds.get(&pod.key) == Some(&Hold::NeedsNewPod));
    let fields: BTreeSet<_> = needs_new_pod.flat_map(|pod| blocking_fields(&view.set, pod)).collect();
    fields.into_iter().map(|field| field.to_string()).collect()
}

fn failing(view: &View<'_>) -> Vec<Failing> {
    let standings = view.matched.iter().map(|pod| (pod, view.standing(pod)));
    let failing = standings.filter(|(_, standing)| standing.state == State::Failing);
    let told = failing.flat_map(|(pod, standing)| {
        let pod: &SeenPod = pod;
        standing.troubles.into_iter().map(|trouble| Failing {
            namespace: pod.key.namespace().to_owned(),
            pod: pod.key.name().to_owned(),
            container: trouble.container,
            reason: trouble.reason,
            message: trouble.message,
        })
    });
    told.collect()
}

/// Returns how long the Pods that wait for their turn take at the speed of those that had it.
fn seconds_left(view: &View<'_>, now: Seconds) -> Option<u64> {
    let (records, name) = (view.records(), &view.set.name);
    let upgraded = records.iter().filter(|pod| is_updated(&view.set, pod));
    let carried = upgraded.filter_map(|pod| pod.carried.get(name)).filter(|carried| carried.was_upgraded());
    let mut times: Vec<Seconds> = carried.filter_map(Carried::updated_at).collect();
    let left = view.plan.upgrades.len() + view.plan.holds.values().filter(|hold| hold.is_passing()).count();
    time_left(&mut times, left, now).map(|left| left.as_secs())
}
