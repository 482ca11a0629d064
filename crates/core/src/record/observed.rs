//! The few members of a Pod that are read at all; the rest is skipped while it is parsed.

mod container_status;
#[cfg(test)]
mod tests;

pub(super) use container_status::{ObservedContainerStatus, ObservedState, ObservedTerminated};

use super::carried::Annotations;
use super::{
    AilingContainer, Ailment, CarriedSets, ContainerKind, ContainerObservation, ContainerRecord, Interner, Phase,
    PodKey, PodRecord, Readiness, Resize, Restarts,
};
use crate::annotations::{HashAnnotation, HotAnnotations, InPlaceAnnotation, Seconds, injected};
use crate::catalog::Catalog;
use crate::upgradable::{Upgradable, is_kind};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::value::RawValue;
use sidecarset_api::markers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The members of a Pod's spec that are read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedSpec {
    #[serde(default)]
    node_name: Option<String>,
    #[serde(default)]
    containers: Vec<ObservedContainer>,
    #[serde(default)]
    init_containers: Vec<ObservedContainer>,
}

/// The members of a Pod's status that are read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedStatus {
    #[serde(default)]
    phase: Option<String>,
    #[serde(default)]
    observed_generation: Option<i64>,
    #[serde(default)]
    conditions: Vec<ObservedCondition>,
    #[serde(default)]
    container_statuses: Vec<ObservedContainerStatus>,
    #[serde(default)]
    init_container_statuses: Vec<ObservedContainerStatus>,
}

/// The one member of the status that is read of a Pod without sidecars.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ObservedPhase {
    #[serde(default)]
    phase: Option<String>,
}

/// A Pod as it was observed, by reference.
#[derive(Debug, Clone, Copy)]
pub struct ObservedPod<'a> {
    /// Its metadata.
    pub metadata: &'a ObjectMeta,
    /// Its spec.
    pub spec: &'a ObservedSpec,
    /// Its status.
    pub status: &'a ObservedStatus,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObservedContainer {
    name: String,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    restart_policy: Option<String>,
    // As text, which leads to what another Pod's was parsed into.
    #[serde(default)]
    resources: Option<Box<RawValue>>,
}

impl ObservedContainer {
    fn is_native(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObservedCondition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    last_transition_time: Option<Timestamp>,
}

impl ObservedPod<'_> {
    /// Says whether the Pod may lack sidecars: it is neither ended nor on its way out, and does not mirror a file of the kubelet.
    #[must_use]
    pub fn may_lack_sets(&self) -> bool {
        let is_mirror = self.metadata.annotations.as_ref().is_some_and(|it| it.contains_key(markers::MIRROR_POD));
        phase(self.status) != Phase::Ended && self.metadata.deletion_timestamp.is_none() && !is_mirror
    }

    /// Returns its namespace and name.
    #[must_use]
    pub fn key(&self) -> PodKey {
        PodKey::new(self.namespace(), self.metadata.name.as_deref().unwrap_or_default())
    }

    /// Returns the names of the sets that were injected into it.
    #[must_use]
    pub fn injected(&self) -> BTreeSet<&str> {
        self.metadata.annotations.as_ref().map(injected).unwrap_or_default()
    }

    /// Returns the names of the sets that select it and were not injected into it.
    #[must_use]
    pub fn lacks(&self, catalog: &Catalog) -> Vec<Arc<str>> {
        let none = BTreeMap::new();
        let labels = self.metadata.labels.as_ref().unwrap_or(&none);
        let injected = self.injected();
        catalog.lacking(labels, self.namespace(), |set| injected.contains(set))
    }

    fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or("default")
    }
}

impl From<ObservedPhase> for ObservedStatus {
    fn from(observed: ObservedPhase) -> Self {
        Self { phase: observed.phase, ..Self::default() }
    }
}

impl PodRecord {
    /// Reads what is remembered of a Pod, or nothing where no SidecarSet was injected into it.
    pub fn read(pod: ObservedPod<'_>, interner: &mut Interner) -> Option<Self> {
        let annotation = |key: &str| pod.metadata.annotations.as_ref()?.get(key).map(String::as_str);
        let injected = pod.injected();
        if injected.is_empty() {
            return None;
        }
        let annotations = Annotations {
            injected,
            hashes: hashes(markers::HASH, annotation(markers::HASH)),
            hashes_without_image: hashes(markers::HASH_WITHOUT_IMAGE, annotation(markers::HASH_WITHOUT_IMAGE)),
            in_place: in_place(annotation(markers::IN_PLACE_STATE)),
        };
        let mut hot = pod.metadata.annotations.as_ref().and_then(HotAnnotations::read).map(Box::new);
        hot.iter_mut().for_each(|hot| interner.hot(hot));
        Some(Self {
            key: pod.key(),
            uid: pod.metadata.uid.as_deref().unwrap_or_default().into(),
            resource_version: pod.metadata.resource_version.as_deref().unwrap_or_default().into(),
            labels: interner.labels(pod.metadata.labels.iter().flatten()),
            phase: phase(pod.status),
            is_deleting: pod.metadata.deletion_timestamp.is_some(),
            is_scheduled: pod.spec.node_name.as_ref().is_some_and(|node| !node.is_empty()),
            readiness: readiness(pod.status),
            created: pod.metadata.creation_timestamp.as_ref().map_or(Seconds::EPOCH, |time| time.0.into()),
            restarts: restarts(pod),
            resize: resize(pod),
            containers: containers(pod, interner),
            ailing_init: ailing_init(pod, interner),
            is_listed: annotation(markers::INJECTED_LIST).is_some(),
            is_fully_observed: pod.spec.containers.len() == pod.status.container_statuses.len(),
            carried: CarriedSets::of(annotations, |noted| interner.noted(noted)),
            hot,
            upgradable: upgradable(pod.status).map(|told| interner.upgradable(told)),
        })
    }
}

