//! What the authors of sets are told of new Pods.

use crate::exchange::{Lookup, POD, ask, context, create_pod, knowing, patched, sidecar_set};
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

/// A Pod as the API server asks about it again.
async fn injected() -> Value {
    let mut pod = clashing();
    pod["spec"]["containers"][0]["name"] = "web".into();
    let answer = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;
    patched(&pod, &answer)
}

fn told(events: &[Event]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (event.reason.as_str(), event.note.as_str())).collect()
}

#[tokio::test]
async fn a_container_that_only_claims_to_be_the_sidecar_is_told_on_the_set() {
    let mut forged = injected().await;
    forged["spec"]["containers"][0]["command"] = json!(["sleep", "100000"]);

    let (answers, events) = review(&[create_pod(&forged)], 8).await;

    let replaced = "spec.containers[0]: container agent is replaced by the one of SidecarSet agent-set: it is marked as \
                    injected, but differs in command";
    assert_eq!(answers[0]["warnings"], json!([replaced]));
    assert_eq!(told(&events), [("ContainerReplaced", format!("pod shop/web-5d7f-: {replaced}").as_str())]);
}

#[tokio::test]
async fn a_field_that_another_webhook_has_dropped_is_told_on_the_set() {
    let mut stripped = injected().await;
    stripped["spec"]["containers"][0].as_object_mut().unwrap().remove("terminationMessagePolicy");

    let (answers, events) = review(&[create_pod(&stripped)], 8).await;

    let lost = "spec.containers[0]: container agent has lost terminationMessagePolicy since SidecarSet agent-set was \
                injected: it is put back";
    assert_eq!(answers[0]["warnings"], json!([lost]));
    assert_eq!(told(&events), [("ContainerStripped", format!("pod shop/web-5d7f-: {lost}").as_str())]);
    assert_eq!(patched(&stripped, &answers[0]), injected().await);
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
