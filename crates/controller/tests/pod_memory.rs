//! What is kept of Pods of any content: no more than twice their size while they are there, and nothing after.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, in its fixtures as well")]

use serde_json::{Map, Value, json};
use sidecarset_controller::PodLite;
use sidecarset_core::reconcile::{Monotonic, PodIndex};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::time::Duration;

// It counts for all threads: there is one test in this file.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns how many bytes are allocated and not given back.
fn kept() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// How many Pods are shown, and how many names or numbers there are in each of them.
const PODS: usize = 4;
const MANY: usize = 4_000;

/// How many times as many bytes may be kept of a Pod as it has.
const FACTOR: usize = 2;

/// What is kept of the index itself, and of what is shared by all Pods.
const BASE: usize = 8 * 1024;

/// Names that occur nowhere else.
fn names(pod: usize) -> impl Iterator<Item = String> {
    (0..MANY).map(move |at| format!("{:05x}", pod * MANY + at))
}

fn object<T: Into<Value>>(entries: impl Iterator<Item = (String, T)>) -> Value {
    Value::Object(entries.map(|(key, value)| (key, value.into())).collect::<Map<_, _>>())
}

fn pod(at: usize) -> Value {
    json!({
        "metadata": {
            "name": format!("p{at}"), "namespace": "shop", "uid": format!("u{at}"), "resourceVersion": "1",
            "annotations": {"kruise.io/sidecarset-injected-list": "log-sc"},
        },
        "spec": {"containers": [{"name": "agent", "image": "agent:v1"}]},
        "status": {"phase": "Running", "conditions": []},
    })
}

fn annotated(at: usize, key: &str, value: &Value) -> Value {
    let mut pod = pod(at);
    pod["metadata"]["annotations"][key] = value.to_string().into();
    pod
}

fn in_place(state: &Value) -> Value {
    json!({"log-sc": state})
}

/// A container as the API server stores it.
fn container(name: &str) -> Value {
    json!({
        "name": name, "image": "i", "resources": {}, "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
    })
}

/// A container's status as the kubelet writes it.
fn status(name: &str) -> Value {
    json!({
        "name": name, "image": "i", "imageID": name, "ready": false, "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "startedAt": "2026-01-02T03:03:00Z", "finishedAt": "2026-01-02T03:03:05Z"}},
    })
}

/// What is hostile about Pods, and how each of them is made.
type Hostile = (&'static str, fn(usize) -> Value);

/// Every annotation of a Pod that is read, with as much in it as there is room for.
fn hostile_annotations() -> Vec<Hostile> {
    vec![
        ("names in the list", |at| {
            let mut pod = pod(at);
            pod["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"] =
                names(at).collect::<Vec<_>>().join(",").into();
            pod
        }),
        ("names in the flat form of old releases", |at| {
            let mut pod = annotated(at, "kruise.io/sidecarset-hash", &object(names(at).map(|name| (name, ""))));
            pod["metadata"]["annotations"].as_object_mut().unwrap().remove("kruise.io/sidecarset-injected-list");
            pod
        }),
        ("names with hashes", |at| {
            annotated(at, "kruise.io/sidecarset-hash", &object(names(at).map(|name| (name, json!({"hash": ""})))))
        }),
        ("names with hashes without images", |at| {
            let hashes = object(names(at).map(|name| (name, json!({"hash": ""}))));
            annotated(at, "kruise.io/sidecarset-hash-without-image", &hashes)
        }),
        ("names that were upgraded", |at| {
            annotated(at, "kruise.io/sidecarset-inplace-update-state", &object(names(at).map(|name| (name, json!({})))))
        }),
        ("containers of a set", |at| {
            let list = names(at).collect::<Vec<_>>();
            annotated(at, "kruise.io/sidecarset-hash", &json!({"log-sc": {"hash": "h", "sidecarList": list}}))
        }),
        ("containers that were upgraded", |at| {
            let state = json!({"lastContainerStatuses": object(names(at).map(|name| (name, json!({}))))});
            annotated(at, "kruise.io/sidecarset-inplace-update-state", &in_place(&state))
        }),
        ("numbers of another program", |at| {
            annotated(at, "kruise.io/sidecarset-inplace-update-state", &in_place(&json!({"other": vec![at; MANY]})))
        }),
        ("containers at work", |at| {
            let working = object(names(at).map(|name| (name.clone(), name)));
            annotated(at, "kruise.io/sidecarset-working-hotupgrade-container", &working)
        }),
        ("versions of containers", |at| {
            let mut pod = annotated(at, "kruise.io/sidecarset-working-hotupgrade-container", &json!({}));
            for name in names(at) {
                pod["metadata"]["annotations"][format!("version.sidecarset.kruise.io/{name}")] = "1".into();
            }
            pod
        }),
    ]
}

/// The other places of a Pod where its author, or who may write its status, can put as much as there is room for.
fn hostile_members() -> Vec<Hostile> {
    vec![
        ("labels", |at| {
            let mut pod = pod(at);
            pod["metadata"]["labels"] = object(names(at).map(|name| (name, "")));
            pod
        }),
        ("labels of a pod without sidecars", |at| {
            let mut pod = pod(at);
            pod["metadata"]["labels"] = object(names(at).map(|name| (name, "")));
            pod["metadata"]["annotations"] = Value::Null;
            pod
        }),
        ("sets in the condition", |at| {
            let told = object(names(at).map(|name| (name, true)));
            let mut pod = pod(at);
            pod["status"]["conditions"] =
                json!([{"type": "SidecarSetUpgradable", "status": "True", "message": told.to_string()}]);
            pod
        }),
        ("containers", |at| {
            let mut pod = pod(at);
            pod["spec"]["containers"] = names(at).map(|name| container(&name)).collect();
            pod["status"]["containerStatuses"] = names(at).map(|name| status(&name)).collect();
            pod
        }),
        ("init containers that fail", |at| {
            let mut pod = pod(at);
            pod["spec"]["initContainers"] = names(at).map(|name| container(&name)).collect();
            pod["status"]["initContainerStatuses"] = names(at).map(|name| status(&name)).collect();
            pod
        }),
    ]
}

#[test]
fn a_pod_of_any_content_takes_a_few_times_its_size_and_leaves_nothing_behind() {
    for (name, make) in hostile_annotations().into_iter().chain(hostile_members()) {
        let texts: Vec<String> = (0..PODS).map(|at| make(at).to_string()).collect();
        let bytes: usize = texts.iter().map(String::len).sum();
        let empty = kept();
        let mut index = PodIndex::default();
        index.add_set("log-sc");
        let mut touched = 0;

        for text in &texts {
            let pod: PodLite = serde_json::from_str(text).unwrap();
            touched += index.observe(pod.observed(), Monotonic::START).len();
            index.place(pod.observed(), &[], 0);
        }
        let full = kept() - empty;
        for text in &texts {
            let pod: PodLite = serde_json::from_str(text).unwrap();
            touched += index.delete(pod.observed()).len();
        }
        index.expire(Monotonic::START + Duration::from_secs(60));

        let left = kept() - empty;
        println!("{name}: {} KiB of {} KiB, then {left} bytes", full / 1024, bytes / 1024);
        assert!(full < FACTOR * bytes + BASE, "{name}: {full} bytes are kept of pods of {bytes} bytes");
        assert!(left < BASE, "{name}: {left} bytes are left");
        assert!(touched <= 2 * PODS, "{name}: {touched} sets are looked at");
    }
}
