//! Rollouts that are rolled back.

use super::world::{BAD_IN_SOME, DEADLINE, World};
use super::{after_failure, strategy};
use serde_json::json;
use sidecarset_api::v1beta1::{RolloutFailure, SidecarSetStatus};
use sidecarset_core::rollout::Hold;

#[test]
fn a_rollback_returns_the_upgraded_pods_and_only_these() {
    let mut world = World::new(6, &strategy("Rollback", 1, 2));
    // Some Pods still have what was there before the last good image.
    world.write(|spec| spec["updateStrategy"]["partition"] = json!(2));
    world.release("agent:v2");
    world.run(6);
    world.release("agent:bad");
    world.run(2);
    world.wait(DEADLINE);
    world.run(10);

    let images = ["agent:v1", "agent:v2", "agent:bad"].map(|image| world.with_image(image));
    assert_eq!(images, [2, 4, 0]);
    assert_eq!(world.ready(), 6);
    assert_eq!(world.holds(Hold::Halted), 2);
    assert_eq!(world.reason("Progressing"), "RolledBack");
}

#[test]
fn a_pod_that_lacks_changed_amounts_waits_for_the_next_spec_and_not_for_a_new_pod() {
    let mut world = World::new(4, &strategy("Rollback", 1, 2));
    world.write(|spec| {
        spec["updateStrategy"]["resources"] = json!("InPlace");
        spec["updateStrategy"]["partition"] = json!(2);
        spec["containers"][0]["resources"] = json!({"requests": {"cpu": "100m"}});
    });
    world.run(6);
    world.release("agent:bad");
    world.run(2);
    world.wait(DEADLINE);
    world.run(10);

    assert_eq!(world.reason("Progressing"), "RolledBack");
    assert_eq!((world.holds(Hold::Halted), world.holds(Hold::NeedsNewPod)), (2, 0));
    assert_eq!(world.status().not_upgradable_pods, 0);
}

#[test]
fn what_is_told_follows_the_rollback() {
    let mut world = World::new(3, &strategy("Rollback", 2, 2));
    world.release("agent:bad");
    world.run(1);
    world.wait(DEADLINE);
    let failed = "2 of 3 pods did not become ready within 30 s of their upgrade to log-sc-7977cb9fd7 (shop/pod-00, \
                  shop/pod-01)";
    let degraded = |rest: &str| Some((true, "FailureThresholdReached".to_owned(), format!("{failed}; {rest}")));

    let returning = "returning 2 pods to log-sc-69f6cfcccc; 2 pods fail to pull agent:bad (shop/pod-00, shop/pod-01): \
                     ImagePullBackOff";
    assert_eq!(world.round(), 0, "the status comes first");
    assert_eq!(world.condition("Degraded"), degraded(returning));
    assert_eq!(world.reason("Progressing"), "RollingBack");
    assert_eq!(world.round(), 2);
    world.round();
    assert_eq!(world.reason("Progressing"), "RollingBack", "they are not ready yet");
    world.kubelets();
    world.round();
    let told = degraded("rolled back to log-sc-69f6cfcccc; set a new image to go on");
    assert_eq!(world.condition("Degraded"), told);
    let [progressing, ready] = ["Progressing", "Ready"].map(|kind| world.condition(kind).unwrap());
    assert_eq!((progressing.0, &*progressing.1), (false, "RolledBack"));
    assert_eq!((ready.0, &*ready.1), (false, "RolledBack"));
    assert_eq!(world.status().updated_pods, 0, "they do not carry what is desired");
    assert_eq!(
        world.status().failure,
        Some(RolloutFailure {
            generation: 3,
            revision: Some("log-sc-7977cb9fd7".to_owned()),
            failed_pods: 2,
            rollback_revision: Some("log-sc-69f6cfcccc".to_owned()),
            message: failed.to_owned(),
        })
    );
}

