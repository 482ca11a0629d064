//! Defects: a panic in the reconcile of one set.

use super::cluster::{Cluster, settle};
use super::objects::{pod, set};
use super::server::{Fault, Kind};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Another set, `other`, with one Pod.
fn add_other(cluster: &Cluster, image: &str) {
    let named = |value: Value| -> Value {
        serde_json::from_str(&value.to_string().replace("log-sc", "other").replace("\"web\"", "\"other\"")).unwrap()
    };
    cluster.change(|state| {
        state.put(Kind::Sets, named(set(image, 1)));
        state.put(Kind::Pods, named(pod("b", &set("agent:1", 1))));
    });
}

fn degraded(cluster: &Cluster, set: &str) -> Value {
    cluster.change(|state| {
        let conditions = &state.objects[Kind::Sets as usize][set]["status"]["conditions"];
        let degraded = conditions.as_array().unwrap().iter().find(|condition| condition["type"] == "Degraded");
        let mut degraded = degraded.unwrap().clone();
        degraded.as_object_mut().unwrap().remove("lastTransitionTime");
        degraded
    })
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_reported_on_its_set_and_ends_no_other_rollout() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    let before = cluster.counts();
    cluster.fail("revision of log-sc", &[Fault::Panic; 1000]);

    cluster.set_image("agent:2");
    add_other(&cluster, "agent:2");
    settle().await;

    assert_eq!(
        degraded(&cluster, "log-sc"),
        json!({
            "type": "Degraded", "status": "True", "reason": "ReconcilePanicked", "observedGeneration": 2,
            "message": "a defect of the operator ended the reconcile of this set, which is retried: a defect",
        })
    );
    assert_eq!(cluster.counts()["matchedPods"], before["matchedPods"]);
    assert!(cluster.pods_with_image("agent:2").contains(&"b".to_owned()));
    assert_eq!(degraded(&cluster, "other")["reason"], "AsExpected");
    let reasons: Vec<_> = cluster.events().into_iter().map(|[set, kind, reason, _]| [set, kind, reason]).collect();
    assert!(reasons.contains(&["log-sc", "Warning", "ReconcilePanicked"].map(str::to_owned)), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_set_goes_on_when_the_cause_of_a_panic_is_gone() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Panic; 2]);
    cluster.fail("revision of log-sc", &[Fault::Panic; 5]);

    cluster.set_image("agent:2");
    // What is in doubt for so long is the write that ended in a panic.
    sleep(Duration::from_secs(120)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert_eq!(degraded(&cluster, "log-sc")["reason"], "AsExpected");
}
