//! The course of rollouts that fail, and what ends it.

use super::world::{BAD_IN_SOME, DEADLINE, World};
use super::{after_failure, strategy};
use serde_json::json;
use sidecarset_api::v1beta1::{RolloutFailure, SidecarSetStatus};
use sidecarset_core::rollout::Hold;

#[test]
fn a_rollout_is_halted_once_too_many_pods_have_failed() {
    let mut world = after_failure(5, &strategy("Halt", 2, 2));

    assert_eq!(world.with_image("agent:bad"), 2);
    assert_eq!(world.holds(Hold::Halted), 3);
    assert_eq!(
        world.condition("Degraded"),
        Some((
            true,
            "FailureThresholdReached".to_owned(),
            "2 of 5 pods did not become ready within 30 s of their upgrade to log-sc-7977cb9fd7 (shop/pod-00, \
             shop/pod-01); the rollout is halted until the spec changes; 2 pods fail to pull agent:bad (shop/pod-00, \
             shop/pod-01): ImagePullBackOff"
                .to_owned()
        ))
    );
    assert_eq!(
        world.condition("Progressing"),
        Some((
            false,
            "Halted".to_owned(),
            "2 of 5 pods are updated; 3 stay because the rollout has failed; 2 upgraded pods are not ready: shop/pod-00, \
             shop/pod-01"
                .to_owned()
        ))
    );
    assert_eq!(world.reason("Ready"), "Halted");
    // Broken ones too, which cost nothing.
    world.crash(4);
    assert_eq!(world.round(), 0);
}

#[test]
fn below_the_threshold_nothing_happens() {
    let world = after_failure(5, &strategy("Rollback", 3, 2));

    assert_eq!(world.reason("Progressing"), "MaxUnavailableReached");
    assert_eq!(world.status().failure, None);
    assert_eq!(world.reason("Degraded"), "ImagePullFailing");
}

#[test]
fn a_halt_gives_new_pods_what_is_desired() {
    assert_eq!(after_failure(3, &strategy("Halt", 1, 1)).new_pod().0, "agent:bad");
}

#[test]
fn a_change_of_the_spec_ends_it_and_a_good_image_goes_on() {
    for on_failure in ["Halt", "Rollback"] {
        let mut world = after_failure(4, &strategy(on_failure, 1, 1));
        world.release("agent:v2");
        world.run(8);

        assert_eq!((world.with_image("agent:v2"), world.ready()), (4, 4));
        assert_eq!(world.reason("Progressing"), "Complete");
        assert_eq!(world.reason("Degraded"), "AsExpected");
        assert_eq!(world.status().failure, None);
    }
}

fn faked(generation: i64, revision: &str) -> SidecarSetStatus {
    let failure =
        RolloutFailure { generation, rollback_revision: Some(revision.to_owned()), ..RolloutFailure::default() };
    SidecarSetStatus { failure: Some(failure), ..SidecarSetStatus::default() }
}

#[test]
fn a_status_that_names_what_is_not_the_sets_or_does_not_fit_is_not_followed() {
    let mut world = World::new(2, &strategy("Rollback", 1, 1));
    world.write(|spec| spec["containers"][0]["env"] = json!([{"name": "A", "value": "b"}]));
    world.set_status(&faked(3, "another-sets"));
    assert_eq!(world.new_pod().0, "agent:v1");
    assert!(world.canonical().failure.as_ref().unwrap().rollback().is_none());

    world.set_status(&faked(3, "log-sc-69f6cfcccc"));

    assert!(world.canonical().failure.as_ref().unwrap().rollback().is_none());
    assert_eq!(world.canonical().effective().revision, world.canonical().revision);
}

#[test]
fn a_status_says_nothing_of_another_generation_or_of_a_set_that_asks_for_nothing() {
    let mut asking = World::new(2, &strategy("Rollback", 1, 1));
    asking.set_status(&faked(1, "log-sc-69f6cfcccc"));
    let mut silent = World::new(2, &json!({}));
    silent.set_status(&faked(2, "log-sc-69f6cfcccc"));
    let mut resting = World::new(2, &json!({"type": "NotUpdate", "failureThreshold": 1}));
    resting.set_status(&faked(2, "log-sc-69f6cfcccc"));

    for world in [asking, silent, resting] {
        assert_eq!(world.canonical().failure, None);
    }
}

