//! What the authors of sets are told of new Pods.

use crate::exchange::{Lookup, POD, ask, context, create_pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::{Event, EventKind, Subject};
use sidecarset_webhook::Context;
use sidecarset_webhook::server::router;
use tokio::sync::mpsc;

/// A Pod that has a container of the sidecar's name.
fn clashing() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-5d7f-", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "agent", "image": "mine:1"}]},
    })
}

/// Asks as often as there are reviews, and returns the answers and what is told.
async fn review(reviews: &[Value], room: usize) -> (Vec<Value>, Vec<Event>) {
    let (tells, mut told) = mpsc::channel(room);
    let mut catalog = Catalog::default();
    catalog.put_set(&serde_json::from_value(sidecar_set("agent-set")).unwrap());
    let router = router(Context { events: tells, ..context(catalog, Lookup::NotExpected) });
    let mut answers = Vec::new();
    for review in reviews {
        answers.push(ask(router.clone(), POD, review.clone()).await);
    }
    drop(router);
    let mut events = Vec::new();
    while let Ok(event) = told.try_recv() {
        events.push(event);
    }
    (answers, events)
}

#[tokio::test]
async fn a_container_that_is_replaced_is_told_on_the_set() {
    let (answers, events) = review(&[create_pod(&clashing())], 8).await;

    let replaced = "spec.containers[0]: container agent is replaced by the one of SidecarSet agent-set";
    assert_eq!(answers[0]["warnings"], json!([replaced]));
    let expected = Event {
        subject: Subject::Set { name: "agent-set".into(), uid: None },
        kind: EventKind::Warning,
        reason: "ContainerReplaced".to_owned(),
        action: "Inject",
        note: format!("pod shop/web-5d7f-: {replaced}"),
    };
    assert_eq!(events, [expected]);
}

#[tokio::test]
async fn a_dry_run_tells_nothing() {
    let mut review_of_a_try = create_pod(&clashing());
    review_of_a_try["dryRun"] = true.into();

    let (answers, events) = review(&[review_of_a_try], 8).await;

    assert_eq!(answers[0]["allowed"], true);
    assert_eq!(events, []);
}

#[tokio::test]
async fn where_too_many_events_wait_a_pod_does_not() {
    let (answers, events) = review(&[create_pod(&clashing()), create_pod(&clashing())], 1).await;

    assert_eq!(answers[1]["allowed"], true);
    assert_eq!(events.len(), 1);
}
