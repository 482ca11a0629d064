//! Several operators in one cluster.

use crate::process::{LEASE, Operator};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// A lease that is over soon.
const SHORT: [&str; 6] = ["--lease-duration", "2s", "--lease-renew-deadline", "1s", "--lease-retry-period", "200ms"];

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// Two operators, of which the first one leads.
fn two() -> [Operator; 2] {
    let first = Operator::start_as(&SHORT);
    first.until_ready();
    let second = first.start_beside(&SHORT);
    second.until_ready();
    [first, second]
}

fn holder(operator: &Operator) -> String {
    operator.cluster.object(LEASE).unwrap()["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

#[test]
fn each_answers_reviews_and_one_leads() {
    let [first, second] = two();

    let answers = [&first, &second].map(|operator| operator.review(&pod())["response"]["patchType"].clone());

    assert_eq!(answers, ["JSONPatch", "JSONPatch"]);
    assert_eq!([&first, &second].map(|it| it.logged("this replica leads")), [1, 0]);
    assert_eq!([&first, &second].map(|it| it.logged("registered the webhooks")), [1, 0]);
    assert_eq!(second.logged("another replica leads"), 1);
    // One certificate for all.
    assert_eq!([&first, &second].map(|it| it.logged("renewed the certificate")), [1, 0]);
}

#[test]
fn another_one_leads_once_the_leader_has_died() {
    let [mut first, second] = two();
    let before = holder(&second);

    first.kill();
    second.until_logged("this replica leads");

    assert_ne!(holder(&second), before);
    assert_eq!(second.review(&pod())["response"]["patchType"], "JSONPatch");
}

#[test]
fn a_leader_that_was_frozen_for_too_long_writes_nothing_any_more_and_ends() {
    let [mut first, second] = two();

    first.signal("-STOP");
    second.until_logged("this replica leads");
    thread::sleep(Duration::from_millis(500));
    first.signal("-CONT");

    first.until_logged("stopped writing: another replica may lead");
    assert!(!first.until_ended(), "it ended as if all were well");
    assert_eq!(second.logged("stopped writing: another replica may lead"), 0);
}
