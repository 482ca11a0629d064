//! How the operator ends.

use crate::process::{CONFIGURATION, LEASE, Operator};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// A set that selects Pods that no other one selects.
fn set() -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "new"},
        "spec": {
            "selector": {"matchLabels": {"app": "new"}},
            "containers": [{"name": "agent", "image": "agent:v1"}],
        },
    })
}

#[test]
fn it_is_not_ready_any_more_and_answers_for_a_while() {
    let mut operator = Operator::start_as(&["--drain-delay", "2s"]);
    operator.until_ready();

    operator.terminate();
    operator.until_unready();
    let told = Instant::now();
    let answers = (0..20).map(|_| operator.review(&pod())["response"]["patchType"].clone());

    assert!(answers.into_iter().all(|patch| patch == "JSONPatch"));
    assert!(operator.until_ended());
    let took = told.elapsed();
    assert!(took > Duration::from_millis(1500), "{took:?}");
}

#[test]
fn a_review_that_is_under_way_is_answered() {
    let mut operator = Operator::start_as(&["--drain-delay", "0s"]);
    operator.until_ready();
    // Nobody tells the API server of the new set now, so its review takes two seconds.
    operator.cluster.silence(CONFIGURATION);

    let (answer, took) = thread::scope(|scope| {
        let review = scope.spawn(|| {
            let began = Instant::now();
            (operator.review_set(&set()), began.elapsed())
        });
        thread::sleep(Duration::from_millis(500));
        operator.terminate();
        review.join().unwrap()
    });

    assert_eq!(answer["response"]["allowed"], true);
    assert!(took > Duration::from_millis(1500), "{took:?}");
    assert!(operator.until_ended());
}

#[test]
fn its_lease_is_given_back() {
    let mut operator = Operator::start_as(&["--drain-delay", "1s"]);
    operator.until_ready();
    assert_ne!(operator.cluster.object(LEASE).unwrap()["spec"]["holderIdentity"], "");

    operator.terminate();
    operator.until_logged("gave back the lease of the leader");

    assert_eq!(operator.cluster.object(LEASE).unwrap()["spec"]["holderIdentity"], "");
    // Others need not wait for the reviews.
    assert_eq!(operator.review(&pod())["response"]["allowed"], true);
    assert!(operator.until_ended());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut operator = Operator::start_as(&["--drain-delay", "60s"]);
    operator.until_ready();
    let told = Instant::now();

    operator.terminate();
    operator.until_logged("stopping");
    operator.signal("-INT");

    assert!(!operator.until_ended(), "it ended as if it had had its time");
    assert!(told.elapsed() < Duration::from_secs(20));
}
