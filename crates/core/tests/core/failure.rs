//! Rollouts that fail: which Pods count, what follows, and what ends it.

#[path = "failure/chance.rs"]
mod chance;
#[path = "failure/course.rs"]
mod course;
#[path = "failure/rollback.rs"]
mod rollback;
#[path = "failure/world.rs"]
mod world;

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::judge;
use world::{DEADLINE, World};

/// Ten minutes after the upgrade, which is at `now()`.
const DUE: &str = "2026-01-02T03:14:05Z";
/// A second before and after that.
const BEFORE: &str = "2026-01-02T03:14:04Z";
const AFTER: &str = "2026-01-02T03:14:06Z";

fn time(text: &str) -> Seconds {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn set() -> CanonicalSet {
    sidecar_set().image("agent:v2").strategy("failureThreshold", 1).build()
}

/// A Pod that was upgraded to the set at `now()`.
fn upgraded(name: &str) -> PodBuilder {
    let old = pod(name, &sidecar_set().build());
    let patch = old.upgrade_to(&set());
    old.patched(&patch)
}

fn is_failed_at(pod: &PodBuilder, moment: &str) -> bool {
    let pod = pod.build();
    !judge(&set(), &[&pod], None, time(moment)).failed.is_empty()
}

#[test]
fn a_pod_fails_that_is_not_ready_when_its_time_is_over() {
    let pod = upgraded("a").waiting("ImagePullBackOff").condition(false, "2026-01-02T03:04:07Z");

    assert!(!is_failed_at(&pod, BEFORE));
    assert!(is_failed_at(&pod, DUE));
}

#[test]
fn the_end_of_the_next_pods_time_is_told() {
    let pod = upgraded("a").condition(false, "2026-01-02T03:04:07Z").build();
    let early = upgraded("b").set("/metadata/annotations", pod_annotations("2026-01-02T03:00:00Z")).not_ready().build();

    let judgement = judge(&set(), &[&pod, &early], None, now());
    let over = judge(&set(), &[&pod], None, time(DUE));

    assert_eq!(judgement.next, Some(time("2026-01-02T03:10:00Z")));
    assert_eq!(over.next, None);
}

#[test]
fn of_ready_pods_the_end_of_the_last_ones_time_is_told() {
    let pod = upgraded("a").caught_up().build();
    let early = upgraded("b").set("/metadata/annotations", pod_annotations("2026-01-02T03:00:00Z")).build();

    assert_eq!(judge(&set(), &[&pod, &early], None, now()).next, Some(time(DUE)));
    assert_eq!(judge(&set(), &[&pod, &early], None, time(DUE)).next, None);
}

/// The annotations of an upgraded Pod, with another time.
fn pod_annotations(moment: &str) -> Value {
    let recorded = json!({"log-sc": {"updateTimestamp": moment, "hash": &*set().hashes.full}}).to_string();
    json!({
        "kruise.io/sidecarset-injected-list": "log-sc",
        "kruise.io/sidecarset-hash": recorded,
        "kruise.io/sidecarset-inplace-update-state": json!({"log-sc": {"lastContainerStatuses": {}}}).to_string(),
    })
}

#[test]
fn a_pod_that_became_ready_in_time_has_not_failed_when_it_breaks_later() {
    let pod = upgraded("a").caught_up();

    assert!(!is_failed_at(&pod.clone().condition(true, "2026-01-02T03:05:00Z"), AFTER));
    assert!(!is_failed_at(&pod.condition(false, AFTER), "2026-01-05T00:00:00Z"));
}

#[test]
fn a_sidecar_that_crashes_again_and_again_has_failed_however_briefly_it_was_ready() {
    let pod = upgraded("a").caught_up().waiting("CrashLoopBackOff").condition(false, AFTER);

    assert!(is_failed_at(&pod, "2026-01-02T03:15:00Z"));
}

#[test]
fn a_container_that_is_about_to_start_has_not_failed() {
    let pod = upgraded("a").caught_up().waiting("ContainerCreating").condition(false, AFTER);

    assert!(!is_failed_at(&pod, "2026-01-02T03:15:00Z"));
}

#[test]
fn a_pod_whose_kubelet_has_not_begun_has_failed_though_it_is_ready() {
    let pod = upgraded("a").condition(true, "2026-01-01T00:00:05Z");

    assert!(is_failed_at(&pod, DUE));
    assert!(!is_failed_at(&pod.caught_up(), DUE));
}

#[test]
fn a_pod_that_was_created_with_the_definition_has_not_failed_an_upgrade() {
    let pod = pod("a", &set()).waiting("ImagePullBackOff").condition(false, "2026-01-01T00:00:05Z");

    assert!(!is_failed_at(&pod, AFTER));
}

#[test]
fn a_pod_with_another_definition_has_not_failed() {
    let pod = pod("a", &sidecar_set().build()).waiting("CrashLoopBackOff").condition(false, "2026-01-01T00:00:05Z");

    assert!(!is_failed_at(&pod, AFTER));
}

#[test]
fn a_pod_that_was_broken_before_has_failed_only_where_a_sidecar_has() {
    let before = pod("a", &sidecar_set().build()).condition(false, "2026-01-01T00:00:05Z");
    let broken = before.upgraded_to(&set());

    assert!(!is_failed_at(&broken, DUE));
    assert!(is_failed_at(&broken.waiting("ImagePullBackOff"), DUE));
}

#[test]
fn an_application_that_the_upgrade_breaks_has_failed() {
    // The sidecar runs and is ready; the Pod was, until the upgrade.
    let pod = upgraded("a").caught_up().condition(false, "2026-01-02T03:04:05Z");

    assert!(is_failed_at(&pod, DUE));
}

fn is_reached(set: &CanonicalSet, failed: usize, total: usize, status: Option<&SidecarSetStatus>) -> bool {
    let names: Vec<String> = (0..total).map(|at| format!("pod-{at}")).collect();
    let pods: Vec<PodRecord> =
        names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                if at < failed {
                    upgraded(name).waiting("ErrImagePull").not_ready()
                } else {
                    upgraded(name).caught_up()
                }
            })
            .map(|pod| pod.build())
            .collect();
    let judgement = judge(set, &pods.iter().collect::<Vec<_>>(), status, time(AFTER));
    judgement.is_reached
}

