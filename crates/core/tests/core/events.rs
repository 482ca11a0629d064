//! Which events follow from one status and the next.

use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::event::{EventKind, Narrator, Subject};

fn status(counts: [i32; 3], progressing: &str) -> SidecarSetStatus {
    with_conditions(counts, &json!([condition("Progressing", "True", progressing)]))
}

fn with_conditions([matched, updated, not_upgradable]: [i32; 3], conditions: &Value) -> SidecarSetStatus {
    serde_json::from_value(json!({
        "matchedPods": matched, "updatedPods": updated, "readyPods": 0, "notUpgradablePods": not_upgradable,
        "conditions": conditions,
    }))
    .unwrap()
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    let message = format!("what {kind} says");
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    })
}

/// What is told while the statuses follow each other.
fn told(statuses: &[SidecarSetStatus]) -> Vec<(EventKind, String, String)> {
    let set = Subject::Set { name: "log-sc".into(), uid: None };
    let mut narrator = Narrator::default();
    let mut before = None;
    let mut told = Vec::new();
    for after in statuses {
        told.extend(narrator.tell(&set, before, after));
        before = Some(after);
    }
    told.into_iter().map(|event| (event.kind, event.reason, event.note)).collect()
}

fn reasons(statuses: &[SidecarSetStatus]) -> Vec<String> {
    told(statuses).into_iter().map(|(_, reason, _)| reason).collect()
}

#[test]
fn the_number_of_pods_that_cannot_be_upgraded_is_told_when_it_grows() {
    let statuses = [0, 3, 3, 2, 4].map(|count| status([5, 0, count], "NotUpgradable"));

    let notes: Vec<String> = told(&statuses).into_iter().map(|(_, _, note)| note).collect();

    assert_eq!(
        notes,
        [
            "SidecarSet in-place update detected 3 not upgradable pod(s) in this round, will skip them.",
            "SidecarSet in-place update detected 4 not upgradable pod(s) in this round, will skip them.",
        ]
    );
}

#[test]
fn what_a_person_should_know_is_a_warning_with_the_words_of_the_condition() {
    for reason in ["InvalidSpec", "RevisionUnusable", "UpgradesNotTaken"] {
        let bad = with_conditions([1, 1, 0], &json!([condition("Ready", "False", reason)]));

        let expected = (EventKind::Warning, reason.to_owned(), "what Ready says".to_owned());
        assert_eq!(told(&[status([1, 1, 0], "Complete"), bad.clone(), bad]), [expected]);
    }
}

#[test]
fn a_reason_of_two_conditions_is_told_once() {
    let both = json!([condition("Ready", "False", "InvalidSpec"), condition("Progressing", "False", "InvalidSpec")]);

    assert_eq!(reasons(&[with_conditions([1, 1, 0], &both)]), ["InvalidSpec"]);
}

#[test]
fn a_set_that_is_degraded_is_told_with_whatever_reason() {
    let degraded =
        |status: &str, reason: &str| with_conditions([1, 1, 0], &json!([condition("Degraded", status, reason)]));
    let statuses = [
        degraded("False", "AsExpected"),
        degraded("True", "ImagePullFailing"),
        degraded("True", "ImagePullFailing"),
        degraded("True", "Other"),
        degraded("False", "AsExpected"),
    ];

    assert_eq!(reasons(&statuses), ["ImagePullFailing", "Other"]);
}

#[test]
fn the_end_of_a_rollout_is_told_once() {
    let statuses = [
        status([2, 2, 0], "Complete"),
        status([2, 0, 0], "Upgrading"),
        status([2, 2, 0], "WaitingForPods"),
        status([2, 2, 0], "Complete"),
        status([2, 2, 0], "Complete"),
    ];

    let complete = (EventKind::Normal, "Complete".to_owned(), "what Progressing says".to_owned());
    assert_eq!(told(&statuses), [complete]);
}

#[test]
fn a_rollout_that_is_over_before_a_status_is_written_is_told() {
    let set = Subject::Set { name: "log-sc".into(), uid: None };
    let (before, after) = (status([1, 1, 0], "WaitingForPods"), status([1, 1, 0], "Complete"));
    let mut narrator = Narrator::default();

    narrator.note(&status([1, 0, 0], "Upgrading"));

    let told: Vec<String> = narrator.tell(&set, Some(&before), &after).into_iter().map(|event| event.reason).collect();
    assert_eq!(told, ["Complete"]);
}

#[test]
fn pods_that_come_and_go_are_no_rollout() {
    let statuses = [
        status([0, 0, 0], "Complete"),
        status([1, 1, 0], "WaitingForPods"),
        status([1, 1, 0], "Complete"),
        status([0, 0, 0], "Complete"),
    ];

    assert_eq!(reasons(&statuses), [""; 0]);
}
