//! What a Pod spends of `maxUnavailable`: what upgrades took from service, and nothing else.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::rollout::{self, Availability};

const BEFORE: &str = "2026-01-02T03:00:00Z";
const AFTER: &str = "2026-01-02T03:04:30Z";
const LONG_AFTER: &str = "2026-01-02T03:14:07Z";
const STATE: &str = "kruise.io/sidecarset-inplace-update-state";

fn set(image: &str) -> CanonicalSet {
    sidecar_set().image(image).build()
}

fn availability(pod: &PodBuilder) -> Availability {
    Availability::of(&set("agent:v2"), &pod.build(), now())
}

/// Whether a ready Pod beside it is upgraded with `maxUnavailable: 1`.
fn leaves_room(pod_a: &PodBuilder) -> bool {
    let pods = [pod_a, &pod("b", &set("agent:v1"))].map(PodBuilder::build);
    let plan = rollout::plan(&set("agent:v2"), &pods.iter().collect::<Vec<_>>(), now());
    plan.upgrades.iter().any(|upgrade| upgrade.pod.name() == "b")
}

fn upgraded(before: PodBuilder) -> PodBuilder {
    before.upgraded_to(&set("agent:v2"))
}

fn old() -> PodBuilder {
    pod("a", &set("agent:v1"))
}

fn state(pod: &PodBuilder) -> Value {
    let state = pod.source("/metadata/annotations")[STATE].as_str().unwrap().to_owned();
    serde_json::from_str::<Value>(&state).unwrap()["log-sc"].take()
}

/// Not scheduled yet: no kubelet has said anything.
fn gated() -> PodBuilder {
    old().set("/spec/nodeName", Value::Null).set("/status", json!({"phase": "Pending"}))
}

#[test]
fn a_pod_that_served_and_is_not_ready_after_its_upgrade_counts() {
    let pod = upgraded(old());

    assert_eq!(availability(&pod), Availability::Undisturbed);
    for pod in [pod.clone().condition(false, AFTER), pod.not_ready()] {
        assert_eq!(availability(&pod), Availability::Disturbed);
        assert!(!leaves_room(&pod));
    }
}

#[test]
fn a_pod_that_did_not_serve_before_its_upgrade_spends_nothing_until_it_has() {
    let pod = upgraded(old().condition(false, BEFORE));

    assert_eq!(state(&pod)["notReadySince"], BEFORE);
    assert_eq!(availability(&pod), Availability::LeftAlone);
    assert!(leaves_room(&pod));
    // It was ready meanwhile, and is not any more.
    assert_eq!(availability(&pod.condition(false, AFTER)), Availability::Disturbed);
}

#[test]
fn a_pod_that_had_not_started_before_its_upgrade_spends_nothing() {
    let gated = gated().patched(&gated().upgrade_to(&set("agent:v2")));

    assert!(leaves_room(&gated));
    // Its application never becomes ready.
    let started = gated.set("/status", upgraded(old()).condition(false, AFTER).source("/status"));
    assert_eq!(availability(&started), Availability::LeftAlone);
}

#[test]
fn a_pod_that_was_created_with_the_definition_spends_nothing() {
    let pod = pod("a", &set("agent:v2")).condition(false, AFTER);

    assert_eq!(availability(&pod), Availability::LeftAlone);
    assert!(leaves_room(&pod));
}

#[test]
fn a_sidecar_that_fails_counts_whatever_was_before() {
    let created = pod("a", &set("agent:v2")).condition(false, AFTER);
    for pod in [created, upgraded(old().condition(false, BEFORE))] {
        for reason in ["ImagePullBackOff", "CrashLoopBackOff"] {
            assert_eq!(availability(&pod.clone().waiting(reason)), Availability::Disturbed, "{reason}");
        }
        assert_eq!(availability(&pod.waiting("ContainerCreating")), Availability::LeftAlone);
    }
}

#[test]
fn what_breaks_after_a_pod_has_served_for_ten_minutes_is_no_doing_of_its_upgrade() {
    let pod = upgraded(old());

    assert_eq!(availability(&pod.clone().condition(false, "2026-01-02T03:14:06Z")), Availability::Disturbed);
    assert_eq!(availability(&pod.clone().condition(false, LONG_AFTER)), Availability::LeftAlone);
    assert_eq!(availability(&pod.condition(false, LONG_AFTER).waiting("CrashLoopBackOff")), Availability::Disturbed);
}

#[test]
fn the_next_upgrade_of_a_pod_that_an_upgrade_broke_makes_it_none_that_did_not_serve() {
    let broken = upgraded(old()).condition(false, AFTER);
    let third = set("agent:v3");
    let again = broken.upgraded_to(&third);

    assert_eq!(state(&again).get("notReadySince"), None);
    assert!(rollout::counts_as_unavailable(&third, &again.build(), now()));
}

#[test]
fn the_next_upgrade_of_a_pod_that_has_not_served_since_keeps_that() {
    let third = set("agent:v3");
    let not_since = upgraded(old().condition(false, BEFORE)).upgraded_to(&third);
    let broke_later = upgraded(old()).condition(false, LONG_AFTER).upgraded_to(&third);
    let gated = gated().patched(&gated().upgrade_to(&set("agent:v2")));
    let not_started = gated.clone().patched(&gated.upgrade_to(&third));

    assert_eq!(state(&not_since)["notReadySince"], BEFORE);
    assert_eq!(state(&broke_later)["notReadySince"], LONG_AFTER);
    assert_eq!(state(&not_started)["notReadySince"], "1970-01-01T00:00:00Z");
    for pod in [not_since, broke_later] {
        assert!(!rollout::counts_as_unavailable(&third, &pod.build(), now()));
    }
}

#[test]
fn a_pod_that_another_operator_upgraded_counts_as_one_that_served() {
    let by_kruise = upgraded(old().condition(false, BEFORE)).annotation(STATE, r#"{"log-sc":{"revision":"r"}}"#);

    assert_eq!(availability(&by_kruise), Availability::Disturbed);
}