#[test]
fn what_a_rollback_waits_for_is_named() {
    let mut world = World::new(3, &strategy("Rollback", 1, 1));
    world.release(BAD_IN_SOME);
    world.run(5);
    world.wait(DEADLINE);
    world.round();
    world.round();
    // It runs the image before again, and the application in it does not get ready.
    world.pods[2] = world.pods[2].clone().caught_up().ready().condition(false, "2026-01-02T03:05:00Z");
    world.round();

    let message = "2 of 3 pods are updated; 2 wait for unavailable pods (maxUnavailable is 1, and 1 upgraded pod is not \
                   ready: shop/pod-02)";
    assert_eq!(world.condition("Progressing"), Some((true, "RollingBack".to_owned(), message.to_owned())));
}

#[test]
fn what_breaks_after_a_rollback_is_not_on_its_way_back() {
    let mut world = after_failure(3, &strategy("Rollback", 1, 1));

    world.crash(0);
    world.round();

    assert_eq!(world.reason("Progressing"), "RolledBack");
}

#[test]
fn a_rollback_ignores_the_partition_and_the_selector_and_goes_as_far_as_the_budget() {
    let mut world = World::new(6, &strategy("Rollback", 2, 2));
    world.write(|spec| spec["updateStrategy"]["partition"] = json!(3));
    world.release("agent:bad");
    world.run(2);
    world.wait(DEADLINE);
    world.run(10);

    assert_eq!(world.with_image("agent:v1"), 6);
    assert_eq!(world.holds(Hold::Partition), 0);
}

#[test]
fn new_pods_get_the_revision_before_while_a_rollback_holds() {
    let mut world = World::new(2, &strategy("Rollback", 1, 1));
    world.release("agent:bad");
    world.run(2);
    assert_eq!(world.new_pod().0, "agent:bad");
    world.wait(DEADLINE);
    world.round();

    assert_eq!(world.new_pod(), ("agent:v1".to_owned(), Some("log-sc-69f6cfcccc".to_owned())));
    world.release("agent:v2");
    assert_eq!(world.new_pod().0, "agent:v2");
}

#[test]
fn a_revision_that_a_person_names_wins_over_the_rollback() {
    let mut world = World::new(2, &strategy("Rollback", 1, 1));
    world.release("agent:v0");
    let named = world.canonical().revision.as_deref().unwrap().to_owned();
    world.run(5);
    world.write(|spec| spec["injectionStrategy"] = json!({"revision": {"revisionName": named}}));
    world.release("agent:bad");
    world.run(2);
    world.write(|spec| spec["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-69f6cfcccc"}}));
    world.run(2);
    world.wait(DEADLINE);
    world.run(5);

    assert_eq!(world.with_image("agent:v0"), 2);
    assert_eq!(world.new_pod().0, "agent:v1");
}

#[test]
fn another_image_that_fails_does_not_return_to_the_one_that_failed_before() {
    for has_completed in [true, false] {
        let mut world = World::new(3, &strategy("Rollback", 1, 1));
        if !has_completed {
            world.set_status(&SidecarSetStatus { completed_revision: None, ..world.status() });
        }
        for bad in ["agent:bad", "agent:bad2"] {
            world.release(bad);
            world.run(2);
            world.wait(DEADLINE);
            world.run(6);

            assert_eq!(world.with_image("agent:v1"), 3, "{bad}");
        }
    }
}

#[test]
fn a_definition_that_never_worked_is_not_returned_to() {
    let mut world = World::new(4, &strategy("Rollback", 1, 1));
    // Somebody sees that it is bad before the operator does.
    world.release("agent:bad");
    world.run(2);
    world.release("agent:bad2");
    world.run(2);
    world.wait(DEADLINE);
    world.run(4);

    assert_eq!((world.with_image("agent:v1"), world.ready()), (4, 4));
}

