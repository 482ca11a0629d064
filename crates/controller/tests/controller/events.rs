//! What is told as an event.

use super::cluster::{Cluster, settle};
use super::objects::{hot_set, set};
use super::server::Fault;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

fn reasons(cluster: &Cluster) -> Vec<String> {
    cluster.events().into_iter().map(|[_, _, reason, _]| reason).collect()
}

#[tokio::test(start_paused = true)]
async fn pods_that_cannot_be_upgraded_are_told_once_and_not_with_every_look() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;

    cluster.edit_set(|spec| spec["containers"][0]["env"] = json!([{"name": "LEVEL", "value": "debug"}]));
    sleep(Duration::from_secs(3600)).await;

    let note = "SidecarSet in-place update detected 2 not upgradable pod(s) in this round, will skip them.";
    assert_eq!(cluster.events(), [["log-sc", "Normal", "NotUpgradablePods", note].map(str::to_owned)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_names_its_object_and_is_kept_where_kubectl_looks_for_it() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.edit_set(|spec| spec["updateStrategy"]["maxUnavailable"] = "x".into());
    settle().await;

    let write = cluster.change(|state| state.writes.iter().find(|it| it.path.contains("/events?")).cloned()).unwrap();
    assert_eq!(write.path, "/apis/events.k8s.io/v1/namespaces/default/events?&fieldManager=sidecarset-operator");
    let expected = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "log-sc-", "namespace": "default"},
        "eventTime": "2026-01-02T03:04:05.000000Z",
        "type": "Warning",
        "reason": "InvalidSpec",
        "action": "Rollout",
        "note": write.body["note"],
        "regarding": {
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": "uid-of-log-sc",
        },
        "reportingController": "sidecarset-controller",
        "reportingInstance": "sidecarset-controller",
    });
    assert_eq!(write.body, expected);
    assert!(write.body["note"].as_str().unwrap().contains("spec.updateStrategy.maxUnavailable"), "{}", write.body);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_tells_its_end_and_nothing_of_its_pods() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    for _ in 0..3 {
        settle().await;
        cluster.run_kubelet();
    }
    settle().await;

    let expected = ["log-sc", "Normal", "Complete", "3 of 3 pods are updated"];
    assert_eq!(cluster.events(), [expected.map(str::to_owned)]);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_refused_again_and_again_is_told_once_in_ten_minutes() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Code(403); 1000]);

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(590)).await;

    assert_eq!(reasons(&cluster), ["UpgradesNotTaken"]);
}

#[tokio::test(start_paused = true)]
async fn the_second_step_of_a_hot_upgrade_is_told_on_the_pod() {
    let cluster = Cluster::new(&hot_set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;

    cluster.fail("a", &[Fault::Code(403); 2]);
    cluster.run_kubelet();
    settle().await;

    let on_pod: Vec<[String; 4]> = cluster.events().into_iter().filter(|[name, ..]| name == "a").collect();
    assert_eq!(on_pod.len(), 2);
    assert_eq!(on_pod[0][1..3], ["Warning", "ResetContainerFailed"]);
    assert!(on_pod[0][3].starts_with("reset sidecar container image empty failed: "), "{}", on_pod[0][3]);
    let succeeded = ["a", "Normal", "ResetContainerSucceed", "reset sidecar container image empty successfully"];
    assert_eq!(on_pod[1], succeeded);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_refused_or_never_answered_hold_nothing_up_and_are_not_tried_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]).quick_kubelet();
    cluster.fail("events", &[Fault::Code(403), Fault::Silence]);
    let _operator = cluster.start().await;

    cluster.edit_set(|spec| spec["updateStrategy"]["maxUnavailable"] = "x".into());
    settle().await;
    cluster.edit_set(|spec| spec["updateStrategy"]["maxUnavailable"] = "y".into());
    settle().await;
    cluster.edit_set(|spec| {
        spec["updateStrategy"]["maxUnavailable"] = 1.into();
        spec["containers"][0]["image"] = "agent:2".into();
    });
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b"]);
    assert_eq!(reasons(&cluster), ["InvalidSpec", "Complete"]);
}
