//! Running Pods, as the API server shows them and as they are read.

use serde_json::{Map, Value, json};
use sidecarset_controller::PodLite;
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::record::{Interner, PodRecord};

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

/// Reads a Pod as the controller does.
pub(super) fn read(text: &str, interner: &mut Interner) -> PodRecord {
    PodRecord::read(lite(text).observed(), interner).expect("sets were injected into the Pod")
}

/// Reads the part of a Pod that the controller reads.
pub(super) fn lite(text: &str) -> PodLite {
    serde_json::from_str(text).expect("the text is that of a Pod")
}
