//! Running Pods, as the API server shows them and as they are read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::record::{Interner, ObservedPod, ObservedSpec, ObservedStatus, PodRecord};
use std::collections::BTreeMap;

/// Returns so many sets of one sidecar each.
pub(super) fn carried(sets: usize) -> Vec<CanonicalSet> {
    (0..sets).map(|at| set(at, "v1", &json!({}))).collect()
}

/// Returns the set of this number with an image and a strategy.
pub(super) fn set(at: usize, version: &str, strategy: &Value) -> CanonicalSet {
    let source = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": format!("set-{at}"), "generation": 3, "uid": format!("5c0e8c2e-0000-4000-8000-{at:012}")},
        "spec": {
            "selector": {"matchLabels": {"app": "app-0"}},
            "containers": [{"name": format!("agent-{at}"), "image": format!("registry.example.com/agent-{at}:{version}")}],
            "updateStrategy": strategy,
        },
    });
    let source = serde_json::from_value(source).expect("the set is written above");
    normalize(&source).expect("the set is valid")
}

/// Returns a ready Pod that these sets were injected into, beside its own containers.
pub(super) fn running(name: &str, sets: &[CanonicalSet], own: Vec<Value>) -> Value {
    let sidecars = sets.iter().map(|set| json!({"name": &*set.containers[0].name, "image": &*set.containers[0].image}));
    let containers: Vec<Value> = sidecars.chain(own).collect();
    let statuses: Vec<Value> = containers.iter().map(status).collect();
    let names: Vec<&str> = sets.iter().map(|set| &*set.name).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("705ab4f5-6393-11e8-b7cc-{name}"),
            "resourceVersion": format!("10{}", &name[name.len() - 5..]), "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": "app-0", "pod-template-hash": "5d5f8b6c4d"},
            "annotations": {
                "kruise.io/sidecarset-injected-list": names.join(","),
                "kruise.io/sidecarset-hash": hashes(sets, |set| &set.hashes.full),
                "kruise.io/sidecarset-hash-without-image": hashes(sets, |set| &set.hashes.without_image),
            },
            "managedFields": [managed("kube-controller-manager"), managed("kubelet")],
        },
        "spec": {"nodeName": "node-1", "containers": containers},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"}],
            "containerStatuses": statuses,
        },
    })
}

fn status(container: &Value) -> Value {
    let image = container["image"].as_str().unwrap_or_default();
    json!({
        "name": container["name"], "image": image, "imageID": format!("{image}@sha256:{:064}", image.len()),
        "containerID": format!("containerd://{:064}", 7), "ready": true, "started": true, "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:03Z"}},
    })
}

fn hashes<'a>(sets: &'a [CanonicalSet], hash: impl Fn(&'a CanonicalSet) -> &'a str) -> String {
    let each = sets.iter().map(|set| {
        let entry = json!({
            "updateTimestamp": "2026-01-01T00:00:00Z", "hash": hash(set), "sidecarSetName": &*set.name,
            "sidecarList": [&*set.containers[0].name],
        });
        (set.name.to_string(), entry)
    });
    Value::Object(each.collect::<Map<_, _>>()).to_string()
}

fn managed(manager: &str) -> Value {
    let fields: Map<String, Value> =
        (0..30).map(|at| (format!("f:field-{at}"), json!({".": {}, "f:name": {}}))).collect();
    json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
}

// As the controller reads Pods: the metadata that is asked about, and of the rest the text.
#[derive(Deserialize)]
struct SplitPod {
    metadata: SlimMetadata,
    spec: Box<RawValue>,
    status: Box<RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SlimMetadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
}

/// Reads a Pod as the controller does.
pub(super) fn read(text: &str, interner: &mut Interner) -> PodRecord {
    let pod: SplitPod = serde_json::from_str(text).expect("the text is that of a Pod");
    let slim = pod.metadata;
    let metadata = ObjectMeta {
        name: slim.name,
        namespace: slim.namespace,
        uid: slim.uid,
        resource_version: slim.resource_version,
        generation: slim.generation,
        labels: slim.labels,
        annotations: slim.annotations,
        creation_timestamp: slim.creation_timestamp,
        deletion_timestamp: slim.deletion_timestamp,
        ..ObjectMeta::default()
    };
    let spec: ObservedSpec = serde_json::from_str(pod.spec.get()).expect("the Pod has a spec");
    let status: ObservedStatus = serde_json::from_str(pod.status.get()).expect("the Pod has a status");
    let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &status };
    PodRecord::read(observed, interner).expect("sets were injected into the Pod")
}
