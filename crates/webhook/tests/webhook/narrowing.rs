//! API servers that evaluate match conditions, and others.

use crate::scenario::{answering, failure};
use serde_json::{Value, json};
use sidecarset_webhook::registration::{Configurations, apply};

const UNKNOWN: &str = r#"failed to create typed patch object (/sidecarset; admissionregistration.k8s.io/v1, Kind=MutatingWebhookConfiguration): .webhooks[name="mpod.sidecarset.apps.kruise.io"].matchConditions: field not declared in schema"#;

/// Configurations with a condition on Pods.
fn wanted() -> Configurations {
    let condition = json!({"name": "selected", "expression": "'app' in object.metadata.labels"});
    let webhooks = json!([
        {"name": "mpod.sidecarset.apps.kruise.io", "admissionReviewVersions": ["v1"], "clientConfig": {},
         "sideEffects": "None", "matchConditions": [condition]},
        {"name": "msidecarset.apps.kruise.io", "admissionReviewVersions": ["v1"], "clientConfig": {},
         "sideEffects": "None"},
    ]);
    let metadata = json!({"name": "sidecarset"});
    Configurations {
        mutating: serde_json::from_value(json!({"metadata": metadata, "webhooks": webhooks})).unwrap(),
        validating: serde_json::from_value(json!({"metadata": metadata})).unwrap(),
    }
}

/// The answers of an API server that keeps all that we apply, the second one changed.
fn answers(change: impl FnOnce(&mut Value)) -> Vec<(u16, Value)> {
    let mut mutating = serde_json::to_value(wanted().mutating).unwrap();
    change(&mut mutating);
    vec![(200, serde_json::to_value(wanted().validating).unwrap()), (200, mutating)]
}

fn leave_out(mutating: &mut Value) {
    mutating["webhooks"][0].as_object_mut().unwrap().remove("matchConditions");
}

fn has_conditions(mutating: &Value) -> bool {
    mutating["webhooks"].as_array().unwrap().iter().any(|webhook| webhook.get("matchConditions").is_some())
}

#[tokio::test]
async fn an_api_server_that_keeps_the_conditions_asks_about_nothing_else() {
    let (client, asked) = answering(answers(|_| ()));

    let written = apply(&client, wanted(), None).await.unwrap();

    assert!(written.is_narrow);
    assert!(has_conditions(&asked.await.unwrap()[1].1));
}

#[tokio::test]
async fn an_api_server_that_knows_no_conditions_asks_about_every_pod() {
    let mut answers = answers(leave_out);
    answers.insert(1, failure(500, UNKNOWN));
    let (client, asked) = answering(answers);

    let written = apply(&client, wanted(), None).await.unwrap();

    let asked = asked.await.unwrap();
    assert!(!written.is_narrow);
    // What is wanted stays what it is: nothing is written again because of it.
    assert_eq!(written.configurations, wanted());
    assert_eq!(asked[1].0, asked[2].0);
    assert!(has_conditions(&asked[1].1) && !has_conditions(&asked[2].1));
}

#[tokio::test]
async fn an_api_server_that_leaves_the_conditions_out_asks_about_every_pod() {
    let (client, asked) = answering(answers(leave_out));

    let written = apply(&client, wanted(), None).await.unwrap();

    assert!(!written.is_narrow);
    assert_eq!(asked.await.unwrap().len(), 2);
}

#[tokio::test]
async fn another_refusal_is_no_reason_to_ask_about_every_pod() {
    let mut answers = answers(|_| ());
    answers[1] = failure(403, "matchConditions of a stranger");
    let (client, asked) = answering(answers);

    let refused = apply(&client, wanted(), None).await.unwrap_err();

    assert_eq!(refused.to_string(), "failed to apply the mutating webhook configuration sidecarset");
    assert_eq!(asked.await.unwrap().len(), 2);
}
