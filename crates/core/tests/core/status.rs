//! What a status says.

use crate::build::{PodBuilder, now, pod, sidecar_set, summarize_after};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::status::with_revisions;

fn summarize(set: &CanonicalSet, pods: &[PodBuilder]) -> SidecarSetStatus {
    summarize_after(set, pods, None, now())
}

// What `kubectl wait` compares is the condition's generation, and its status only where that is the set's.
fn ready(set: &CanonicalSet, pods: &[PodBuilder]) -> (String, String) {
    let (is, why, _) = condition(&summarize(set, pods), "Ready");
    (is, why)
}

fn is(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
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
            "0 of 1 pods are updated; 1 takes the change when it is created anew: more than an image changed"
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

#[test]
fn a_set_without_pods_is_ready_and_says_so() {
    assert_eq!(ready(&sidecar_set().build(), &[]), is("True", "NoPods"));
}

#[test]
fn a_rollout_that_somebody_stopped_is_not_ready_while_a_pod_is_outdated() {
    let old = || pod("old", &sidecar_set().build());
    let stopped = |member: &str, value: Value| sidecar_set().image("agent:v2").strategy(member, value).build();

    for (member, value, reason) in [
        ("paused", json!(true), "Paused"),
        ("partition", json!(1), "PartitionReached"),
        ("type", json!("NotUpdate"), "NotUpdate"),
    ] {
        let set = stopped(member, value);
        let new = pod("new", &set);
        assert_eq!(ready(&set, &[old(), new.clone()]), is("False", reason));
        assert_eq!(ready(&set, &[new]), is("True", "AllPodsReady"));
    }
    let changed = sidecar_set().env("A", "b").build();
    assert_eq!(ready(&changed, &[old()]), is("False", "NotUpgradable"));
}

#[test]
fn what_a_rollout_can_do_is_done_when_it_no_longer_progresses() {
    let old = || pod("old", &sidecar_set().build());
    let set = sidecar_set().image("agent:v2").strategy("partition", 1).build();

    let on_its_way = summarize(&set, &[old(), pod("new", &set).not_ready()]);
    let arrived = summarize(&set, &[old(), pod("new", &set)]);

    assert_eq!(condition(&on_its_way, "Progressing").0, "True");
    assert_eq!(condition(&arrived, "Progressing").0, "False");
}

#[test]
fn every_condition_speaks_of_the_generation_that_was_looked_at() {
    let before = summarize(&sidecar_set().build(), &[]);
    let set = sidecar_set().metadata("generation", 4).build();

    let status = summarize_after(&set, &[], Some(&before), now());

    let spoken: Vec<_> = status.conditions.iter().map(|it| (it.type_.as_str(), it.observed_generation)).collect();
    assert_eq!(spoken, [("Ready", Some(4)), ("Progressing", Some(4)), ("Degraded", Some(4))]);
}

#[test]
fn messages_name_the_pods_that_a_rollout_waits_for() {
    let set = sidecar_set().image("agent:v2").strategy("maxUnavailable", "40%").strategy("partition", 2).build();
    let old = |name: &str| pod(name, &sidecar_set().build());
    let new = |name: &str| old(name).upgraded_to(&sidecar_set().image("agent:v2").build());
    let pods = [old("a"), old("b"), old("c"), new("web-7").not_ready(), new("web-3").not_ready()];

    let status = summarize(&set, &pods);

    let waiting = "2 of 5 pods are updated; 1 waits for unavailable pods (maxUnavailable is 2, and 2 upgraded pods are \
                   not ready: shop/web-3, shop/web-7); 2 stay because of the partition";
    assert_eq!(condition(&status, "Progressing"), told("True", "MaxUnavailableReached", waiting));
    let ready = "0 of 5 pods are updated and ready; 2 upgraded pods are not ready: shop/web-3, shop/web-7";
    assert_eq!(condition(&status, "Ready"), told("False", "MaxUnavailableReached", ready));
}

#[test]
fn a_budget_of_nothing_is_told_without_pods() {
    let set = sidecar_set().image("agent:v2").strategy("maxUnavailable", 0).build();

    let status = summarize(&set, &[pod("a", &sidecar_set().build())]);

    let message = "0 of 1 pods are updated; 1 waits for unavailable pods (maxUnavailable is 0)";
    assert_eq!(condition(&status, "Progressing").2, message);
}

#[test]
fn a_rollout_that_waits_for_its_last_pods_names_them() {
    let (before, set) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());

    let status = summarize(&set, &[pod("a", &set), pod("b", &before).upgraded_to(&set).not_ready()]);

    let message = "2 of 2 pods are updated; 1 upgraded pod is not ready: shop/b";
    assert_eq!(condition(&status, "Progressing"), told("True", "WaitingForPods", message));
}
