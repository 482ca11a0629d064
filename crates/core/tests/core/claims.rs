//! Pods whose annotations claim more than their containers bear out: created while nobody could be asked, or changed later.

use crate::build::{PodBuilder, now, pod, sidecar_set, summarize_after};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold};

const IMAGE: &str = "/spec/containers/0/image";

fn native() -> CanonicalSet {
    let native = json!([{"name": "agent", "image": "agent:v1", "restartPolicy": "Always"}]);
    sidecar_set().spec("containers", Value::Null).spec("initContainers", native).build()
}

/// A Pod with the record of a native sidecar that is an ordinary init container, in this state.
fn stripped(name: &str, state: &Value) -> PodBuilder {
    let mut source = pod(name, &sidecar_set().build()).source("");
    let set = native();
    for (key, hash) in [("", &set.hashes.full), ("-without-image", &set.hashes.without_image)] {
        let record = json!({"log-sc": {"hash": hash, "sidecarSetName": "log-sc", "sidecarList": ["agent"]}});
        source["metadata"]["annotations"][format!("kruise.io/sidecarset-hash{key}")] = record.to_string().into();
    }
    source["spec"]["initContainers"] = json!([{"name": "agent", "image": "agent:v1"}]);
    source["spec"]["containers"] = json!([{"name": "main", "image": "nginx:1"}]);
    source["status"] = json!({
        "phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
        "initContainerStatuses": [{"name": "agent", "image": "agent:v1", "imageID": "x", "ready": false, "state": state}],
    });
    PodBuilder::from(source)
}

fn hold(set: &CanonicalSet, pod: &PodBuilder) -> Option<Hold> {
    let pod: PodRecord = pod.build();
    rollout::plan(set, &[&pod], now()).holds.get(&pod.key).copied()
}

fn status(set: &CanonicalSet, pods: &[PodBuilder]) -> SidecarSetStatus {
    summarize_after(set, pods, None, now())
}

fn blocking(status: &SidecarSetStatus) -> Vec<&str> {
    status.not_upgradable_fields.iter().map(|field| field.field.as_str()).collect()
}

#[test]
fn a_pod_that_claims_the_present_definition_with_another_image_needs_a_new_pod() {
    let set = sidecar_set().build();
    for image in ["agent:v0", "evil/agent:v1"] {
        let forged = pod("a", &set).set(IMAGE, image);

        assert_eq!(hold(&set, &forged), Some(Hold::NeedsNewPod), "{image}");
        let status = status(&set, &[forged]);
        assert_eq!((status.updated_pods, status.updated_ready_pods), (0, 0), "{image}");
        assert_eq!(blocking(&status), ["containers[agent].image"], "{image}");
    }
}

#[test]
fn an_image_that_another_registry_serves_is_the_present_one() {
    let set = sidecar_set().build();
    let mirrored = pod("a", &set).set(IMAGE, "mirror.corp/hub/library/agent:v1");

    assert_eq!(hold(&set, &mirrored), None);
    assert_eq!(status(&set, &[mirrored]).updated_ready_pods, 1);
}

#[test]
fn the_next_image_is_rolled_out_to_a_pod_whose_image_somebody_has_changed() {
    let changed = pod("a", &sidecar_set().build()).set(IMAGE, "agent:debug");
    let next = sidecar_set().image("agent:v2").build();

    let after = changed.clone().patched(&changed.upgrade_to(&next));

    assert_eq!(after.source(IMAGE), "agent:v2");
    assert_eq!(hold(&next, &after.caught_up()), None);
}

#[test]
fn a_pod_without_the_containers_that_it_claims_is_neither_updated_nor_ready() {
    let set = sidecar_set().build();
    let mut source = pod("a", &set).source("");
    source["spec"]["containers"].as_array_mut().unwrap().remove(0);
    source["status"]["containerStatuses"].as_array_mut().unwrap().remove(0);

    let status = status(&set, &[PodBuilder::from(source)]);

    assert_eq!((status.matched_pods, status.updated_pods, status.ready_pods), (1, 0, 0));
    assert_eq!(blocking(&status), ["containers[agent]"]);
}

#[test]
fn a_native_sidecar_in_the_other_list_is_none() {
    let set = native();
    let forged = stripped("a", &json!({"terminated": {"exitCode": 0}}));
    let mut source = forged.source("");
    source["spec"]["containers"] = json!([{"name": "agent", "image": "agent:v1"}]);

    assert_eq!(hold(&set, &PodBuilder::from(source)), Some(Hold::NeedsNewPod));
}

// A webhook that is called last has dropped the field.
#[test]
fn a_pod_that_hangs_in_a_native_sidecar_without_restart_policy_degrades_the_set() {
    let set = native();
    let running = json!({"running": {"startedAt": "2026-01-02T03:04:00Z"}});
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});

    let status = status(&set, &[stripped("a", &running), stripped("b", &crashing)]);

    let degraded = status.conditions.iter().find(|condition| condition.type_ == "Degraded").unwrap();
    assert_eq!((degraded.status.as_str(), degraded.reason.as_str()), ("True", "RestartPolicyLost"));
    assert_eq!(
        degraded.message,
        "2 pods cannot get past init container agent (shop/a, shop/b): restartPolicy Always is missing there, which another \
         webhook may have dropped after the injection"
    );
    assert_eq!(status.updated_pods, 0);
    assert_eq!(blocking(&status), ["initContainers[agent].restartPolicy"]);
}

#[test]
fn an_ordinary_init_container_that_takes_its_time_degrades_nothing() {
    let running = json!({"running": {"startedAt": "2026-01-02T03:04:00Z"}});
    let set = sidecar_set().build();
    let mut source = pod("a", &set).source("");
    source["spec"]["initContainers"] = json!([{"name": "agent-1", "image": "setup:1"}]);
    source["status"]["initContainerStatuses"] =
        json!([{"name": "agent-1", "image": "setup:1", "imageID": "x", "ready": false, "state": running}]);

    let status = status(&set, &[PodBuilder::from(source)]);

    let degraded = status.conditions.iter().find(|condition| condition.type_ == "Degraded").unwrap();
    assert_eq!(degraded.status, "False", "{}", degraded.message);
}