#[test]
fn a_threshold_is_a_number_or_a_share_of_the_matched_pods() {
    let set = |threshold: Value| sidecar_set().image("agent:v2").strategy("failureThreshold", threshold).build();

    assert!(!is_reached(&set(json!(2)), 1, 20, None));
    assert!(is_reached(&set(json!(2)), 2, 20, None));
    assert!(!is_reached(&set(json!("10%")), 2, 21, None));
    assert!(is_reached(&set(json!("10%")), 3, 21, None));
}

#[test]
fn nothing_is_judged_where_nobody_asks_for_it() {
    let set = sidecar_set().image("agent:v2");
    let asking = set.clone().strategy("failureThreshold", 1);

    assert!(is_reached(&asking.clone().build(), 5, 5, None));
    assert!(!is_reached(&set.build(), 5, 5, None));
    assert!(!is_reached(&asking.clone().strategy("paused", true).build(), 5, 5, None));
    assert!(!is_reached(&asking.strategy("type", "NotUpdate").build(), 5, 5, None));
}

#[test]
fn nothing_is_judged_once_a_rollout_has_come_to_its_end() {
    let set = CanonicalSet { revision: Some("log-sc-b".into()), ..set() };
    let completed = |revision: &str| SidecarSetStatus {
        completed_revision: Some(revision.to_owned()),
        ..SidecarSetStatus::default()
    };

    assert!(is_reached(&set, 1, 5, Some(&completed("log-sc-a"))));
    assert!(!is_reached(&set, 1, 5, Some(&completed("log-sc-b"))));
}

fn strategy(on_failure: &str, threshold: impl Into<Value>, max_unavailable: impl Into<Value>) -> Value {
    json!({"onFailure": on_failure, "failureThreshold": threshold.into(), "maxUnavailable": max_unavailable.into()})
}

/// Rolls a bad image out until it has failed, and what follows from that is done.
fn after_failure(pods: usize, strategy: &Value) -> World {
    let mut world = World::new(pods, strategy);
    world.release("agent:bad");
    world.run(3);
    world.wait(DEADLINE);
    world.run(3 * pods);
    world
}
