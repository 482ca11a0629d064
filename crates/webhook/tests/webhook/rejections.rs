//! Sets that the API server does not take.

use crate::exchange::{VALIDATE_SET, sidecar_set, write_set};
use crate::run::{mutating, scope, start, start_as_follower};
use crate::scenario::REJECTED;
use serde_json::{Value, json};
use sidecarset_core::registration::Coverage;
use std::time::Duration;
use tokio::time::sleep;

fn set(name: &str, app: &str) -> Value {
    let mut set = sidecar_set(name);
    set["spec"]["selector"]["matchLabels"]["app"] = json!(app);
    set
}

#[tokio::test(start_paused = true)]
async fn a_set_that_the_api_server_rejects_keeps_no_other_one_from_being_registered() {
    let mut running = start();
    running.registered().await;
    running.put(&set("bad", REJECTED));
    running.put(&set("good", "good"));

    sleep(Duration::from_secs(2)).await;

    let in_force = running.in_force.borrow().clone();
    let coverage = |app| in_force.coverage(&scope(&set("any", app)));
    assert_eq!(coverage("good"), Some(&Coverage::Exact));
    assert_eq!(coverage(REJECTED), Some(&Coverage::Rejected { message: "there is no such app".into() }));
    assert_eq!(running.writes(), [mutating()]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_changes_is_rejected_no_longer() {
    let mut running = start();
    running.registered().await;
    running.put(&set("bad", REJECTED));
    sleep(Duration::from_secs(2)).await;
    running.writes();

    running.put(&set("bad", "mended"));
    sleep(Duration::from_secs(2)).await;

    let in_force = running.in_force.borrow().clone();
    assert_eq!(in_force.coverage(&scope(&set("any", "mended"))), Some(&Coverage::Exact));
    assert_eq!(in_force.coverage(&scope(&set("any", REJECTED))), None);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_adds_the_other_sets_about_which_it_is_asked() {
    let (mut running, mut written) = start_as_follower();
    running.registered().await;

    let (bad, good) = (write_set(&set("bad", REJECTED), None), write_set(&set("good", "good"), None));
    let ((bad, _), (good, took)) = tokio::join!(running.review(VALIDATE_SET, bad), running.review(VALIDATE_SET, good));

    assert_eq!((&bad["allowed"], &good["allowed"]), (&json!(true), &json!(true)));
    assert!(took.as_millis() < 1000, "{took:?}");
    let (_, added) = written.try_recv().unwrap();
    let condition = added["webhooks"][0]["matchConditions"][0]["expression"].as_str().unwrap();
    assert_eq!(condition, "object.metadata.?labels['app'].orValue('') == 'good'");
}
