//! Which Pods are upgraded first.

#[path = "ordering/model.rs"]
mod model;
#[path = "ordering/properties.rs"]
mod properties;
#[path = "ordering/scatter.rs"]
mod scatter;

pub use properties::orderings;

use crate::build::{PodBuilder, SetBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout;

/// Returns the names of the waiting Pods in the order in which they are upgraded when all of them may be.
fn order(set: SetBuilder, pods: &[PodBuilder]) -> Vec<String> {
    let set = set.image("agent:v2").strategy("maxUnavailable", "100%").build();
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name().to_owned()).collect()
}

fn old() -> CanonicalSet {
    sidecar_set().build()
}

fn labelled(name: &str, labels: &[(&str, &str)]) -> PodBuilder {
    labels.iter().fold(pod(name, &old()), |pod, (key, value)| pod.label(key, value))
}

fn weighted(terms: &[(i32, &str, &str)]) -> SetBuilder {
    let term = |(weight, key, value): &(i32, &str, &str)| json!({"weight": weight, "matchSelector": {"matchLabels": {*key: value}}});
    let terms: Vec<Value> = terms.iter().map(term).collect();
    sidecar_set().strategy("priorityStrategy", json!({"weightPriority": terms}))
}

fn ordered(keys: &[&str]) -> SetBuilder {
    let keys: Vec<Value> = keys.iter().map(|key| json!({"orderedKey": key})).collect();
    sidecar_set().strategy("priorityStrategy", json!({"orderPriority": keys}))
}

fn ready_since(name: &str, time: &str) -> PodBuilder {
    pod(name, &old()).set("/status/conditions/0/lastTransitionTime", time)
}

fn restarted(name: &str, regular: i32, native: i32) -> PodBuilder {
    pod(name, &old())
        .set("/status/containerStatuses/0/restartCount", regular)
        .member("/spec", "initContainers", json!([{"name": "mesh", "image": "m", "restartPolicy": "Always"}]))
        .member("/status", "initContainerStatuses", json!([{"name": "mesh", "restartCount": native}]))
}

#[test]
fn pods_that_serve_least_come_first() {
    let pods = [
        pod("a-ready", &old()),
        pod("b-not-ready", &old()).not_ready(),
        pod("c-unknown", &old()).not_ready().set("/status/phase", "Unknown"),
        pod("d-pending", &old()).not_ready().set("/status/phase", "Pending"),
        pod("e-unscheduled", &old()).not_ready().set("/spec/nodeName", ""),
    ];

    assert_eq!(order(sidecar_set(), &pods), ["e-unscheduled", "d-pending", "c-unknown", "b-not-ready", "a-ready"]);
}

#[test]
fn of_ready_pods_the_most_recently_ready_comes_first_however_often_it_was_restarted() {
    let pods = [
        ready_since("a", "2026-01-01T00:00:05Z").set("/status/containerStatuses/0/restartCount", 7),
        ready_since("b", "2026-01-01T00:00:06Z"),
    ];

    assert_eq!(order(sidecar_set(), &pods), ["b", "a"]);
}

#[test]
fn more_restarts_come_first_and_those_of_native_sidecars_count_where_the_others_are_equal() {
    let pods = [restarted("a", 1, 9), restarted("b", 2, 0), restarted("c", 2, 1)];

    assert_eq!(order(sidecar_set(), &pods), ["c", "b", "a"]);
}

#[test]
fn the_newest_comes_first_and_then_the_names_decide() {
    let pods = [
        pod("c", &old()),
        pod("a", &old()).set("/metadata/namespace", "zoo"),
        pod("b", &old()),
        pod("d", &old()).created("2026-01-01T00:00:01Z"),
    ];

    assert_eq!(order(sidecar_set(), &pods), ["d", "b", "c", "a"]);
}

#[test]
fn pods_with_the_largest_sum_of_weights_come_first() {
    let set = weighted(&[(30, "tier", "canary"), (20, "zone", "a"), (15, "size", "small")]);
    let pods = [
        labelled("a-none", &[]),
        labelled("b-20", &[("zone", "a")]),
        labelled("c-30", &[("tier", "canary")]),
        labelled("d-35", &[("zone", "a"), ("size", "small")]),
    ];

    assert_eq!(order(set, &pods), ["d-35", "c-30", "b-20", "a-none"]);
}

#[test]
fn a_weight_counts_more_than_being_broken_and_pods_of_one_weight_stay_in_the_usual_order() {
    let set = weighted(&[(10, "tier", "canary"), (0, "tier", "rest")]);
    let pods = [
        labelled("a", &[("tier", "canary")]),
        labelled("b", &[("tier", "canary")]).not_ready(),
        labelled("c", &[("tier", "rest")]),
        labelled("d", &[]).not_ready(),
    ];

    assert_eq!(order(set, &pods), ["b", "a", "d", "c"]);
}

#[test]
fn the_largest_number_at_the_end_of_a_label_comes_first() {
    let pods = ["web-2", "web-10", "web", "web-9"].map(|value| labelled(value, &[("pod-name", value)]));

    assert_eq!(order(ordered(&["pod-name"]), &pods), ["web-10", "web-9", "web-2", "web"]);
}

#[test]
fn the_first_key_that_a_pod_has_decides_and_pods_without_any_come_last() {
    let pods = [
        labelled("a", &[]).not_ready(),
        labelled("b", &[("second", "9")]),
        labelled("c", &[("first", "none")]),
        labelled("d", &[("first", "2"), ("second", "1")]),
        labelled("e", &[("second", "10")]),
    ];

    assert_eq!(order(ordered(&["first", "second"]), &pods), ["d", "c", "e", "b", "a"]);
}

#[test]
fn a_partition_keeps_the_pods_that_come_last_also_where_they_are_broken() {
    let set = weighted(&[(10, "tier", "canary")]).strategy("partition", 2);
    let pods = [
        labelled("a", &[]).not_ready(),
        labelled("b", &[]),
        labelled("c", &[("tier", "canary")]),
        labelled("d", &[("tier", "canary")]),
    ];

    assert_eq!(order(set, &pods), ["c", "d"]);
}
