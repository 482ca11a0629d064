//! The objects of the tests.

use serde_json::{Value, json};
use sidecarset_core::normalize::{Sidecar, normalize};

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

/// A SidecarSet with the container `agent`, which is upgraded hot.
pub fn hot_set(image: &str, max_unavailable: impl Into<Value>) -> Value {
    let mut set = set(image, max_unavailable);
    set["spec"]["containers"][0]["upgradeStrategy"] =
        json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"});
    set
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
    let containers: Vec<Value> = set.containers.iter().flat_map(containers).collect();
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
            "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {
                "kruise.io/sidecarset-injected-list": "log-sc",
                "kruise.io/sidecarset-hash": record(&set.hashes.full),
                "kruise.io/sidecarset-hash-without-image": record(&set.hashes.without_image),
            },
        },
        "spec": {"nodeName": "node", "containers": containers},
        "status": {"phase": "Running"},
    });
    for sidecar in set.containers.iter().filter(|sidecar| sidecar.empty_image.is_some()) {
        let annotations = pod["metadata"]["annotations"].as_object_mut().unwrap();
        for (key, value) in [
            ("version.sidecarset.kruise.io/agent-1", "1"),
            ("versionalt.sidecarset.kruise.io/agent-1", "0"),
            ("version.sidecarset.kruise.io/agent-2", "0"),
            ("versionalt.sidecarset.kruise.io/agent-2", "1"),
        ] {
            annotations.insert(key.to_owned(), value.into());
        }
        let working = json!({&*sidecar.name: "agent-1"}).to_string();
        annotations.insert("kruise.io/sidecarset-working-hotupgrade-container".to_owned(), working.into());
    }
    run(&mut pod);
    pod
}

fn containers(sidecar: &Sidecar) -> Vec<Value> {
    let images = [Some(&sidecar.image), sidecar.empty_image.as_ref()].into_iter().flatten();
    let container =
        |(name, image): (&_, &_)| json!({"name": name, "image": image, "resources": sidecar.amounts.to_json()});
    sidecar.names_in_pod().iter().zip(images).map(container).collect()
}

/// Does what the kubelet does: the containers run what the spec says.
pub fn run(pod: &mut Value) {
    let status = |container: &Value| {
        let image = container["image"].as_str().unwrap();
        json!({"name": container["name"], "image": image, "imageID": format!("id-of-{image}"), "ready": true})
    };
    let statuses: Vec<Value> = pod["spec"]["containers"].as_array().unwrap().iter().map(status).collect();
    let others = pod["status"]["conditions"].as_array().into_iter().flatten().filter(|it| it["type"] != "Ready");
    let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"});
    pod["status"]["conditions"] = std::iter::once(ready).chain(others.cloned()).collect();
    pod["status"]["containerStatuses"] = statuses.into();
    pod["status"]["observedGeneration"] = pod["metadata"]["generation"].clone();
}

/// Does what the kubelet does with an image that cannot be pulled.
pub fn fail_to_pull(pod: &mut Value, now: &str) {
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "False", "lastTransitionTime": now}]);
    pod["status"]["containerStatuses"][0]["ready"] = false.into();
    pod["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
}

/// Says whether the containers run what the spec says.
pub fn is_running(pod: &Value) -> bool {
    let images =
        |list: &Value| -> Vec<Value> { list.as_array().unwrap().iter().map(|it| it["image"].clone()).collect() };
    images(&pod["status"]["containerStatuses"]) == images(&pod["spec"]["containers"])
}

/// Returns the image of the first container.
pub fn image(pod: &Value) -> &str {
    pod["spec"]["containers"][0]["image"].as_str().unwrap()
}
