//! Sets that are pinned to a past revision.

use crate::exchange::{Lookup, POD, VALIDATE_SET, ask, context, create_pod, patched, sidecar_set, write_set};
use axum::Router;
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::revision::Revision;
use sidecarset_webhook::server::router;

fn nginx() -> Value {
    json!({"metadata": {"name": "web", "labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "nginx"}]}})
}

/// A set whose present image is `agent:v1`.
fn pinned(revision: &Value) -> Value {
    let mut set = sidecar_set("logs");
    set["metadata"]["uid"] = json!("uid-1");
    set["spec"]["injectionStrategy"] = json!({"revision": revision});
    set
}

fn revision(name: &str, owner: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": {"kruise.io/sidecarset-name": "logs", "apps.kruise.io/sidecarset-custom-version": "v0"},
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "logs", "uid": owner,
                "controller": true,
            }],
        },
        "revision": 1,
        "data": {"spec": {"$patch": "replace", "containers": [{"name": "agent", "image": "agent:v0"}]}},
    })
}

/// A router that knows a set, and the revisions `mine` of it and `other` of another object of its name.
fn knowing(set: &Value) -> Router {
    let mut catalog = Catalog::default();
    for object in [revision("mine", "uid-1"), revision("other", "uid-2")] {
        catalog.put_revision(Revision::read(&serde_json::from_value(object).unwrap()).unwrap());
    }
    catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    router(context(catalog, Lookup::NotExpected))
}

async fn injected(revision: &Value) -> String {
    let response = ask(knowing(&pinned(revision)), POD, create_pod(&nginx())).await;
    patched(&nginx(), &response)["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

/// Creates a set, or updates it from one that is not pinned, and returns the refusal.
async fn refusal(set: &Value) -> String {
    let mut old = set.clone();
    old["spec"].as_object_mut().unwrap().remove("injectionStrategy");
    let response = ask(knowing(&old), VALIDATE_SET, write_set(set, Some(&old))).await;
    response["status"]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_pod_gets_the_revision_that_its_set_is_pinned_to() {
    assert_eq!(injected(&json!({"revisionName": "mine"})).await, "agent:v0");
    assert_eq!(injected(&json!({"customVersion": "v0"})).await, "agent:v0");
    assert_eq!(injected(&json!({"revisionName": "mine", "policy": "Partial"})).await, "agent:v1");
}

#[tokio::test]
async fn the_same_request_gets_the_same_definition_and_others_get_others() {
    let mut set = pinned(&json!({"revisionName": "mine", "policy": "Partial"}));
    set["spec"]["updateStrategy"] = json!({"partition": "50%"});
    let mut images = Vec::new();
    for _ in 0..2 {
        for uid in 0..20 {
            let mut request = create_pod(&nginx());
            request["uid"] = json!(uid.to_string());
            let response = ask(knowing(&set), POD, request).await;
            images.push(patched(&nginx(), &response)["spec"]["containers"][0]["image"].clone());
        }
    }

    assert_eq!(images[..20], images[20..]);
    assert!(images.contains(&json!("agent:v0")) && images.contains(&json!("agent:v1")), "{images:?}");
}

#[tokio::test]
async fn a_pod_is_refused_whose_set_is_pinned_to_what_is_not_its_own() {
    let router = knowing(&pinned(&json!({"revisionName": "other"})));

    let response = ask(router, POD, create_pod(&nginx())).await;

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "the sidecars of SidecarSet logs cannot be injected: SidecarSet logs is pinned to revisionName \"other\": no \
         such revision belongs to this SidecarSet"
    );
}

#[tokio::test]
async fn a_set_may_be_pinned_to_a_revision_of_its_own() {
    assert_eq!(refusal(&pinned(&json!({"revisionName": "mine"}))).await, "");
    assert_eq!(refusal(&pinned(&json!({"customVersion": "v0", "policy": "Partial"}))).await, "");
}

#[tokio::test]
async fn a_set_may_not_be_pinned_to_a_revision_that_is_missing_or_of_another_object() {
    for (revision, asked) in [
        (json!({"revisionName": "missing"}), "revisionName \"missing\""),
        (json!({"revisionName": "other"}), "revisionName \"other\""),
        (json!({"customVersion": "v9"}), "customVersion \"v9\""),
    ] {
        let expected = format!(
            "SidecarSet.apps.kruise.io \"logs\" is invalid: spec.injectionStrategy.revision: {asked}: no such revision \
             belongs to this SidecarSet"
        );

        assert_eq!(refusal(&pinned(&revision)).await, expected);
    }
}

#[tokio::test]
async fn a_set_that_is_new_has_no_revision_to_be_pinned_to() {
    let mut set = pinned(&json!({"revisionName": "mine"}));
    set["metadata"]["uid"] = json!("uid-of-the-new-one");

    let response = ask(knowing(&sidecar_set("other-set")), VALIDATE_SET, write_set(&set, None)).await;

    assert_eq!(response["status"]["code"], 422);
}

#[tokio::test]
async fn everything_else_that_is_wrong_is_told_beside_a_missing_revision() {
    let mut set = pinned(&json!({"revisionName": "missing"}));
    set["spec"]["updateStrategy"] = json!({"type": "Sometimes"});

    let message = refusal(&set).await;

    assert!(message.contains("spec.updateStrategy.type: "), "{message}");
    assert!(message.contains("spec.injectionStrategy.revision: revisionName \"missing\""), "{message}");
}

#[tokio::test]
async fn a_set_whose_revision_is_gone_may_change_its_metadata_but_not_its_spec() {
    let old = pinned(&json!({"revisionName": "missing"}));
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"team": "red"});

    let response = ask(knowing(&old), VALIDATE_SET, write_set(&new, Some(&old))).await;
    assert_eq!(response, json!({"uid": "12", "allowed": true}));

    new["spec"]["containers"][0]["image"] = json!("agent:v3");
    let response = ask(knowing(&old), VALIDATE_SET, write_set(&new, Some(&old))).await;
    assert_eq!(response["status"]["code"], 422);
}

