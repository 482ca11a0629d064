//! What the condition `SidecarSetUpgradable` of a Pod says.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::rollout;
use sidecarset_core::upgradable::{of_matched, of_stranger};

fn old() -> CanonicalSet {
    sidecar_set().build()
}

fn immutable() -> CanonicalSet {
    sidecar_set().env("LEVEL", "debug").build()
}

trait Conditions {
    fn upgradable(self, status: &str, message: &str) -> Self;
    fn upgraded(self) -> Self;
}

impl Conditions for PodBuilder {
    fn upgradable(self, status: &str, message: &str) -> Self {
        let condition = json!({"type": "SidecarSetUpgradable", "status": status, "message": message});
        self.set("/status/conditions", json!([{"type": "Ready", "status": "True"}, condition]))
    }

    fn upgraded(self) -> Self {
        self.annotation(
            "kruise.io/sidecarset-inplace-update-state",
            r#"{"log-sc":{"revision":"r","updateTimestamp":null}}"#,
        )
    }
}

/// What the set makes of the condition of a matched Pod.
fn condition(set: &CanonicalSet, pod: &PodBuilder) -> Option<Value> {
    let pod = pod.build();
    let plan = rollout::plan(set, &[&pod], now());
    let change = of_matched(set, &pod, plan.holds.get(&pod.key).copied())?;
    Some(change.patch(&pod, now())["status"]["conditions"][0].clone())
}

fn message(set: &CanonicalSet, pod: &PodBuilder) -> Option<String> {
    condition(set, pod).map(|condition| condition["message"].as_str().unwrap().to_owned())
}

#[test]
fn a_pod_that_waits_for_a_new_one_is_not_upgradable() {
    let expected = json!({
        "type": "SidecarSetUpgradable", "status": "False", "reason": "UpdateImmutableField",
        "message": "{\"log-sc\":false}", "lastTransitionTime": "2026-01-02T03:04:05Z",
    });

    assert_eq!(condition(&immutable(), &pod("a", &old())), Some(expected));
}

#[test]
fn the_patch_is_for_the_very_version_of_the_pod() {
    let pod = pod("a", &old()).build();
    let plan = rollout::plan(&immutable(), &[&pod], now());

    let patch = of_matched(&immutable(), &pod, plan.holds.get(&pod.key).copied()).unwrap().patch(&pod, now());

    assert_eq!(patch["metadata"], json!({"uid": "uid-a", "resourceVersion": "7"}));
}

#[test]
fn a_pod_that_could_be_upgraded_all_along_has_no_entry() {
    let new = sidecar_set().image("agent:v2").build();

    assert_eq!(condition(&old(), &pod("a", &old())), None);
    assert_eq!(condition(&new, &pod("a", &old())), None);
}

#[test]
fn an_upgraded_pod_has_an_entry_that_is_true() {
    assert_eq!(message(&old(), &pod("a", &old()).upgraded()).as_deref(), Some(r#"{"log-sc":true}"#));
}

#[test]
fn what_is_said_already_is_not_written_again() {
    assert_eq!(condition(&immutable(), &pod("a", &old()).upgradable("False", r#"{"log-sc":false}"#)), None);
    assert_eq!(condition(&old(), &pod("a", &old()).upgraded().upgradable("True", r#"{"log-sc":true}"#)), None);
}

#[test]
fn a_change_that_is_taken_back_turns_false_into_true() {
    let held = pod("a", &old()).upgradable("False", r#"{"log-sc":false}"#);

    let condition = condition(&old(), &held).unwrap();

    assert_eq!(condition["status"], "True");
    assert_eq!(condition["reason"], "AllSidecarsetUpgradable");
    assert_eq!(condition["message"], r#"{"log-sc":true}"#);
}

#[test]
fn entries_of_other_sets_stay_and_the_names_are_sorted() {
    let held = pod("a", &old()).upgradable("True", r#"{"mesh":true,"agents":true}"#);

    assert_eq!(message(&immutable(), &held).as_deref(), Some(r#"{"agents":true,"log-sc":false,"mesh":true}"#));
}

#[test]
fn the_time_stays_while_the_status_does() {
    let held = pod("a", &old()).upgradable("False", r#"{"mesh":false}"#);

    let condition = condition(&immutable(), &held).unwrap();

    assert_eq!(condition["status"], "False");
    assert_eq!(condition.get("lastTransitionTime"), None);
}

#[test]
fn a_message_that_is_no_object_of_booleans_is_replaced_where_there_is_something_to_say() {
    for unreadable in ["not JSON", "", "[]", "null", r#"{"log-sc":"yes"}"#] {
        let pod = pod("a", &old()).upgradable("True", unreadable);

        assert_eq!(message(&immutable(), &pod).as_deref(), Some(r#"{"log-sc":false}"#), "{unreadable}");
        assert_eq!(condition(&old(), &pod), None, "{unreadable}");
    }
}

#[test]
fn a_status_that_contradicts_the_message_is_mended() {
    let contradicting = pod("a", &old()).upgradable("True", r#"{"log-sc":false}"#);

    assert_eq!(condition(&immutable(), &contradicting).unwrap()["status"], "False");
}

#[test]
fn a_set_leaves_nothing_behind_in_a_pod_that_is_not_its_own() {
    let alone = pod("a", &old()).upgradable("False", r#"{"log-sc":false}"#).build();
    let beside = pod("a", &old()).upgradable("False", r#"{"log-sc":false,"mesh":true}"#).build();

    let removed = of_stranger("log-sc", &alone).unwrap().patch(&alone, now());
    let left = of_stranger("log-sc", &beside).unwrap().patch(&beside, now());

    assert_eq!(removed["status"], json!({"conditions": [{"type": "SidecarSetUpgradable", "$patch": "delete"}]}));
    assert_eq!(left["status"]["conditions"][0]["message"], r#"{"mesh":true}"#);
    assert_eq!(left["status"]["conditions"][0]["status"], "True");
    assert_eq!(of_stranger("other", &alone), None);
}

#[test]
fn a_pod_on_its_way_out_is_left_alone() {
    let ended = pod("a", &old()).upgradable("False", r#"{"log-sc":false}"#).set("/status/phase", "Succeeded").build();

    assert_eq!(of_stranger("log-sc", &ended), None);
}
