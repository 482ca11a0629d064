//! Builders that set only what a test is about.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::record::{Interner, ObservedPod, ObservedSpec, ObservedStatus, PodRecord};
use sidecarset_core::revision::Revision;
use sidecarset_core::{rollout, status};

/// The moment of every decision in the tests: 2026-01-02T03:04:05Z.
pub fn now() -> Seconds {
    Timestamp::from_second(1_767_323_045).unwrap().into()
}

/// A set named `log-sc` with one container named `agent`.
#[derive(Clone)]
pub struct SetBuilder(Value);

pub fn sidecar_set() -> SetBuilder {
    SetBuilder(json!({
        "apiVersion": "apps.kruise.io/v1beta1",
        "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "generation": 3},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "containers": [{"name": "agent", "image": "agent:v1"}],
        },
    }))
}

impl SetBuilder {
    pub fn image(mut self, image: &str) -> Self {
        self.0["spec"]["containers"][0]["image"] = image.into();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0["spec"]["containers"][0]["env"] = json!([{"name": name, "value": value}]);
        self
    }

    pub fn strategy(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0["spec"]["updateStrategy"][member] = value.into();
        self
    }

    pub fn spec(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0["spec"][member] = value.into();
        self
    }

    pub fn metadata(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0["metadata"][member] = value.into();
        self
    }

    pub fn status(mut self, status: impl Into<Value>) -> Self {
        self.0["status"] = status.into();
        self
    }

    pub fn object(&self) -> SidecarSet {
        serde_json::from_value(self.0.clone()).unwrap()
    }

    /// Sets the version of the object.
    pub fn version(mut self, version: u64) -> Self {
        self.0["metadata"]["resourceVersion"] = version.to_string().into();
        self
    }

    /// Pins it to a past definition with another image, as the catalog does.
    pub fn pinned_to(self, policy: &str, image: &str) -> CanonicalSet {
        let set = self.spec("injectionStrategy", json!({"revision": {"revisionName": "log-sc-1", "policy": policy}}));
        set.beside(revision("log-sc-1", image))
    }

    /// Builds it as the catalog knows it when it has been something else before.
    pub fn after(self, past: &Self) -> CanonicalSet {
        self.beside(revision_of("log-sc-1", &past.0["spec"]))
    }

    fn beside(self, revision: Revision) -> CanonicalSet {
        let mut catalog = Catalog::default();
        catalog.put_revision(revision);
        match catalog.put_set(&serde_json::from_value(self.0).unwrap()) {
            Entry::Valid(set) => (*set).clone(),
            Entry::Invalid(set) => panic!("{}", set.violations),
        }
    }

    /// Returns it as it is written.
    pub fn source(self) -> Value {
        self.0
    }

    pub fn build(self) -> CanonicalSet {
        normalize(&serde_json::from_value(self.0).unwrap()).unwrap()
    }

    pub fn violations(self) -> Vec<String> {
        match normalize(&serde_json::from_value(self.0).unwrap()) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Sums up what is planned at a time.
pub fn summarize_after(
    set: &CanonicalSet,
    pods: &[PodBuilder],
    previous: Option<&SidecarSetStatus>,
    now: Seconds,
) -> SidecarSetStatus {
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    let matched: Vec<&PodRecord> = pods.iter().collect();
    status::summarize(set, &matched, &rollout::plan(set, &matched, now), previous, now)
}

/// A revision of the set.
pub fn revision(name: &str, image: &str) -> Revision {
    revision_of(name, &json!({"containers": [{"name": "agent", "image": image}]}))
}

fn revision_of(name: &str, spec: &Value) -> Revision {
    let (containers, init_containers) = (&spec["containers"], &spec["initContainers"]);
    let object = json!({
        "metadata": {"name": name, "labels": {"kruise.io/sidecarset-name": "log-sc"}},
        "revision": 1,
        "data": {"spec": {"$patch": "replace", "containers": containers, "initContainers": init_containers}},
    });
    Revision::read(&serde_json::from_value(object).unwrap()).unwrap()
}

/// A ready Pod that carries a set, as it was when the Pod was created.
#[derive(Clone, Debug)]
pub struct PodBuilder(Value);

pub fn pod(name: &str, carries: &CanonicalSet) -> PodBuilder {
    let agent = &carries.containers[0];
    let hash = |hash: &str| {
        json!({&*carries.name: {
            "updateTimestamp": "2026-01-01T00:00:00Z", "hash": hash, "sidecarSetName": &*carries.name,
            "sidecarList": ["agent"],
        }})
        .to_string()
    };
    PodBuilder(json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": "nginx"},
            "annotations": {
                "kruise.io/sidecarset-injected-list": &*carries.name,
                "kruise.io/sidecarset-hash": hash(&carries.hashes.full),
                "kruise.io/sidecarset-hash-without-image": hash(&carries.hashes.without_image),
            },
        },
        "spec": {
            "nodeName": "node",
            "containers": [
                {"name": "agent", "image": &*agent.image},
                {"name": "main", "image": "nginx:1.15.1"},
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"}],
            "containerStatuses": [
                {"name": "agent", "image": format!("docker.io/library/{}", agent.image),
                 "imageID": format!("docker.io/library/agent@sha256:{}", agent.image), "ready": true,
                 "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:03Z"}}},
                {"name": "main", "image": "docker.io/library/nginx:1.15.1", "imageID": "nginx@sha256:1",
                 "ready": true, "restartCount": 0},
            ],
        },
    }))
}

