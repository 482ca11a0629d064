//! The few members of a Pod that are read at all; the rest is skipped while it is parsed.

mod container_status;

pub(super) use container_status::{ObservedContainerStatus, ObservedState, ObservedTerminated};

use super::{
    AilingContainer, Ailment, ContainerKind, ContainerObservation, ContainerRecord, Interner, Phase, PodKey, PodRecord,
    Readiness, Resize, Restarts,
};
use crate::annotations::{HashAnnotation, HotAnnotations, InPlaceAnnotation, Seconds, injected_list};
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

    /// Returns the names of the sets that were injected into it.
    #[must_use]
    pub fn injected(&self) -> BTreeSet<&str> {
        let annotation = self.metadata.annotations.as_ref().and_then(|it| it.get(markers::INJECTED_LIST));
        annotation.map(|text| injected_list(text)).unwrap_or_default()
    }

    /// Returns the names of the sets that select it and were not injected into it.
    #[must_use]
    pub fn lacks(&self, catalog: &Catalog) -> Vec<Arc<str>> {
        let none = BTreeMap::new();
        let labels = self.metadata.labels.as_ref().unwrap_or(&none);
        let injected = self.injected();
        let namespace = self.metadata.namespace.as_deref().unwrap_or("default");
        catalog.lacking(labels, namespace, |set| injected.contains(set))
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
        let injected = injected_list(annotation(markers::INJECTED_LIST)?);
        if injected.is_empty() {
            return None;
        }
        let mut hashes = hashes(markers::HASH, annotation(markers::HASH));
        let mut hashes_without_image =
            self::hashes(markers::HASH_WITHOUT_IMAGE, annotation(markers::HASH_WITHOUT_IMAGE));
        // An annotation that nobody can read says nothing: it must not keep a Pod waiting for ever.
        let in_place = annotation(markers::IN_PLACE_STATE).and_then(|text| InPlaceAnnotation::parse(text).ok());
        let mut in_place = in_place.unwrap_or_default();
        interner.hashes(&mut hashes);
        interner.hashes(&mut hashes_without_image);
        interner.in_place(&mut in_place);
        let mut hot = pod.metadata.annotations.as_ref().and_then(HotAnnotations::read).map(Box::new);
        hot.iter_mut().for_each(|hot| interner.hot(hot));
        Some(Self {
            key: key(pod.metadata, interner),
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
            is_fully_observed: pod.spec.containers.len() == pod.status.container_statuses.len(),
            injected: injected.into_iter().map(|name| interner.string(name)).collect(),
            hashes,
            hashes_without_image,
            in_place,
            hot,
            upgradable: upgradable(pod.status).map(|told| interner.upgradable(told)),
        })
    }
}

fn key(metadata: &ObjectMeta, interner: &mut Interner) -> PodKey {
    PodKey {
        namespace: interner.string(metadata.namespace.as_deref().unwrap_or("default")),
        name: metadata.name.as_deref().unwrap_or_default().into(),
    }
}

