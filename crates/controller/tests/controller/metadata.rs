//! The annotations of `spec.patchPodMetadata` in an upgrade.

use super::cluster::{Cluster, settle};
use super::objects;
use super::server::{Fault, Kind, State};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// A set that writes one annotation, `note`.
fn set(policy: &str, value: &str) -> Value {
    let mut set = objects::set("agent:1", "100%");
    set["spec"]["patchPodMetadata"] = json!([{"annotations": {"note": value}, "patchPolicy": policy}]);
    set
}

fn written(cluster: &Cluster, pod: &str) -> Option<Value> {
    cluster.upgrades_of(pod)[0].body["metadata"]["annotations"].get("note").cloned()
}

#[tokio::test(start_paused = true)]
async fn an_annotation_is_overwritten_in_the_patch_of_the_upgrade_and_nothing_is_read() {
    let cluster = Cluster::new(&set("Overwrite", "new"), &["a"]).quick_kubelet();
    cluster.annotate("a", &[("note", "old")]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.upgrades().len(), 1);
    assert_eq!(written(&cluster, "a"), Some("new".into()));
    assert_eq!(cluster.change(|state| state.reads.len()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_value_is_merged_into_the_one_that_the_pod_has_after_one_read() {
    let cluster = Cluster::new(&set("MergePatchJson", r#"{"b":2,"c":null}"#), &["a", "b"]).quick_kubelet();
    cluster.annotate("a", &[("note", r#"{"a":1,"c":3}"#)]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(written(&cluster, "a"), Some(r#"{"a":1,"b":2}"#.into()));
    assert_eq!(written(&cluster, "b"), Some(r#"{"b":2,"c":null}"#.into()));
    assert_eq!(cluster.upgrades().len(), 2);
    assert_eq!(cluster.change(|state| state.reads.len()), 2);
}

#[tokio::test(start_paused = true)]
async fn an_annotation_is_retained_where_the_pod_has_it() {
    let cluster = Cluster::new(&set("Retain", "new"), &["a", "b"]).quick_kubelet();
    cluster.annotate("a", &[("note", "")]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(written(&cluster, "a"), None);
    assert_eq!(written(&cluster, "b"), Some("new".into()));
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_cannot_be_merged_into_holds_its_pod_alone_and_the_status_says_so() {
    let cluster = Cluster::new(&set("MergePatchJson", "{}"), &["a", "b"]).quick_kubelet();
    cluster.annotate("a", &[("note", "plain")]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(600)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["b"]);
    assert_eq!(cluster.upgrades_of("a").len(), 0);
    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let progressing = status["conditions"].as_array().unwrap().iter().find(|it| it["type"] == "Progressing").unwrap();
    assert_eq!(progressing["reason"], "UpgradesNotTaken");
    assert_eq!(
        progressing["message"],
        "1 of 2 pods are updated; 1 waits for another attempt: patchPodMetadata cannot be merged into an annotation of \
         its own"
    );
    // Ten minutes with at most a minute between attempts.
    let reads = cluster.change(|state| state.reads.iter().filter(|pod| *pod == "a").count());
    assert!((10..30).contains(&reads), "{reads}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_annotation_is_mended_is_upgraded() {
    let cluster = Cluster::new(&set("MergePatchJson", r#"{"b":2}"#), &["a"]).quick_kubelet();
    cluster.annotate("a", &[("note", "plain")]);
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;

    cluster.annotate("a", &[("note", r#"{"a":1}"#)]);
    sleep(Duration::from_secs(60)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert_eq!(written(&cluster, "a"), Some(r#"{"a":1,"b":2}"#.into()));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_changed_before_it_was_read_is_not_written_until_the_watch_shows_it() {
    let cluster = Cluster::new(&set("MergePatchJson", r#"{"b":2}"#), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.change(|state| state.is_watch_held = true);
    cluster.annotate("a", &[("note", r#"{"a":1}"#)]);
    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(cluster.upgrades().len(), 0);

    cluster.change(State::release_watch);
    settle().await;

    assert_eq!(cluster.upgrades().len(), 1);
    assert_eq!(written(&cluster, "a"), Some(r#"{"a":1,"b":2}"#.into()));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_read_is_tried_again_and_one_that_is_gone_is_not() {
    let cluster = Cluster::new(&set("Retain", "new"), &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.change(|state| {
        state.read_faults.insert("a".to_owned(), [Fault::Code(500), Fault::Code(504)].into());
        state.read_faults.insert("b".to_owned(), [Fault::Code(404)].into());
    });

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert_eq!(cluster.change(|state| state.reads.clone().into_iter().filter(|pod| pod == "b").count()), 1);
}