impl From<Value> for PodBuilder {
    fn from(pod: Value) -> Self {
        Self(pod)
    }
}

fn merge(target: &mut Value, changes: &Value) {
    for (member, value) in changes.as_object().into_iter().flatten() {
        if value.is_object() {
            merge(&mut target[member], value);
        } else {
            target[member] = value.clone();
        }
    }
}

impl PodBuilder {
    /// With a condition of a resize beside that of its readiness.
    pub fn resizing(mut self, kind: &str, reason: &str) -> Self {
        let condition = json!({"type": kind, "status": "True", "reason": reason});
        self.0["status"]["conditions"].as_array_mut().unwrap().push(condition);
        self
    }

    /// Without the Ready condition, and with a sidecar that is not ready.
    pub fn not_ready(mut self) -> Self {
        self.0["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
        self.0["status"]["containerStatuses"][0]["ready"] = json!(false);
        self
    }

    /// Ready, with a sidecar that is ready.
    pub fn ready(mut self) -> Self {
        self.0["status"]["conditions"] =
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"}]);
        self.0["status"]["containerStatuses"][0]["ready"] = json!(true);
        self
    }

    /// With a Ready condition that says so since a moment.
    pub fn condition(mut self, is_ready: bool, since: &str) -> Self {
        let status = if is_ready { "True" } else { "False" };
        self.0["status"]["conditions"] = json!([{"type": "Ready", "status": status, "lastTransitionTime": since}]);
        self
    }

    /// With a sidecar that does not run, for a reason of the kubelet's.
    pub fn waiting(mut self, reason: &str) -> Self {
        self.0["status"]["containerStatuses"][0]["ready"] = json!(false);
        self.0["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": reason}});
        self
    }

    /// Returns a part of it as it is written.
    pub fn source(&self, pointer: &str) -> Value {
        self.0.pointer(pointer).unwrap().clone()
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["labels"][key] = value.into();
        self
    }

    pub fn created(mut self, time: &str) -> Self {
        self.0["metadata"]["creationTimestamp"] = time.into();
        self
    }

    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        *self.0.pointer_mut(pointer).unwrap() = value.into();
        self
    }

    pub fn member(mut self, pointer: &str, member: &str, value: impl Into<Value>) -> Self {
        self.0.pointer_mut(pointer).unwrap()[member] = value.into();
        self
    }

    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["annotations"][key] = value.into();
        self
    }

    /// Returns the patch that upgrades this Pod, on its own, to a set.
    pub fn upgrade_to(&self, set: &CanonicalSet) -> Value {
        let record = self.build();
        let mut upgrade = rollout::plan(set, &[&record], now()).upgrades.remove(0);
        let annotations = serde_json::from_value(self.0["metadata"]["annotations"].clone()).unwrap();
        upgrade.annotate(set, &annotations).unwrap();
        upgrade.patch(set, &record, now())
    }

    /// Applies the strategic merge patch of an upgrade, as the API server would.
    pub fn patched(mut self, patch: &Value) -> Self {
        for (key, value) in patch["metadata"]["annotations"].as_object().into_iter().flatten() {
            self.0["metadata"]["annotations"][key] = value.clone();
        }
        for change in patch["spec"]["containers"].as_array().into_iter().flatten() {
            let containers = self.0["spec"]["containers"].as_array_mut().unwrap();
            let container = containers.iter_mut().find(|container| container["name"] == change["name"]).unwrap();
            if let Some(image) = change.get("image") {
                container["image"] = image.clone();
            }
            merge(&mut container["resources"], &change["resources"]);
        }
        self
    }

    /// Upgraded to a set, and with the new image running.
    pub fn upgraded_to(self, set: &CanonicalSet) -> Self {
        let patch = self.upgrade_to(set);
        self.patched(&patch).caught_up()
    }

    /// Lets the kubelet run the image that the spec asks for.
    pub fn caught_up(mut self) -> Self {
        let image = self.0["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        let status = &mut self.0["status"]["containerStatuses"][0];
        status["image"] = format!("docker.io/library/{image}").into();
        status["imageID"] = format!("docker.io/library/agent@sha256:{image}").into();
        status["state"] = json!({"running": {"startedAt": "2026-01-02T03:04:07Z"}});
        self
    }

    pub fn build(&self) -> PodRecord {
        let part = |member: &str| self.0[member].clone();
        let metadata: ObjectMeta = serde_json::from_value(part("metadata")).unwrap();
        let spec: ObservedSpec = serde_json::from_value(part("spec")).unwrap();
        let status: ObservedStatus = serde_json::from_value(part("status")).unwrap();
        let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &status };
        PodRecord::read(observed, &mut Interner::default()).unwrap()
    }
}
