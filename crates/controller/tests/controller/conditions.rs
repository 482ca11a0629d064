//! The condition `SidecarSetUpgradable` of Pods.

use super::cluster::{Cluster, NOW, settle};
use super::objects::{pod, set};
use super::server::{Fault, Kind};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

fn message(cluster: &Cluster, pod: &str) -> Option<String> {
    cluster.upgradable(pod).map(|condition| condition["message"].as_str().unwrap().to_owned())
}

fn change_environment(cluster: &Cluster) {
    cluster.edit_set(|spec| spec["containers"][0]["env"] = json!([{"name": "LEVEL", "value": "debug"}]));
}

fn take_back(cluster: &Cluster) {
    cluster.edit_set(|spec| spec["containers"][0]["env"] = Value::Null);
}

fn write_condition(cluster: &Cluster, pod: &str, message: &str) {
    cluster.change(|state| {
        let mut pod = state.objects[Kind::Pods as usize][pod].clone();
        let condition = json!({"type": "SidecarSetUpgradable", "status": "False", "message": message});
        pod["status"]["conditions"].as_array_mut().unwrap().push(condition);
        state.put(Kind::Pods, pod);
    });
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_only_a_new_one_can_take_the_place_of_says_so_in_one_narrow_write() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    let version =
        cluster.change(|state| state.objects[Kind::Pods as usize]["a"]["metadata"]["resourceVersion"].clone());

    change_environment(&cluster);
    sleep(Duration::from_secs(3600)).await;

    let writes = cluster.condition_writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].path, "/api/v1/namespaces/shop/pods/a/status?&fieldManager=sidecarset-operator");
    assert_eq!(writes[0].content_type, "application/strategic-merge-patch+json");
    let condition = json!({
        "type": "SidecarSetUpgradable", "status": "False", "reason": "UpdateImmutableField",
        "message": "{\"log-sc\":false}", "lastTransitionTime": NOW,
    });
    let body = json!({
        "metadata": {"uid": "uid-of-a", "resourceVersion": version}, "status": {"conditions": [condition]},
    });
    assert_eq!(writes[0].body, body);
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_keep_a_pod_from_saying_that_it_waits_for_a_new_one() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    cluster.edit_set(|spec| spec["updateStrategy"]["paused"] = true.into());
    let _operator = cluster.start().await;

    change_environment(&cluster);
    settle().await;

    assert_eq!(message(&cluster, "a").as_deref(), Some(r#"{"log-sc":false}"#));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_makes_it_true_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    change_environment(&cluster);
    settle().await;

    take_back(&cluster);
    settle().await;

    let condition = cluster.upgradable("a").unwrap();
    assert_eq!(
        (condition["status"].clone(), condition["reason"].clone(), condition["message"].clone()),
        (json!("True"), json!("AllSidecarsetUpgradable"), json!("{\"log-sc\":true}"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_pod_says_so_once() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;
    cluster.set_image("agent:3");
    settle().await;

    assert_eq!(cluster.upgrades().len(), 4);
    assert_eq!(cluster.condition_writes().len(), 2);
    assert_eq!(message(&cluster, "b").as_deref(), Some(r#"{"log-sc":true}"#));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_neither_upgraded_nor_held_has_no_condition() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    assert_eq!(cluster.upgradable("a"), None);
    assert_eq!(cluster.condition_writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_entry_of_a_set_goes_with_it_and_those_of_others_stay() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    write_condition(&cluster, "a", r#"{"mesh":true}"#);
    cluster.change(|state| {
        let mut mesh = set("mesh:1", 1);
        mesh["metadata"] = json!({"name": "mesh", "uid": "uid-of-mesh", "generation": 1});
        mesh["spec"]["containers"][0]["name"] = "mesh".into();
        state.put(Kind::Sets, mesh);
        let mut a = state.objects[Kind::Pods as usize]["a"].clone();
        a["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"] = "log-sc,mesh".into();
        state.put(Kind::Pods, a);
    });
    settle().await;
    change_environment(&cluster);
    settle().await;
    assert!(message(&cluster, "a").unwrap().contains(r#""log-sc":false"#));
    assert_eq!(message(&cluster, "b").as_deref(), Some(r#"{"log-sc":false}"#));

    cluster.change(|state| state.remove(Kind::Sets, "log-sc"));
    settle().await;

    assert!(!message(&cluster, "a").unwrap().contains("log-sc"));
    assert_eq!(cluster.upgradable("b"), None);
}

#[tokio::test(start_paused = true)]
async fn entries_of_sets_that_went_while_the_operator_was_away_go_when_it_is_back() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    write_condition(&cluster, "a", r#"{"gone":false}"#);

    let _operator = cluster.start().await;

    assert_eq!(cluster.upgradable("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_no_longer_selected_says_nothing_of_the_set() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    change_environment(&cluster);
    settle().await;

    cluster.change(|state| {
        let mut pod = state.objects[Kind::Pods as usize]["a"].clone();
        pod["metadata"]["labels"]["app"] = "other".into();
        state.put(Kind::Pods, pod);
    });
    settle().await;

    assert_eq!(cluster.upgradable("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_can_read_is_replaced_and_stops_no_rollout() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    write_condition(&cluster, "a", "not JSON");
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert_eq!(message(&cluster, "a").as_deref(), Some(r#"{"log-sc":true}"#));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_means_to_look_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    cluster.fail("a/status", &[Fault::Code(409); 3]);

    change_environment(&cluster);
    settle().await;

    assert_eq!(message(&cluster, "a").as_deref(), Some(r#"{"log-sc":false}"#));
    assert_eq!(cluster.condition_writes().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_is_refused_holds_up_neither_other_pods_nor_the_rollout() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a/status", &[Fault::Code(403); 1000]);

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(3600)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b"]);
    assert_eq!(cluster.upgradable("a"), None);
    assert_eq!(message(&cluster, "b").as_deref(), Some(r#"{"log-sc":true}"#));
    assert!(cluster.condition_writes().len() < 80, "once a minute: {}", cluster.condition_writes().len());
}

#[tokio::test(start_paused = true)]
async fn of_very_many_pods_a_hundred_are_told_at_a_time_and_all_in_the_end() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    cluster.change(|state| {
        for at in 0..1000 {
            state.put(Kind::Pods, pod(&format!("pod-{at:04}"), &set("agent:1", 1)));
        }
    });
    let _operator = cluster.start().await;

    change_environment(&cluster);
    sleep(Duration::from_secs(30)).await;

    let writes = cluster.condition_writes();
    assert_eq!(writes.len(), 1000);
    let status_writes = cluster.status_writes();
    assert!(status_writes.len() >= 2, "the set is looked at in between: {}", status_writes.len());
}
