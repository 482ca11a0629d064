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
    assert_eq!(record.carried.get("log-sc").unwrap().hash().map(AsRef::as_ref), Some("h1"));
    let names: Vec<_> =
        record.containers.iter().map(|container| (&*container.spec.name, container.spec.kind)).collect();
    assert_eq!(names, [("mesh", ContainerKind::Native), ("agent", ContainerKind::Regular)]);
    assert_eq!(&*record.container("agent").unwrap().status.as_ref().unwrap().runs.id, "a@sha256:1");
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
    assert_eq!(mesh.ailment.as_deref(), Some(&Ailment::Fails(Failure::Crash)));
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

    let carried = record.carried.get("s").unwrap();
    assert!(carried.is_injected() && carried.hash().is_none() && !carried.was_upgraded());
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
    let seven: Seconds = Seconds::parse("1970-01-01T00:00:07Z").unwrap();

    assert_eq!(readiness(since("True")), Readiness::Ready(seven));
    assert_eq!(readiness(since("False")), Readiness::NotReady(seven));
    assert_eq!(readiness(since("Unknown")), Readiness::NotReady(seven));
    assert_eq!(readiness(json!([{"type": "Ready", "status": "False"}])), Readiness::NotReady(Seconds::EPOCH));
    assert_eq!(readiness(json!([])), Readiness::Unknown);
}
