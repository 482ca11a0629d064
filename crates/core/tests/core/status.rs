//! What a status says.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::status::with_revisions;
use sidecarset_core::{rollout, status};

fn summarize(set: &CanonicalSet, pods: &[PodBuilder]) -> SidecarSetStatus {
    summarize_after(set, pods, None, now())
}

fn summarize_after(
    set: &CanonicalSet,
    pods: &[PodBuilder],
    previous: Option<&SidecarSetStatus>,
    now: Seconds,
) -> SidecarSetStatus {
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    let matched: Vec<&PodRecord> = pods.iter().collect();
    let plan = rollout::plan(set, &matched);
    status::summarize(set, &matched, &plan, previous, now)
}

fn numbers(status: &SidecarSetStatus) -> Value {
    let mut value = serde_json::to_value(status).unwrap();
    value.as_object_mut().unwrap().remove("conditions");
    value
}

fn condition(status: &SidecarSetStatus, kind: &str) -> (String, String, String) {
    let condition = status.conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    (condition.status.clone(), condition.reason.clone(), condition.message.clone())
}

fn told(status: &str, reason: &str, message: &str) -> (String, String, String) {
    (status.to_owned(), reason.to_owned(), message.to_owned())
}

#[test]
fn one_updated_and_ready_pod_counts_in_every_number() {
    let set = sidecar_set().build();

    let status = summarize(&set, &[pod("a", &set)]);

    assert_eq!(
        numbers(&status),
        json!({"observedGeneration": 3, "matchedPods": 1, "updatedPods": 1, "readyPods": 1, "updatedReadyPods": 1})
    );
    assert_eq!(condition(&status, "Ready"), told("True", "AllPodsReady", "1 of 1 pods are updated and ready"));
    assert_eq!(condition(&status, "Progressing"), told("False", "Complete", "1 of 1 pods are updated"));
}

#[test]
fn counts_of_kruise_are_always_there_and_the_others_only_above_zero() {
    let status = summarize(&sidecar_set().build(), &[]);

    assert_eq!(numbers(&status), json!({"observedGeneration": 3, "matchedPods": 0, "updatedPods": 0, "readyPods": 0}));
}

#[test]
fn a_pod_whose_sidecar_has_not_caught_up_is_not_ready() {
    let set = sidecar_set().image("agent:v2").build();
    let old = pod("a", &sidecar_set().build());
    let patch = old.upgrade_to(&set);

    let status = summarize(&set, &[old.patched(&patch)]);

    assert_eq!(numbers(&status)["updatedPods"], 1);
    assert_eq!(numbers(&status)["readyPods"], 0);
    assert_eq!(condition(&status, "Progressing").1, "WaitingForPods");
}

#[test]
fn pods_that_wait_for_their_recreation_are_counted_and_explained() {
    let set = sidecar_set().env("A", "b").build();

    let status = summarize(&set, &[pod("a", &sidecar_set().build())]);

    assert_eq!(status.not_upgradable_pods, 1);
    assert_eq!(
        condition(&status, "Progressing"),
        told(
            "False",
            "NotUpgradable",
            "0 of 1 pods are updated; 1 take the change when they are created anew: more than an image changed"
        )
    );
}

#[test]
fn the_reason_says_what_is_waited_for() {
    let old = || pod("a", &sidecar_set().build());
    let reason = |set: CanonicalSet, pods: &[PodBuilder]| condition(&summarize(&set, pods), "Progressing").1;
    let new = || sidecar_set().image("agent:v2");

    assert_eq!(reason(new().build(), &[old()]), "Upgrading");
    assert_eq!(reason(new().strategy("paused", true).build(), &[old()]), "Paused");
    assert_eq!(reason(new().strategy("type", "NotUpdate").build(), &[old()]), "NotUpdate");
    assert_eq!(reason(new().strategy("partition", 1).build(), &[old()]), "PartitionReached");
    assert_eq!(reason(new().strategy("maxUnavailable", 0).build(), &[old()]), "MaxUnavailableReached");
    let nobody = json!({"matchLabels": {"canary": "yes"}});
    assert_eq!(reason(new().strategy("selector", nobody).build(), &[old()]), "NotSelected");
}

#[test]
fn a_condition_keeps_its_time_while_its_status_stays() {
    let set = sidecar_set().build();
    let first = summarize(&set, &[pod("a", &set)]);
    let later: Seconds = "2026-01-02T04:00:00Z".parse::<jiff::Timestamp>().unwrap().into();

    let same = summarize_after(&set, &[pod("a", &set)], Some(&first), later);
    let changed = summarize_after(&set, &[pod("a", &set).not_ready()], Some(&first), later);

    let time = |status: &SidecarSetStatus| status.conditions[0].last_transition_time.0.to_string();
    assert_eq!(same, first);
    assert_eq!(time(&changed), "2026-01-02T04:00:00Z");
}

#[test]
fn what_others_wrote_into_the_status_is_kept() {
    let set = sidecar_set().build();
    let previous = SidecarSetStatus { latest_revision: Some("log-sc-5f6d".into()), ..SidecarSetStatus::default() };

    let status = summarize_after(&set, &[], Some(&previous), now());

    assert_eq!(status.latest_revision.as_deref(), Some("log-sc-5f6d"));
}

#[test]
fn the_newest_revision_is_told_and_the_number_of_collisions_never_falls() {
    let two = SidecarSetStatus { collision_count: Some(2), ..SidecarSetStatus::default() };

    let first = with_revisions(SidecarSetStatus::default(), Some("log-sc-1"), 0);
    let later = with_revisions(two, None, 1);

    assert_eq!((first.latest_revision.as_deref(), first.collision_count), (Some("log-sc-1"), Some(0)));
    assert_eq!((later.latest_revision, later.collision_count), (None, Some(2)));
}

#[test]
fn a_pin_that_keeps_new_pods_from_being_created_makes_a_set_unready() {
    let missing = json!({"revision": {"revisionName": "log-sc-1"}});
    let set = sidecar_set().spec("injectionStrategy", missing).build();

    let status = summarize(&set, &[pod("a", &set)]);

    let message = "new pods are refused, because the set is pinned to revisionName \"log-sc-1\": no such revision \
                   belongs to this SidecarSet";
    assert_eq!(condition(&status, "Ready"), told("False", "RevisionUnusable", message));
    assert_eq!(condition(&status, "Progressing"), told("False", "Complete", "1 of 1 pods are updated"));
}

#[test]
fn a_pin_that_can_be_injected_changes_nothing_about_the_status() {
    let set = sidecar_set().pinned_to("Always", "agent:v0");

    let status = summarize(&set, &[pod("a", &set)]);

    assert_eq!(condition(&status, "Ready"), told("True", "AllPodsReady", "1 of 1 pods are updated and ready"));
}