/// A set whose image `agent:v1` has failed, and that returns to a revision.
fn failed(revision: &str) -> Value {
    let mut set = sidecar_set("logs");
    set["metadata"]["uid"] = json!("uid-1");
    set["metadata"]["generation"] = json!(2);
    set["spec"]["updateStrategy"] = json!({"failureThreshold": 1, "onFailure": "Rollback"});
    let failure = json!({"generation": 2, "failedPods": 1, "message": "it failed", "rollbackRevision": revision});
    set["status"] = json!({"matchedPods": 1, "updatedPods": 1, "readyPods": 0, "failure": failure});
    set
}

async fn created(set: &Value) -> Value {
    let response = ask(knowing(set), POD, create_pod(&nginx())).await;
    patched(&nginx(), &response)
}

#[tokio::test]
async fn a_pod_gets_the_revision_to_which_a_failed_rollout_returns() {
    let pod = created(&failed("mine")).await;

    assert_eq!(pod["spec"]["containers"][0]["image"], "agent:v0");
    let recorded = pod["metadata"]["annotations"]["kruise.io/sidecarset-hash"].as_str().unwrap();
    assert!(recorded.contains(r#""controllerRevision":"mine""#), "{recorded}");
}

#[tokio::test]
async fn a_pod_that_got_that_revision_keeps_it_when_it_is_asked_about_again() {
    let pod = created(&failed("mine")).await;

    let response = ask(knowing(&failed("mine")), POD, create_pod(&pod)).await;

    assert_eq!(response, json!({"uid": response["uid"], "allowed": true}));
}

#[tokio::test]
async fn a_pod_gets_the_present_definition_once_the_spec_has_changed_or_the_revision_is_another_objects() {
    let mut changed = failed("mine");
    changed["metadata"]["generation"] = json!(3);

    assert_eq!(created(&changed).await["spec"]["containers"][0]["image"], "agent:v1");
    assert_eq!(created(&failed("other")).await["spec"]["containers"][0]["image"], "agent:v1");
}

#[tokio::test]
async fn a_revision_that_the_set_is_pinned_to_wins_over_a_rollback() {
    let mut set = failed("mine");
    set["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "other"}});

    let response = ask(knowing(&set), POD, create_pod(&nginx())).await;

    assert_eq!(response["status"]["code"], 422);
}
