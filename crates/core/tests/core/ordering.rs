//! Which Pods are upgraded first.

use crate::build::{PodBuilder, SetBuilder, pod, sidecar_set};
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout;

/// Returns the names of the waiting Pods in the order in which they are upgraded when all of them may be.
fn order(set: SetBuilder, pods: &[PodBuilder]) -> Vec<String> {
    let set = set.image("agent:v2").strategy("maxUnavailable", "100%").build();
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>());
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name.to_string()).collect()
}

fn old() -> CanonicalSet {
    sidecar_set().build()
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
