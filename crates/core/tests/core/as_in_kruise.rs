//! What a rollout does as Kruise does it, corner by corner.

use crate::build::{now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold, Plan};

const AGENT: &str = "/status/containerStatuses/0";

fn old() -> CanonicalSet {
    sidecar_set().build()
}

fn plan(set: &CanonicalSet, pods: &[PodRecord]) -> Plan {
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now())
}

fn hold(plan: &Plan, name: &str) -> Option<Hold> {
    plan.holds.iter().find(|(pod, _)| pod.name() == name).map(|(_, hold)| *hold)
}

#[test]
fn a_pod_is_not_ready_while_the_kubelet_has_not_told_of_each_container() {
    let pod = pod("a", &old());
    let agent = pod.source("/status/containerStatuses/0");

    assert!(rollout::is_ready(&old(), &pod.build()));
    assert!(!rollout::is_ready(&old(), &pod.set("/status/containerStatuses", json!([agent])).build()));
}

#[test]
fn a_pod_whose_node_does_not_answer_is_not_ready_whatever_its_condition_says() {
    assert!(!rollout::is_ready(&old(), &pod("a", &old()).set("/status/phase", "Unknown").build()));
}

#[test]
fn a_kubelet_that_names_the_image_of_the_spec_has_caught_up_although_the_identity_is_the_same() {
    let retagged = sidecar_set().image("agent:stable").build();
    let under_way = pod("a", &old()).patched(&pod("a", &old()).upgrade_to(&retagged));

    assert!(!rollout::is_ready(&retagged, &under_way.build()));
    let named = under_way.member(AGENT, "image", "docker.io/library/agent:stable");
    assert!(rollout::is_ready(&retagged, &named.build()));
}

#[test]
fn of_two_images_each_one_is_compared_as_it_is_given() {
    let set = |agent: &str| {
        let main = format!("nginx@sha256:{}", "1".repeat(64));
        let containers = json!([{"name": "agent", "image": agent}, {"name": "main", "image": main}]);
        sidecar_set().spec("containers", containers).build()
    };
    let digest = format!("docker.io/library/nginx@sha256:{}", "1".repeat(64));
    let before =
        pod("a", &set("agent:v1")).set("/spec/containers/1/image", set("agent:v1").containers[1].image.as_ref());
    let before = before.member("/status/containerStatuses/1", "imageID", digest);
    let other = before.clone().member("/status/containerStatuses/1", "imageID", "docker.io/library/nginx@sha256:2");
    let under_way = before.clone().patched(&before.upgrade_to(&set("agent:v2")));

    assert!(rollout::is_ready(&set("agent:v1"), &before.build()));
    assert!(!rollout::is_ready(&set("agent:v1"), &other.build()), "the one given by its digest");
    assert!(!rollout::is_ready(&set("agent:v2"), &under_way.build()), "the one given by its tag");
    assert!(rollout::is_ready(&set("agent:v2"), &under_way.caught_up().build()));
}

#[test]
fn every_pod_fits_a_set_of_ordinary_init_containers() {
    let set = sidecar_set()
        .spec("containers", Value::Null)
        .spec("initContainers", json!([{"name": "setup", "image": "setup:v2"}]))
        .build();
    let hash = |hash: &str| json!({"log-sc": {"hash": hash, "sidecarList": []}}).to_string();
    let pod = pod("a", &old())
        .annotation("kruise.io/sidecarset-hash", &hash(&set.hashes.full))
        .annotation("kruise.io/sidecarset-hash-without-image", &hash(&set.hashes.without_image));

    assert_eq!(plan(&set, &[pod.build()]), Plan::default());
    assert!(rollout::is_ready(&set, &pod.build()));
}

#[test]
fn pods_that_cannot_be_upgraded_now_do_not_count_as_kept_by_the_partition() {
    let other = sidecar_set().env("LEVEL", "debug").build();
    let (second, third) = (sidecar_set().image("agent:v2"), sidecar_set().image("agent:v3").strategy("partition", 1));
    let in_flight = pod("b", &old()).patched(&pod("b", &old()).upgrade_to(&second.build()));
    let third = third.strategy("maxUnavailable", 4).build();

    let plan = plan(&third, &[pod("a", &other), in_flight, pod("c", &old()), pod("d", &old())].map(|pod| pod.build()));

    let upgrades: Vec<_> = plan.upgrades.iter().map(|upgrade| upgrade.pod.name()).collect();
    assert_eq!(upgrades, ["c"]);
    let holds = ["a", "b", "d"].map(|name| hold(&plan, name));
    assert_eq!(holds, [Some(Hold::NeedsNewPod), Some(Hold::InFlight), Some(Hold::Partition)]);
}

#[test]
fn one_budget_holds_for_pods_of_all_namespaces() {
    let set = sidecar_set().image("agent:v2").build();
    let pods = ["a", "b"].map(|name| pod(name, &old()).member("/metadata", "namespace", format!("of-{name}")).build());

    let plan = plan(&set, &pods);

    assert_eq!((plan.upgrades.len(), plan.held(Hold::BudgetSpent)), (1, 1));
}

#[test]
fn a_record_that_cannot_be_read_is_written_anew_with_the_next_upgrade() {
    let set = sidecar_set().image("agent:v2").build();

    let patch = pod("a", &old()).annotation("kruise.io/sidecarset-hash", "[").upgrade_to(&set);

    for annotation in ["kruise.io/sidecarset-hash", "kruise.io/sidecarset-hash-without-image"] {
        let text = patch["metadata"]["annotations"][annotation].as_str().unwrap();
        assert!(text.starts_with(r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":""#), "{text}");
    }
}

#[test]
fn the_state_of_upgrades_keeps_the_revision_and_the_time_of_the_first_one() {
    let (second, third) = (sidecar_set().image("agent:v2").build(), sidecar_set().image("agent:v3").build());
    let first = r#"{"log-sc":{"revision":"h1","updateTimestamp":"2026-01-01T00:00:00Z","lastContainerStatuses":{}}}"#;
    let upgraded = pod("a", &old()).annotation("kruise.io/sidecarset-inplace-update-state", first);
    let upgraded = upgraded.clone().patched(&upgraded.upgrade_to(&second)).caught_up();

    let patch = upgraded.upgrade_to(&third);

    let state = patch["metadata"]["annotations"]["kruise.io/sidecarset-inplace-update-state"].as_str().unwrap();
    let state: Value = serde_json::from_str(state).unwrap();
    assert_eq!(state["log-sc"]["revision"], "h1");
    assert_eq!(state["log-sc"]["updateTimestamp"], "2026-01-01T00:00:00Z");
    let last = "docker.io/library/agent@sha256:agent:v2";
    assert_eq!(state["log-sc"]["lastContainerStatuses"], json!({"agent": {"imageID": last}}));
}
