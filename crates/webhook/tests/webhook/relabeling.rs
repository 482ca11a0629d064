//! `/validate-namespace`: namespaces whose labels are written.

use crate::exchange::{Lookup, ask, context, sidecar_set};
use crate::run::{Running, mutating, start, start_as_follower};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_webhook::server::router;
use std::time::Duration;
use tokio::time::sleep;

const NAMESPACE: &str = "/validate-namespace";

/// The request that gives a namespace another team.
fn relabel(before: &str, after: &str) -> Value {
    let namespace = |team: &str| {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "shop", "labels": {"kubernetes.io/metadata.name": "shop", "team": team},
        }})
    };
    json!({
        "uid": "13", "operation": "UPDATE", "name": "shop", "namespace": "shop", "object": namespace(after),
        "oldObject": namespace(before), "kind": {"group": "", "version": "v1", "kind": "Namespace"},
        "resource": {"group": "", "version": "v1", "resource": "namespaces"},
    })
}

fn of_team(team: &str) -> Value {
    let mut set = sidecar_set("logs");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": team}});
    set
}

/// A webhook that has registered a set for the team `red`.
async fn running() -> Running {
    let mut running = start();
    running.registered().await;
    running.put(&of_team("red"));
    sleep(Duration::from_secs(1)).await;
    running.writes();
    running
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_registered_before_a_set_selects_it() {
    let mut running = running().await;

    let (answer, took) = running.review(NAMESPACE, relabel("blue", "red")).await;

    assert_eq!(answer, json!({"uid": "13", "allowed": true}));
    assert_eq!(running.writes(), [mutating()]);
    // The API servers have to learn of it.
    assert!((200..250).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn labels_by_which_no_set_comes_to_select_a_namespace_are_not_waited_for() {
    let mut running = running().await;
    let mut tried = relabel("blue", "red");
    tried["dryRun"] = json!(true);

    for request in [relabel("red", "blue"), relabel("red", "red"), relabel("blue", "green"), tried] {
        assert_eq!(running.review(NAMESPACE, request).await.1, Duration::ZERO);
    }
    assert_eq!(running.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn labels_that_are_written_again_are_not_waited_for_twice() {
    let mut running = running().await;
    running.review(NAMESPACE, relabel("blue", "red")).await;
    running.writes();

    let (_, took) = running.review(NAMESPACE, relabel("blue", "red")).await;

    assert_eq!(took, Duration::ZERO);
    assert_eq!(running.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_minute_later_the_labels_alone_count() {
    let mut running = running().await;
    running.review(NAMESPACE, relabel("blue", "red")).await;
    running.writes();

    sleep(Duration::from_secs(58)).await;
    assert_eq!(running.writes(), [""; 0]);
    sleep(Duration::from_secs(4)).await;

    assert_eq!(running.writes(), [mutating()]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_registers_the_namespace_beside_what_the_leader_has_written() {
    let (mut running, mut written) = start_as_follower();
    running.registered().await;
    running.put(&of_team("red"));
    sleep(Duration::from_secs(1)).await;

    let (_, took) = running.review(NAMESPACE, relabel("blue", "red")).await;

    assert!((200..250).contains(&took.as_millis()), "{took:?}");
    let (manager, added) = written.try_recv().unwrap();
    assert_eq!(manager, "sidecarset-operator-one");
    let webhook = &added["webhooks"][0];
    assert_eq!(webhook["name"], "mpod-arriving-one.mpod-unjudged.sidecarset.apps.kruise.io");
    let path = webhook["clientConfig"]["service"]["path"].as_str().unwrap();
    assert_eq!(path.split_at(65).1, "/mutate-pod/fail/unjudged");
    let condition = webhook["matchConditions"][0]["expression"].as_str().unwrap();
    assert!(condition.starts_with("request.namespace == 'shop' && "), "{condition}");
    assert!(written.try_recv().is_err(), "it wrote more");
}

#[tokio::test]
async fn something_else_than_a_namespace_is_refused() {
    let mut request = relabel("blue", "red");
    request["resource"]["resource"] = json!("pods");

    let response = ask(router(context(Catalog::default(), Lookup::NotExpected)), NAMESPACE, request).await;

    assert_eq!(response["status"]["code"], 400);
}