// As in Kruise: an annotation that cannot be read counts as none, and is written anew with the next upgrade.
fn hashes(key: &'static str, text: Option<&str>) -> HashAnnotation {
    text.and_then(|text| HashAnnotation::parse(key, text).ok()).unwrap_or_default()
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
        None if condition("PodResizeInProgress").is_some() => Resize::InProgress,
        None => Resize::Done,
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
            name: interner.string(&container.name),
            kind,
            image: interner.string(container.image.as_deref().unwrap_or_default()),
            amounts: interner.amounts(container.resources.as_ref().map_or("{}", |resources| resources.get())),
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
        image: interner.string(&status.image),
        image_id: interner.string(&status.image_id),
        is_ready: status.ready,
        started_at: running.and_then(|running| running.started_at).map(Seconds::from),
        ailment: Ailment::read(status),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Failure;
    use serde_json::{Value, json};

    fn read(pod: &Value) -> Option<PodRecord> {
        let metadata: ObjectMeta = serde_json::from_value(pod["metadata"].clone()).unwrap();
        let spec: ObservedSpec = serde_json::from_value(pod["spec"].clone()).unwrap();
        let status: ObservedStatus = serde_json::from_value(pod["status"].clone()).unwrap();
        PodRecord::read(ObservedPod { metadata: &metadata, spec: &spec, status: &status }, &mut Interner::default())
    }

    #[test]
    fn a_pod_without_sidecars_is_not_remembered() {
        let pod = json!({"metadata": {"name": "a", "labels": {"app": "nginx"}}, "spec": {}, "status": {}});

        assert_eq!(read(&pod), None);
    }

    #[test]
    fn a_pod_with_a_sidecar_is_remembered_with_what_the_rollout_asks_about() {
        let record = read(&json!({
            "metadata": {
                "name": "web-0", "namespace": "shop", "uid": "u1", "resourceVersion": "7",
                "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"app": "nginx"},
                "annotations": {
                    "kruise.io/sidecarset-injected-list": "mesh,log-sc",
                    "kruise.io/sidecarset-hash": "{\"log-sc\":{\"updateTimestamp\":null,\"hash\":\"h1\",\"sidecarSetName\":\"log-sc\",\"sidecarList\":[\"agent\"]}}",
                },
            },
            "spec": {
                "nodeName": "node",
                "initContainers": [
                    {"name": "setup", "image": "s:1"},
                    {"name": "mesh", "image": "m:1", "restartPolicy": "Always"},
                ],
                "containers": [{"name": "agent", "image": "a:1"}],
            },
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:09Z"}],
                "containerStatuses": [{
                    "name": "agent", "image": "docker.io/library/a:1", "imageID": "a@sha256:1", "ready": true,
                    "restartCount": 2, "state": {"running": {"startedAt": "2026-01-02T03:04:08Z"}},
                }],
            },
        }))
        .unwrap();

        assert_eq!(record.key.to_string(), "shop/web-0");
        assert!(record.carries("log-sc") && record.carries("mesh") && !record.carries("log"));
        assert!(record.is_ready() && record.is_active() && record.is_fully_observed && record.is_scheduled);
        assert_eq!(record.restarts, Restarts { regular: 2, native: 0 });
        assert_eq!(&*record.hashes.0.get("log-sc").unwrap().hash, "h1");
        let names: Vec<_> = record.containers.iter().map(|container| (&*container.name, container.kind)).collect();
        assert_eq!(names, [("mesh", ContainerKind::Native), ("agent", ContainerKind::Regular)]);
        assert_eq!(&*record.container("agent").unwrap().status.as_ref().unwrap().image_id, "a@sha256:1");
    }

    #[test]
    fn restarts_are_those_of_the_container_with_the_most_and_ordinary_init_containers_do_not_count() {
        let status = |name: &str, restarts: i64| json!({"name": name, "restartCount": restarts});
        let record = read(&json!({
            "metadata": {"name": "a", "annotations": {"kruise.io/sidecarset-injected-list": "s"}},
            "spec": {"initContainers": [
                {"name": "setup"}, {"name": "mesh", "restartPolicy": "Always"}, {"name": "log", "restartPolicy": "Always"},
            ]},
            "status": {
                "containerStatuses": [status("a", 2), status("b", 3)],
                "initContainerStatuses": [status("setup", 9), status("mesh", 4), status("log", 1)],
            },
        }))
        .unwrap();

        assert_eq!(record.restarts, Restarts { regular: 3, native: 4 });
    }

    #[test]
    fn of_ordinary_init_containers_only_those_that_fail_are_remembered() {
        let status = |name: &str, state: Value| json!({"name": name, "state": state});
        let record = read(&json!({
            "metadata": {"name": "a", "annotations": {"kruise.io/sidecarset-injected-list": "s"}},
            "spec": {"initContainers": [
                {"name": "done", "image": "d:1"}, {"name": "setup", "image": "s:1"},
                {"name": "mesh", "image": "m:1", "restartPolicy": "Always"},
            ]},
            "status": {"initContainerStatuses": [
                status("done", json!({"terminated": {
                    "exitCode": 0, "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:04:06Z",
                }})),
                status("setup", json!({"waiting": {"reason": "ErrImagePull"}})),
                status("mesh", json!({"waiting": {"reason": "CrashLoopBackOff"}})),
            ]},
        }))
        .unwrap();

        let setup =
            AilingContainer { name: "setup".into(), image: "s:1".into(), ailment: Ailment::Fails(Failure::ImagePull) };
        assert_eq!(*record.ailing_init, [setup]);
        let mesh = record.container("mesh").unwrap().status.as_ref().unwrap();
        assert_eq!(mesh.ailment, Some(Ailment::Fails(Failure::Crash)));
    }

    #[test]
    fn annotations_that_cannot_be_read_say_nothing() {
        let record = read(&json!({
            "metadata": {"name": "a", "annotations": {
                "kruise.io/sidecarset-injected-list": "s",
                "kruise.io/sidecarset-hash": "[",
                "kruise.io/sidecarset-inplace-update-state": "5",
            }},
            "spec": {}, "status": {},
        }))
        .unwrap();

        assert!(record.hashes.0.is_empty() && record.in_place.0.is_empty());
    }
    #[test]
    fn since_when_a_pod_is_ready_or_is_not_is_remembered() {
        let readiness = |conditions: Value| {
            let metadata = json!({"name": "a", "annotations": {"kruise.io/sidecarset-injected-list": "s"}});
            read(&json!({"metadata": metadata, "spec": {}, "status": {"conditions": conditions}})).unwrap().readiness
        };
        let since = |status: &str| {
            let other = json!({"type": "Initialized", "status": "True"});
            json!([other, {"type": "Ready", "status": status, "lastTransitionTime": "1970-01-01T00:00:07Z"}])
        };
        let seven: Seconds = Timestamp::from_second(7).unwrap().into();

        assert_eq!(readiness(since("True")), Readiness::Ready(seven));
        assert_eq!(readiness(since("False")), Readiness::NotReady(seven));
        assert_eq!(readiness(since("Unknown")), Readiness::NotReady(seven));
        assert_eq!(readiness(json!([{"type": "Ready", "status": "False"}])), Readiness::NotReady(Seconds::EPOCH));
        assert_eq!(readiness(json!([])), Readiness::Unknown);
    }
}
