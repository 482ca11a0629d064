//! The few members of a Pod that are read at all; the rest is skipped while it is parsed.

mod container_status;
#[cfg(test)]
mod tests;

use container_status::Statuses;
pub(super) use container_status::{ObservedContainerStatus, ObservedState, ObservedTerminated};

use super::carried::Annotations;
use super::{
    AilingContainer, Ailment, CarriedSets, ContainerKind, ContainerObservation, ContainerRecord, Interner,
    OwnContainers, OwnKind, Phase, PodKey, PodRecord, Readiness, Resize, Restarts,
};
use crate::annotations::{HotAnnotations, Seconds, injected, lenient};
use crate::catalog::Catalog;
use crate::json::Document;
use crate::os::OperatingSystem;
use crate::upgradable::{Upgradable, is_kind};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sidecarset_api::markers;
use std::cell::LazyCell;
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
    // Only whether there are any.
    #[serde(default)]
    resources: Option<IgnoredAny>,
    // As text: few Pods say of their operating system what others do not.
    #[serde(default)]
    os: Option<Box<RawValue>>,
    #[serde(default)]
    node_selector: Option<Box<RawValue>>,
    #[serde(default)]
    affinity: Option<Box<RawValue>>,
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
pub(super) struct ObservedContainer {
    pub(super) name: String,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    restart_policy: Option<String>,
    // As text, which leads to what another Pod's was parsed into.
    #[serde(default)]
    pub(super) resources: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) ports: Option<Vec<ObservedPort>>,
    #[serde(default)]
    env: Option<Vec<ObservedVariable>>,
}

/// A variable, of which nothing is kept but whether it is the mark of what was injected.
#[derive(Debug, Clone, Copy, Deserialize)]
struct ObservedVariable {
    #[serde(default)]
    name: VariableName,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum VariableName {
    #[serde(rename = "IS_INJECTED")]
    Mark,
    #[default]
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObservedPort {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) container_port: i64,
    #[serde(default)]
    pub(super) protocol: Option<String>,
}

impl ObservedContainer {
    fn is_native(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }

    /// Says whether a set has put it into the Pod.
    pub(super) fn is_injected(&self) -> bool {
        self.env.iter().flatten().any(|variable| variable.name == VariableName::Mark)
    }
}

impl ObservedSpec {
    /// Returns all containers, init containers first.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ObservedContainer, OwnKind)> {
        let kind = |container: &ObservedContainer| if container.is_native() { OwnKind::Native } else { OwnKind::Init };
        let init = self.init_containers.iter().map(move |container| (container, kind(container)));
        init.chain(self.containers.iter().map(|container| (container, OwnKind::Regular)))
    }

    /// Returns the operating system that the Pod is for.
    #[must_use]
    pub fn os(&self) -> OperatingSystem {
        let parts =
            [&self.os, &self.node_selector, &self.affinity].map(|part| part.as_deref().map_or("null", RawValue::get));
        // Anything else means the default.
        if !parts.iter().any(|part| part.contains("windows")) {
            return OperatingSystem::default();
        }
        let [os, node_selector, affinity] = parts.map(|part| Document::parse(part).unwrap_or_default());
        OperatingSystem::of(os.root(), node_selector.root(), affinity.root())
    }

    /// Says whether the Pod has resources beside those of its containers.
    pub(super) fn has_own_resources(&self) -> bool {
        self.resources.is_some()
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
    #[serde(default, deserialize_with = "lenient")]
    last_transition_time: Option<Seconds>,
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
        catalog.lacking((labels, self.spec.os()), self.namespace(), |set| injected.contains(set))
    }

