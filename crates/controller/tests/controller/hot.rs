//! Hot upgrades, which take two writes.

use super::cluster::{Cluster, settle};
use super::objects::hot_set;
use super::server::{Fault, Kind};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

fn images(cluster: &Cluster, pod: &str) -> Value {
    cluster.change(|state| {
        let containers = &state.objects[Kind::Pods as usize][pod]["spec"]["containers"];
        containers.as_array().unwrap().iter().map(|container| container["image"].clone()).collect()
    })
}

/// A cluster in which the new container of the Pod `a` has just become ready, and the writes to it go wrong from then
/// on.
async fn ready_to_flip(pods: &[&str], faults: &[Fault]) -> (Cluster, super::cluster::Operator) {
    let cluster = Cluster::new(&hot_set("agent:1", 1), pods);
    let operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    cluster.fail("a", faults);
    cluster.run_kubelet();
    (cluster, operator)
}

#[tokio::test(start_paused = true)]
async fn a_hot_upgrade_is_two_writes_and_the_second_waits_for_the_kubelet() {
    let cluster = Cluster::new(&hot_set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(images(&cluster, "a"), json!(["agent:1", "agent:2"]));
    cluster.run_kubelet();
    settle().await;

    assert_eq!(images(&cluster, "a"), json!(["empty:1", "agent:2"]));
    assert_eq!(images(&cluster, "b"), json!(["agent:1", "empty:1"]), "a spends the budget");
    let second = &cluster.upgrades_of("a")[1].body;
    assert_eq!(second["spec"], json!({"containers": [{"name": "agent-1", "image": "empty:1"}]}));
    assert_eq!(second["metadata"]["annotations"]["version.sidecarset.kruise.io/agent-1"], "0");
    assert_eq!(second["metadata"]["annotations"].get("kruise.io/sidecarset-hash"), None);
    for _ in 0..3 {
        cluster.run_kubelet();
        settle().await;
    }
    assert_eq!(images(&cluster, "b"), json!(["empty:1", "agent:2"]));
    assert_eq!((cluster.upgrades().len(), cluster.counts()["updatedReadyPods"].clone()), (4, json!(2)));
}

#[tokio::test(start_paused = true)]
async fn the_version_of_a_container_that_takes_over_is_that_of_the_set_when_it_was_changed() {
    let cluster = Cluster::new(&hot_set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    let version =
        cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["metadata"]["resourceVersion"].clone());
    settle().await;

    let annotations = &cluster.upgrades()[0].body["metadata"]["annotations"];
    assert_eq!(annotations["version.sidecarset.kruise.io/agent-2"], version);
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_starts_in_the_middle_ends_the_hot_upgrade() {
    let cluster = Cluster::new(&hot_set("agent:1", 1), &["a"]);
    let operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    operator.stop().await;
    cluster.run_kubelet();

    let _operator = cluster.start().await;

    assert_eq!(images(&cluster, "a"), json!(["empty:1", "agent:2"]));
}

#[tokio::test(start_paused = true)]
async fn a_second_step_that_is_refused_is_tried_again_less_and_less_often_and_spends_the_budget() {
    let (cluster, _operator) = ready_to_flip(&["a", "b"], &[Fault::Code(403); 6]).await;

    sleep(Duration::from_secs(2)).await;
    assert_eq!(cluster.upgrades_of("a").len(), 6);
    assert_eq!(cluster.upgrades_of("b").len(), 0);
    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let progressing = status["conditions"].as_array().unwrap().iter().find(|it| it["type"] == "Progressing").unwrap();
    assert_eq!(progressing["reason"], "UpgradesNotTaken");
    sleep(Duration::from_secs(60)).await;

    assert_eq!(images(&cluster, "a"), json!(["empty:1", "agent:2"]));
    assert_eq!(cluster.upgrades_of("a").len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_second_step_that_nobody_answered_is_not_written_twice() {
    let (cluster, _operator) = ready_to_flip(&["a", "b"], &[Fault::Silence]).await;
    cluster.change(|state| state.is_watch_held = true);

    sleep(Duration::from_secs(35)).await;
    cluster.change(super::server::State::release_watch);
    settle().await;

    assert_eq!(cluster.upgrades_of("a").len(), 2);
    assert_eq!(cluster.upgrades_of("b").len(), 0);
}
