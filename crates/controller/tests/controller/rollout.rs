use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::Kind;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_over_writes_nothing_but_the_first_status() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);

    let _operator = cluster.start().await;
    sleep(Duration::from_secs(3600)).await;

    assert_eq!(cluster.upgrades().len(), 0);
    assert_eq!(cluster.status_writes().len(), 1);
    let counts = json!({
        "observedGeneration": 1, "matchedPods": 2, "updatedPods": 2, "readyPods": 2, "updatedReadyPods": 2,
        "latestRevision": "log-sc-7d44b88555", "completedRevision": "log-sc-7d44b88555", "collisionCount": 0,
    });
    assert_eq!(cluster.counts(), counts);
}

#[tokio::test(start_paused = true)]
async fn an_image_change_is_one_write_for_each_pod() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
    assert_eq!(["a", "b", "c"].map(|pod| cluster.upgrades_of(pod).len()), [1, 1, 1]);
    assert_eq!(cluster.counts()["updatedReadyPods"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_thirty_pods_costs_two_requests_for_each_and_a_second_rollout_one() {
    let names: Vec<String> = (0..30).map(|at| format!("pod-{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cluster = Cluster::new(&set("agent:1", 5), &names).quick_kubelet();
    let _operator = cluster.start().await;
    let requests = || (cluster.upgrades().len(), cluster.condition_writes().len(), cluster.revision_writes().len());
    settle().await;
    assert_eq!(requests(), (0, 0, 1));

    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(requests(), (30, 30, 2), "a pod says once that it can be upgraded");

    cluster.set_image("agent:3");
    settle().await;
    assert_eq!(requests(), (60, 30, 3));
    assert_eq!(cluster.change(|state| state.reads.len()), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_a_narrow_patch_of_the_very_version_that_was_seen() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let version =
        cluster.change(|state| state.objects[Kind::Pods as usize]["a"]["metadata"]["resourceVersion"].clone());
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    let write = &cluster.upgrades()[0];
    assert_eq!(write.path, "/api/v1/namespaces/shop/pods/a?&fieldManager=sidecarset-operator");
    assert_eq!(write.content_type, "application/strategic-merge-patch+json");
    assert_eq!(write.body["metadata"]["uid"], "uid-of-a");
    assert_eq!(write.body["metadata"]["resourceVersion"], version);
    assert_eq!(write.body["spec"], json!({"containers": [{"name": "agent", "image": "agent:2"}]}));
    let state = write.body["metadata"]["annotations"]["kruise.io/sidecarset-inplace-update-state"].as_str().unwrap();
    assert!(state.contains(r#""agent":{"imageID":"id-of-agent:1"}"#), "{state}");
    assert!(state.contains("2026-01-02T03:04:05Z"), "{state}");
}

#[tokio::test(start_paused = true)]
async fn no_more_pods_are_unavailable_than_may_be() {
    let cluster = Cluster::new(&set("agent:1", 2), &["a", "b", "c", "d", "e"]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    for _ in 0..3 {
        settle().await;
        cluster.run_kubelet();
    }

    assert_eq!(cluster.pods_with_image("agent:2").len(), 5);
    assert_eq!(cluster.upgrades().len(), 5);
    assert_eq!(cluster.change(|state| state.most_unavailable), 2);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_lags_leads_to_no_second_upgrade() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]);
    let _operator = cluster.start().await;

    cluster.change(|state| state.is_watch_held = true);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(600)).await;

    assert_eq!(cluster.upgrades().len(), 1);
    cluster.change(super::server::State::release_watch);
    settle().await;
    assert_eq!(cluster.upgrades().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_status_is_written_at_most_once_a_second() {
    let pods: Vec<String> = (0..40).map(|at| format!("pod-{at:02}")).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let cluster = Cluster::new(&set("agent:1", 1), &pods);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    for _ in 0..40 {
        sleep(Duration::from_millis(100)).await;
        cluster.run_kubelet();
    }
    settle().await;

    let times: Vec<_> = cluster.status_writes().iter().map(|write| write.at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)), "{times:?}");
    assert!((4..=7).contains(&times.len()), "{times:?}");
    assert_eq!(cluster.counts()["updatedReadyPods"], 40);
}

#[tokio::test(start_paused = true)]
async fn a_count_that_falls_to_zero_leaves_the_status() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.change(|state| state.remove(Kind::Pods, "a"));
    settle().await;

    let counts = json!({
        "observedGeneration": 1, "matchedPods": 0, "updatedPods": 0, "readyPods": 0,
        "latestRevision": "log-sc-7d44b88555", "completedRevision": "log-sc-7d44b88555", "collisionCount": 0,
    });
    assert_eq!(cluster.counts(), counts);
}

#[tokio::test(start_paused = true)]
async fn pods_are_counted_again_where_running_pods_are_never_upgraded() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    cluster.edit_set(|spec| spec["updateStrategy"] = json!({"type": "NotUpdate"}));
    let _operator = cluster.start().await;

    cluster.change(|state| state.remove(Kind::Pods, "a"));
    settle().await;

    assert_eq!(cluster.counts()["matchedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_a_rollout_and_its_end_resumes_it() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]);
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;

    cluster.edit_set(|spec| spec["updateStrategy"]["paused"] = true.into());
    settle().await;
    cluster.run_kubelet();
    settle().await;
    let while_paused = cluster.upgrades().len();
    cluster.edit_set(|spec| spec["updateStrategy"]["paused"] = false.into());
    settle().await;

    assert_eq!(while_paused, 1);
    assert_eq!(cluster.upgrades().len(), 2);
}