// As in Kruise: an annotation that cannot be read counts as none, and is written anew with the next upgrade.
fn hashes(key: &'static str, text: Option<&str>) -> HashAnnotation {
    text.and_then(|text| HashAnnotation::parse(key, text).ok()).unwrap_or_default()
}

// An annotation that nobody can read says nothing: it must not keep a Pod waiting for ever.
fn in_place(text: Option<&str>) -> InPlaceAnnotation {
    text.and_then(|text| InPlaceAnnotation::parse(text).ok()).unwrap_or_default()
}

fn phase(status: &ObservedStatus) -> Phase {
    match status.phase.as_deref() {
        Some("Running") => Phase::Running,
        Some("Succeeded" | "Failed") => Phase::Ended,
        Some("Unknown") => Phase::Unknown,
        _ => Phase::Pending,
    }
}

fn readiness(status: &ObservedStatus) -> Readiness {
    let Some(ready) = status.conditions.iter().find(|condition| condition.kind == "Ready") else {
        return Readiness::Unknown;
    };
    let since = ready.last_transition_time.map_or(Seconds::EPOCH, Seconds::from);
    if ready.status == "True" { Readiness::Ready(since) } else { Readiness::NotReady(since) }
}

fn resize(pod: ObservedPod<'_>) -> Resize {
    let is_unseen = pod.status.observed_generation.is_some_and(|seen| pod.metadata.generation > Some(seen));
    let condition = |kind: &str| {
        pod.status.conditions.iter().find(|condition| condition.kind == kind && condition.status == "True")
    };
    let pending = condition("PodResizePending").map(|pending| pending.reason.as_deref());
    match pending {
        // What it says is about an earlier spec.
        _ if is_unseen => Resize::Unseen,
        Some(Some("Infeasible")) => Resize::Infeasible,
        Some(_) => Resize::Deferred,
        None => match condition("PodResizeInProgress").map(|it| it.reason.as_deref()) {
            Some(Some("Error")) => Resize::Failing,
            Some(_) => Resize::InProgress,
            None => Resize::Done,
        },
    }
}

fn upgradable(status: &ObservedStatus) -> Option<Upgradable> {
    let condition = status.conditions.iter().find(|condition| is_kind(&condition.kind))?;
    Some(Upgradable::read(&condition.status, condition.message.as_deref().unwrap_or_default()))
}

// As Kubernetes counts for its own order of Pods: the most of any container, not the sum.
fn restarts(pod: ObservedPod<'_>) -> Restarts {
    let is_native = |name: &str| native_sidecars(pod.spec).any(|container| container.name == name);
    let native = pod.status.init_container_statuses.iter().filter(|status| is_native(&status.name));
    Restarts { regular: most_restarts(pod.status.container_statuses.iter()), native: most_restarts(native) }
}

fn most_restarts<'a>(statuses: impl Iterator<Item = &'a ObservedContainerStatus>) -> u32 {
    let most = statuses.map(|status| status.restart_count).max().unwrap_or_default();
    u32::try_from(most.max(0)).unwrap_or(u32::MAX)
}

fn native_sidecars(spec: &ObservedSpec) -> impl Iterator<Item = &ObservedContainer> {
    spec.init_containers.iter().filter(|container| container.is_native())
}

fn ordinary(spec: &ObservedSpec) -> impl Iterator<Item = &ObservedContainer> {
    spec.init_containers.iter().filter(|container| !container.is_native())
}

fn containers(pod: ObservedPod<'_>, interner: &mut Interner) -> Box<[ContainerRecord]> {
    let native = native_sidecars(pod.spec).map(|it| (ContainerKind::Native, it, &pod.status.init_container_statuses));
    let regular = pod.spec.containers.iter().map(|it| (ContainerKind::Regular, it, &pod.status.container_statuses));
    native
        .chain(regular)
        .map(|(kind, container, statuses)| ContainerRecord {
            spec: interner.container(
                kind,
                &container.name,
                container.image.as_deref().unwrap_or_default(),
                container.resources.as_ref().map_or("{}", |resources| resources.get()),
            ),
            status: statuses
                .iter()
                .find(|status| status.name == container.name)
                .map(|status| observation(status, interner)),
        })
        .collect()
}

fn observation(status: &ObservedContainerStatus, interner: &mut Interner) -> ContainerObservation {
    let running = status.state.as_ref().and_then(|state| state.running.as_ref());
    ContainerObservation {
        runs: interner.running(&status.image, &status.image_id),
        is_ready: status.ready,
        started_at: running.and_then(|running| running.started_at).map(Seconds::from),
        ailment: Ailment::read(status).map(Box::new),
    }
}

// Most have ended well, once and for all, and nobody asks about these again.
fn ailing_init(pod: ObservedPod<'_>, interner: &mut Interner) -> Box<[AilingContainer]> {
    let is_done = |status: &ObservedContainerStatus| {
        let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
        ended.is_some_and(|ended| ended.exit_code == 0)
    };
    let statuses = pod.status.init_container_statuses.iter().filter(|status| !is_done(status));
    let ailing = statuses.filter_map(|status| {
        let ailment = Ailment::read(status)?;
        let container = ordinary(pod.spec).find(|container| container.name == status.name)?;
        let image = interner.string(container.image.as_deref().unwrap_or_default());
        Some(AilingContainer { name: interner.string(&status.name), image, ailment })
    });
    ailing.collect()
}
