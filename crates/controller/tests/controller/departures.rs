//! Pods that are none of the set's any more before anybody has seen their upgrade.

use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::{Kind, State};
use serde_json::Value;

/// Upgrades a Pod of two, lets it leave before the watch shows that, and returns the Pods that are upgraded in the end.
async fn upgraded_after(leaves: impl FnOnce(&mut Value)) -> Vec<String> {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    cluster.change(|state| state.is_watch_held = true);
    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);

    cluster.change(|state| {
        let mut pod = state.objects[Kind::Pods as usize]["a"].clone();
        leaves(&mut pod);
        state.put(Kind::Pods, pod);
    });
    cluster.change(State::release_watch);
    settle().await;
    cluster.pods_with_image("agent:2")
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_pod_that_is_evicted_keeps_no_other_one_waiting() {
    assert_eq!(upgraded_after(|pod| pod["status"]["phase"] = "Failed".into()).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_pod_that_is_deleted_and_stays_keeps_no_other_one_waiting() {
    let at = "2026-01-02T03:04:06Z";
    assert_eq!(upgraded_after(|pod| pod["metadata"]["deletionTimestamp"] = at.into()).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_pod_that_gets_other_labels_keeps_no_other_one_waiting() {
    assert_eq!(upgraded_after(|pod| pod["metadata"]["labels"]["app"] = "other".into()).await, ["a", "b"]);
}