#[test]
fn a_pod_that_breaks_after_the_rollout_has_come_to_its_end_changes_nothing() {
    let mut world = World::new(3, &strategy("Rollback", 1, 1));
    world.release("agent:v2");
    world.run(6);
    assert_eq!(world.reason("Progressing"), "Complete");
    world.wait(DEADLINE);
    world.round();

    world.wait(604_800);
    world.crash(0);
    world.round();
    world.wait(604_800);
    world.round();
    // Nor where the set is edited while it is broken.
    world.write(|spec| spec["updateStrategy"]["maxUnavailable"] = json!(2));
    world.run(0);

    assert_eq!(world.status().failure, None);
    assert_eq!(world.with_image("agent:v2"), 3);
}

#[test]
fn a_pod_that_breaks_before_its_time_is_over_has_failed_though_the_rollout_seemed_complete() {
    let mut world = World::new(3, &strategy("Rollback", 1, 1));
    world.release("agent:v2");
    world.run(6);
    assert_eq!(world.reason("Progressing"), "Complete");

    // A container without a probe is ready with each start.
    world.crash(0);
    world.wait(DEADLINE);
    world.run(6);

    assert_eq!(world.reason("Progressing"), "RolledBack");
    assert_eq!((world.with_image("agent:v1"), world.ready()), (3, 3));
}

#[test]
fn a_rollout_is_over_when_every_pod_has_had_its_time_and_too_few_have_failed() {
    let mut world = World::new(5, &strategy("Rollback", 2, 2));
    world.release(BAD_IN_SOME);
    world.run(6);
    let revision = world.canonical().revision.as_deref().map(str::to_owned);
    assert_ne!(world.status().completed_revision, revision);
    world.wait(DEADLINE);
    world.round();
    assert_eq!(world.reason("Progressing"), "WaitingForPods");
    assert_eq!(world.status().completed_revision, revision);

    world.wait(604_800);
    world.crash(0);
    world.crash(1);
    world.run(0);

    assert_eq!(world.status().failure, None);
}

#[test]
fn a_rollout_that_is_paused_is_not_over_and_fails_once_it_goes_on() {
    let mut world = World::new(3, &strategy("Halt", 2, 3));
    world.release("agent:bad");
    world.run(2);
    world.write(|spec| spec["updateStrategy"]["paused"] = json!(true));
    world.wait(DEADLINE);
    world.run(2);
    assert_eq!(world.status().failure, None);

    world.write(|spec| spec["updateStrategy"]["paused"] = json!(false));
    world.run(0);

    assert_eq!(world.reason("Progressing"), "Halted");
}

#[test]
fn a_rollout_that_the_partition_stops_is_not_over() {
    let mut world = World::new(4, &strategy("Rollback", 1, 1));
    world.write(|spec| spec["updateStrategy"]["partition"] = json!(2));
    world.release("agent:v2");
    world.run(6);
    world.wait(DEADLINE);
    world.round();
    assert_eq!(world.reason("Progressing"), "PartitionReached");

    let upgraded = (0..4).find(|at| world.image(*at) == "agent:v2").unwrap();
    world.wait(604_800);
    world.crash(upgraded);
    world.run(4);

    assert_eq!((world.with_image("agent:v1"), world.reason("Progressing")), (4, "RolledBack".to_owned()));
}

#[test]
fn a_rollout_with_fewer_slow_pods_than_the_threshold_completes() {
    let mut world = World::new(4, &strategy("Rollback", 2, 2));
    world.release("agent:v2");
    let slow = 0;
    for _ in 0..40 {
        world.round();
        world.wait(1);
        (0..4).filter(|at| *at != slow).collect::<Vec<_>>().into_iter().for_each(|at| world.kubelet(at));
        if world.image(slow) == "agent:v2" && world.pods[slow].build().is_ready() {
            world.pods[slow] = world.pods[slow].clone().not_ready();
        }
    }
    assert_eq!(world.reason("Progressing"), "WaitingForPods");
    world.kubelets();
    world.round();

    assert_eq!(world.reason("Progressing"), "Complete");
    assert_eq!((world.with_image("agent:v2"), world.ready()), (4, 4));
}
