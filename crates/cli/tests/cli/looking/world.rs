//! A cluster that is made up. What its Pods carry was injected by the program itself.

use crate::looking::server::{SETS, Server};
use crate::served::{Ended, own_path};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// When the Pods got what they carry.
const INJECTED: &str = "2026-01-02T03:04:05Z";

/// Starts an API server with these objects, and nothing else.
pub fn cluster(sets: &[Value], revisions: &[Value], pods: &[Value]) -> Server {
    let namespace = |name| json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}});
    let server = Server::start()
        .lists(SETS, sets)
        .lists("/api/v1/namespaces", &["shop", "other", "kube-system", "kruise-system", "ops"].map(namespace))
        .lists("/apis/apps/v1/controllerrevisions", revisions)
        .lists("/api/v1/pods", pods);
    ["shop", "other"].into_iter().fold(server, |server, name| {
        let there = pods.iter().filter(|pod| pod["metadata"]["namespace"] == name).cloned();
        server.lists(&format!("/api/v1/namespaces/{name}/pods"), &there.collect::<Vec<_>>())
    })
}

/// A set with one sidecar, `agent`, for the Pods of `app: web`.
pub fn set(image: &str) -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {
            "name": "log-sc", "uid": "u1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": image}],
        },
    })
}

/// The same with a status that speaks of it.
pub fn observed(mut set: Value, status: &Value) -> Value {
    set["status"] = json!({
        "observedGeneration": set["metadata"]["generation"], "matchedPods": 0, "updatedPods": 0, "readyPods": 0,
    });
    let members = status.as_object().unwrap().clone();
    set["status"].as_object_mut().unwrap().extend(members);
    set
}

/// The revision of a set, in the namespace of the operator.
pub fn revision(set: &Value) -> Value {
    let mut revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": "log-sc-a", "namespace": "sidecarset-system", "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"kruise.io/sidecarset-name": "log-sc"},
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": "u1", "controller": true,
            }],
        },
        "revision": 1,
        "data": {"spec": {"$patch": "replace"}},
    });
    for (member, value) in set["spec"].as_object().unwrap() {
        revision["data"]["spec"][member] = value.clone();
    }
    revision
}

/// Writes an object into a file of its own.
pub fn written(object: &Value) -> PathBuf {
    let path = own_path("object.yaml");
    fs::write(&path, object.to_string()).unwrap();
    path
}

/// A condition of a set.
pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-03T00:00:00Z", "observedGeneration": 3,
    })
}

/// A Pod that `app: web` selects, as it is before anything is injected.
pub fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": name, "resourceVersion": "1",
            "creationTimestamp": "2026-01-02T00:00:00Z", "labels": {"app": "web"},
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "web:7"}]},
    })
}

/// A Pod into which a set was injected, and in which everything runs.
pub fn carrying(set: &Value, pod: &Value) -> Value {
    running(injected(set, pod))
}

/// A Pod in which everything runs.
pub fn running(mut pod: Value) -> Value {
    let containers = pod["spec"]["containers"].as_array().unwrap().iter();
    let statuses: Vec<Value> = containers.map(is_running).collect();
    pod["status"] = json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": statuses,
    });
    pod
}

/// The same Pod, of which the kubelet says that the sidecar waits.
pub fn waiting(mut pod: Value, reason: &str, message: &str) -> Value {
    pod["status"]["conditions"][0]["status"] = "False".into();
    let statuses = pod["status"]["containerStatuses"].as_array_mut().unwrap();
    let agent = statuses.iter_mut().find(|status| status["name"] == "agent").unwrap();
    agent["ready"] = false.into();
    agent["state"] = json!({"waiting": {"reason": reason, "message": message}});
    pod
}

fn injected(set: &Value, pod: &Value) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidecarset"));
    command.args(["inject", "-f", "-", "-o", "json", "--time", INJECTED]).env_clear();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    write!(child.stdin.take().unwrap(), "{set}\n---\n{pod}\n").unwrap();
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    serde_json::from_str(&ended.stdout).unwrap()
}

fn is_running(container: &Value) -> Value {
    json!({
        "name": container["name"], "image": container["image"], "imageID": format!("sha256:{}", container["image"]),
        "containerID": "containerd://1", "ready": true, "started": true, "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-02T03:04:06Z"}}, "lastState": {},
    })
}
