//! The objects of the tests.

use serde_json::{Value, json};
use sidecarset_core::normalize::normalize;

/// A SidecarSet with the container `agent`.
pub fn set(image: &str, max_unavailable: impl Into<Value>) -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1",
        "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "uid": "uid-of-log-sc", "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": image}],
            "updateStrategy": {"maxUnavailable": max_unavailable.into()},
        },
    })
}

/// A revision of the SidecarSet, as Kruise writes it.
pub fn revision(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name, "namespace": "sidecarset-system",
            "labels": {"kruise.io/sidecarset-name": "log-sc"},
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": "uid-of-log-sc",
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "revision": 1,
        "data": {"spec": {
            "$patch": "replace", "containers": [{"name": "agent", "image": image, "resources": {}}],
            "imagePullSecrets": null, "initContainers": null, "patchPodMetadata": null, "volumes": null,
        }},
    })
}

/// A running Pod that a SidecarSet was injected into.
pub fn pod(name: &str, set: &Value) -> Value {
    let set = normalize(&serde_json::from_value(set.clone()).unwrap()).unwrap();
    let image = set.containers[0].image.to_string();
    let record = |hash: &str| {
        json!({"log-sc": {
            "updateTimestamp": "2026-01-01T00:00:00Z", "hash": hash, "sidecarSetName": "log-sc", "sidecarList": ["agent"],
        }})
        .to_string()
    };
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "labels": {"app": "web"},
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {
                "kruise.io/sidecarset-injected-list": "log-sc",
                "kruise.io/sidecarset-hash": record(&set.hashes.full),
                "kruise.io/sidecarset-hash-without-image": record(&set.hashes.without_image),
            },
        },
        "spec": {"nodeName": "node", "containers": [{"name": "agent", "image": image}]},
        "status": {"phase": "Running"},
    });
    run(&mut pod);
    pod
}

/// Does what the kubelet does: the containers run what the spec says.
pub fn run(pod: &mut Value) {
    let image = image(pod).to_owned();
    pod["status"]["conditions"] =
        json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"}]);
    pod["status"]["containerStatuses"] =
        json!([{"name": "agent", "image": image, "imageID": format!("id-of-{image}"), "ready": true}]);
}

/// Says whether the container runs what the spec says.
pub fn is_running(pod: &Value) -> bool {
    pod["status"]["containerStatuses"][0]["image"] == pod["spec"]["containers"][0]["image"]
}

/// Returns the image of the container `agent`.
pub fn image(pod: &Value) -> &str {
    pod["spec"]["containers"][0]["image"].as_str().unwrap()
}
