//! What is counted.

use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::{Fault, Kind, State};
use sidecarset_controller::metrics::{Write, Written};
use sidecarset_metrics::{Registry, scrape};

/// The series that begin with this, each with its number.
fn told(cluster: &Cluster, series: &str) -> Vec<String> {
    let mut registry = Registry::default();
    cluster.metrics.register(&mut registry);
    let text = scrape(&registry).unwrap();
    text.lines().filter(|line| line.starts_with(series)).map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn each_upgrade_is_counted_once() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.metrics.written(Write::Upgrade, Written::Done), 3);
    assert_eq!(told(&cluster, "write_duration_seconds_count{kind=\"upgrade\"}").len(), 1);
    assert_eq!(told(&cluster, "write_duration_seconds_count{kind=\"upgrade\"} 3").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_write_is_told_apart() {
    for (fault, written) in [
        (Fault::Code(403), Written::Refused),
        (Fault::Code(404), Written::Gone),
        (Fault::Code(409), Written::Conflict),
        (Fault::Code(503), Written::Failed),
        (Fault::Code(500), Written::Unanswered),
        (Fault::Busy(1), Written::Throttled),
        (Fault::Code(504), Written::Unanswered),
    ] {
        let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
        let _operator = cluster.start().await;
        cluster.fail("a", &[fault]);

        cluster.set_image("agent:2");
        settle().await;

        assert_eq!(cluster.metrics.written(Write::Upgrade, written), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn why_pods_wait_is_told_by_set() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    let expected = ["held_pods{set=\"log-sc\",reason=\"budget_spent\"} 2"];
    assert_eq!(told(&cluster, "held_pods"), expected);
    assert_eq!(told(&cluster, "pods{set=\"log-sc\",state=\"updated\"}"), ["pods{set=\"log-sc\",state=\"updated\"} 1"]);
    assert_eq!(
        told(&cluster, "condition{set=\"log-sc\",condition=\"Progressing\"}"),
        ["condition{set=\"log-sc\",condition=\"Progressing\"} 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_a_set_that_was_deleted() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    assert!(!told(&cluster, "pods{").is_empty());

    cluster.change(|state| state.remove(Kind::Sets, "log-sc"));
    settle().await;

    assert_eq!(told(&cluster, "pods{"), [""; 0]);
    assert_eq!(told(&cluster, "condition{"), [""; 0]);
    assert_eq!(told(&cluster, "sets{state=\"valid\"}"), ["sets{state=\"valid\"} 0"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_told() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;

    assert_eq!(
        told(&cluster, "cached_objects"),
        [
            "cached_objects{kind=\"namespace\"} 1",
            "cached_objects{kind=\"revision\"} 1",
            "cached_objects{kind=\"pod_with_sidecars\"} 2",
            "cached_objects{kind=\"pod_without_sidecars\"} 0",
        ]
    );
    assert_eq!(told(&cluster, "queue_sets"), ["queue_sets 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_off_is_counted_with_the_list_that_follows() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.change(State::lose_watches);
    settle().await;

    assert_eq!(told(&cluster, "watch_lists_total{kind=\"pod\"}"), ["watch_lists_total{kind=\"pod\"} 2"]);
}