    fn container_names(&self) -> BTreeSet<&str> {
        let containers = self.spec.containers.iter().chain(&self.spec.init_containers);
        containers.map(|container| &*container.name).collect()
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
            hashes: annotation(markers::HASH).unwrap_or_default(),
            hashes_without_image: annotation(markers::HASH_WITHOUT_IMAGE).unwrap_or_default(),
            in_place: annotation(markers::IN_PLACE_STATE).unwrap_or_default(),
        };
        let mut hot = pod.metadata.annotations.as_ref().and_then(HotAnnotations::read).map(Box::new);
        // What is said of containers that the Pod does not have is of no use to anybody.
        let names = LazyCell::new(|| pod.container_names());
        let carried = CarriedSets::of(&annotations, |name| names.contains(name), interner);
        hot.iter_mut().for_each(|hot| hot.retain_containers(|name| names.contains(name)));
        hot.iter_mut().for_each(|hot| interner.hot(hot));
        Some(Self {
            key: pod.key(),
            uid: pod.metadata.uid.as_deref().unwrap_or_default().into(),
            resource_version: pod.metadata.resource_version.as_deref().unwrap_or_default().into(),
            labels: interner.labels(pod.metadata.labels.as_ref()),
            own: interner.own(OwnContainers::of(pod.spec)),
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
            carried,
            hot,
            upgradable: upgradable(pod).map(|told| interner.upgradable(told)),
        })
    }
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
    let since = ready.last_transition_time.unwrap_or(Seconds::EPOCH);
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

// Each set that it speaks of has a container in the Pod. What speaks of more sets than that was written by somebody else.
fn upgradable(pod: ObservedPod<'_>) -> Option<Upgradable> {
    let condition = pod.status.conditions.iter().find(|condition| is_kind(&condition.kind))?;
    let most = pod.spec.containers.len() + pod.spec.init_containers.len();
    let told = Upgradable::read(&condition.status, condition.message.as_deref().unwrap_or_default());
    if told.sets.len() <= most { Some(told) } else { Some(Upgradable::read(&condition.status, "")) }
}

// As Kubernetes counts for its own order of Pods: the most of any container, not the sum.
fn restarts(pod: ObservedPod<'_>) -> Restarts {
    let native = Statuses::of(&pod.status.init_container_statuses);
    let native = native_sidecars(pod.spec).filter_map(|container| native.of_container(&container.name));
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
    let native = Statuses::of(&pod.status.init_container_statuses);
    let native = native_sidecars(pod.spec).map(|it| (ContainerKind::Native, it, native.of_container(&it.name)));
    let regular = Statuses::of(&pod.status.container_statuses);
    let regular = pod.spec.containers.iter().map(|it| (ContainerKind::Regular, it, regular.of_container(&it.name)));
    native
        .chain(regular)
        .map(|(kind, container, status)| ContainerRecord {
            spec: interner.container(
                kind,
                &container.name,
                container.image.as_deref().unwrap_or_default(),
                container.resources.as_ref().map_or("{}", |resources| resources.get()),
            ),
            status: status.map(|status| observation(status, interner)),
        })
        .collect()
}

fn observation(status: &ObservedContainerStatus, interner: &mut Interner) -> ContainerObservation {
    let running = status.state.as_ref().and_then(|state| state.running.as_ref());
    ContainerObservation {
        runs: interner.running(&status.image, &status.image_id),
        is_ready: status.ready,
        started_at: running.and_then(|running| running.started_at),
        ailment: Ailment::read(status).map(Box::new),
    }
}

// Most have ended well, once and for all, and nobody asks about these again.
fn ailing_init(pod: ObservedPod<'_>, interner: &mut Interner) -> Box<[AilingContainer]> {
    let is_done = |status: &ObservedContainerStatus| {
        let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
        ended.is_some_and(|ended| ended.exit_code == 0)
    };
    let statuses = Statuses::of(&pod.status.init_container_statuses);
    let ailing = ordinary(pod.spec).filter_map(|container| {
        let status = statuses.of_container(&container.name).filter(|status| !is_done(status))?;
        let ailment = Ailment::read_ordinary(status)?;
        let image = interner.string(container.image.as_deref().unwrap_or_default());
        Some(AilingContainer { name: interner.string(&container.name), image, ailment })
    });
    ailing.collect()
}