#[test]
fn where_nothing_is_known_to_work_the_newest_revision_is_returned_to() {
    let mut world = World::new(1, &strategy("Rollback", 1, 1));
    world.release("agent:v2");
    world.release("agent:bad");
    world.run(2);
    world.set_status(&SidecarSetStatus { completed_revision: None, ..world.status() });
    world.wait(DEADLINE);
    world.run(4);

    assert_eq!(world.with_image("agent:v2"), 1);
}

#[test]
fn without_a_revision_to_return_to_a_rollback_halts_and_says_why() {
    let mut world = World::new(3, &strategy("Rollback", 1, 1));
    world.release("agent:bad");
    world.forget("agent:v1");
    world.run(2);
    world.wait(DEADLINE);
    world.run(3);

    let (_, _, message) = world.condition("Degraded").unwrap();
    assert_eq!(world.with_image("agent:bad"), 1);
    assert_eq!(world.reason("Progressing"), "Halted");
    assert!(
        message.contains(
            "; there is no past revision to return to that differs in nothing but images; the rollout is halted until \
             the spec changes"
        ),
        "{message}"
    );
}

#[test]
fn a_rollback_whose_revision_is_gone_halts_and_new_pods_get_what_is_desired() {
    let mut world = World::new(3, &strategy("Rollback", 1, 1));
    world.release("agent:bad");
    world.run(2);
    world.wait(DEADLINE);
    world.round();
    world.forget("agent:v1");
    world.run(3);

    let (_, _, message) = world.condition("Degraded").unwrap();
    assert_eq!(world.with_image("agent:bad"), 1);
    assert_eq!(world.new_pod().0, "agent:bad");
    assert!(
        message.contains(
            "it cannot return to log-sc-69f6cfcccc, and is halted until the spec changes: no such revision belongs to \
             this SidecarSet"
        ),
        "{message}"
    );
}

#[test]
fn pods_in_which_the_image_works_return_as_far_at_a_time_as_the_budget_allows() {
    let mut world = World::new(9, &strategy("Rollback", 2, 2));
    world.release(BAD_IN_SOME);
    world.run(6);
    world.wait(DEADLINE);
    world.round();
    assert_eq!((world.with_image(BAD_IN_SOME), world.ready()), (6, 7));

    // Those that are broken spend the budget until they are back.
    assert_eq!(world.round(), 2);
    assert_eq!(world.holds(Hold::BudgetSpent), 4);
    world.run(6);

    assert_eq!((world.with_image("agent:v1"), world.ready()), (9, 9));
}

#[test]
fn a_definition_that_the_cluster_does_not_allow_any_more_is_not_returned_to() {
    let returned_to = |allowed: &str, is_plain_known: bool| {
        let mut world = World::new(2, &strategy("Rollback", 1, 1));
        world.allow("^mine/");
        if !is_plain_known {
            world.forget("agent:v1");
        }
        world.write(|spec| spec["patchPodMetadata"] = json!([{"annotations": {"mine/x": "1"}}]));
        let annotated = world.canonical().revision.as_deref().map(str::to_owned);
        world.run(4);
        world.write(|spec| {
            spec["patchPodMetadata"] = json!([]);
            spec["containers"][0]["image"] = json!("agent:bad");
        });
        world.allow(allowed);
        world.run(2);
        world.wait(DEADLINE);
        world.run(6);
        let revision = world.status().failure.unwrap().rollback_revision;
        (revision.map(|revision| Some(revision) == annotated), world.reason("Progressing"), world.image(0))
    };
    let (back, bad) = (("RolledBack".to_owned(), "agent:v1".to_owned()), ("Halted".to_owned(), "agent:bad".to_owned()));

    assert_eq!(returned_to("^mine/", true), (Some(true), back.0.clone(), back.1.clone()));
    assert_eq!(returned_to("^good/", true), (Some(false), back.0, back.1));
    assert_eq!(returned_to("^good/", false), (None, bad.0, bad.1));
}
