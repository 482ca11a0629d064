//! `/mutate-apps-kruise-io-sidecarset` and `/validate-apps-kruise-io-sidecarset`.

use crate::exchange::{
    Lookup, MUTATE_SET, Surveyed, VALIDATE_SET, ask, blank, context, knowing, patch, patched, quiet, sidecar_set,
    write_set,
};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_webhook::Context;
use sidecarset_webhook::server::router;
use std::sync::Arc;

const HASH: &str = "kruise.io/sidecarset-hash";
const HASH_WITHOUT_IMAGE: &str = "kruise.io/sidecarset-hash-without-image";
const CUSTOM_VERSION: &str = "apps.kruise.io/sidecarset-custom-version";

async fn stored(set: &Value, old: Option<&Value>) -> Value {
    patched(set, &ask(blank(), MUTATE_SET, write_set(set, old)).await)
}

async fn validated(set: &Value, old: Option<&Value>) -> Value {
    ask(blank(), VALIDATE_SET, write_set(set, old)).await
}

fn invalid() -> Value {
    let mut set = sidecar_set("logs");
    set["spec"].as_object_mut().unwrap().remove("selector");
    set
}

#[tokio::test]
async fn defaults_and_hashes_are_filled_in() {
    let set = stored(&sidecar_set("logs"), None).await;

    assert_eq!(set["spec"]["containers"][0]["podInjectPolicy"], "BeforeAppContainer");
    assert_eq!(set["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(set["spec"]["updateStrategy"], json!({"type": "RollingUpdate", "partition": 0}));
    assert_eq!(set["metadata"]["annotations"][HASH].as_str().unwrap().len(), 64);
    assert_eq!(set["metadata"]["annotations"][HASH_WITHOUT_IMAGE].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn what_is_filled_in_is_filled_in_once() {
    let once = stored(&sidecar_set("logs"), None).await;

    let again = ask(blank(), MUTATE_SET, write_set(&once, Some(&once))).await;

    assert_eq!(again, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn what_is_filled_in_is_valid() {
    let mut set = quiet(sidecar_set("logs"));
    set["spec"]["namespace"] = json!("shop");
    set["spec"]["paused"] = json!(true);
    set["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 2}});
    set["spec"]["customVersion"] = json!("v1");

    let stored = stored(&set, None).await;

    assert_eq!(validated(&stored, None).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn a_hash_that_somebody_wrote_is_overwritten() {
    let mut set = sidecar_set("logs");
    set["metadata"]["annotations"] = json!({HASH: "mine", "other": "kept"});

    let stored = stored(&set, None).await;

    assert_eq!(stored["metadata"]["annotations"][HASH].as_str().unwrap().len(), 64);
    assert_eq!(stored["metadata"]["annotations"]["other"], "kept");
}

#[tokio::test]
async fn hashes_of_another_program_stay_while_the_containers_do() {
    let theirs = "w26c4x8fz245642fdv499b464248f974xddx4x55z5dw55bc6x66464fxz77dc78";
    let mut old = sidecar_set("logs");
    old["metadata"]["annotations"] = json!({HASH: theirs, HASH_WITHOUT_IMAGE: theirs});
    let mut paused = old.clone();
    paused["spec"]["updateStrategy"] = json!({"paused": true});
    let mut upgraded = old.clone();
    upgraded["spec"]["containers"][0]["image"] = json!("agent:v2");

    let paused = stored(&paused, Some(&old)).await;
    let upgraded = stored(&upgraded, Some(&old)).await;

    assert_eq!(
        (&paused["metadata"]["annotations"][HASH], &paused["metadata"]["annotations"][HASH_WITHOUT_IMAGE]),
        (&json!(theirs), &json!(theirs))
    );
    assert_ne!(upgraded["metadata"]["annotations"][HASH], theirs);
    assert_eq!(upgraded["metadata"]["annotations"][HASH_WITHOUT_IMAGE], theirs);
}

#[tokio::test]
async fn nothing_is_removed() {
    let mut set = sidecar_set("logs");
    set["metadata"]["annotations"] = json!(null);
    set["metadata"]["ofTheFuture"] = json!(1);
    set["spec"]["ofTheFuture"] = json!({"a": 1});
    set["spec"]["containers"][0]["ofTheFuture"] = json!([{}]);
    set["spec"]["containers"][0]["livenessProbe"] = json!({"httpGet": {"port": 80, "ofTheFuture": true}});
    set["spec"]["updateStrategy"] = json!({"ofTheFuture": "x", "paused": null});
    set["spec"]["volumes"] = json!([{"name": "v", "ofTheFuture": {}}]);

    let response = ask(blank(), MUTATE_SET, write_set(&set, None)).await;

    for operation in serde_json::to_value(patch(&response)).unwrap().as_array().unwrap() {
        let of_nothing = operation["op"] == "add" || operation["path"] == "/metadata/annotations";
        assert!(of_nothing, "{operation}");
    }
    let stored = patched(&set, &response);
    assert_eq!(stored["spec"]["containers"][0]["ofTheFuture"], json!([{}]));
    assert_eq!(stored["spec"]["containers"][0]["livenessProbe"]["httpGet"]["ofTheFuture"], true);
    assert_eq!(stored["spec"]["containers"][0]["livenessProbe"]["httpGet"]["scheme"], "HTTP");
    assert_eq!(stored["spec"]["updateStrategy"]["ofTheFuture"], "x");
}

#[tokio::test]
async fn a_namespace_gets_its_selector_and_the_selector_follows() {
    let mut set = sidecar_set("logs");
    set["spec"]["namespace"] = json!("shop");
    let first = stored(&set, None).await;
    let mut moved = first.clone();
    moved["spec"]["namespace"] = json!("mill");

    let second = stored(&moved, Some(&first)).await;

    let only = |name| json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
    assert_eq!(first["spec"]["namespaceSelector"], only("shop"));
    assert_eq!(second["spec"]["namespaceSelector"], only("mill"));
    assert_eq!(second["spec"]["namespace"], "mill");
}

#[tokio::test]
async fn a_custom_version_is_written_in_both_spellings() {
    let mut set = sidecar_set("logs");
    set["metadata"]["labels"] = json!({CUSTOM_VERSION: "v1"});
    let first = stored(&set, None).await;
    let mut newer = first.clone();
    newer["spec"]["customVersion"] = json!("v2");

    let second = stored(&newer, Some(&first)).await;

    assert_eq!(first["spec"]["customVersion"], "v1");
    assert_eq!(second["metadata"]["labels"][CUSTOM_VERSION], "v2");
}

/// What becomes of a set that a client of this version writes.
async fn written(version: &str, set: &Value, old: Option<&Value>) -> (Value, Value) {
    let mut request = write_set(set, old);
    request["requestKind"] = json!({"group": "apps.kruise.io", "version": version, "kind": "SidecarSet"});
    let response = ask(blank(), MUTATE_SET, request).await;
    (patched(set, &response), response["warnings"].clone())
}

#[tokio::test]
async fn whoever_sends_back_his_own_copy_is_followed_in_the_spelling_that_he_owns() {
    let key = "apps.kruise.io/sidecarset-custom-version";
    let with = |label: &str, field: &str| {
        let mut set = sidecar_set("logs");
        set["metadata"]["labels"] = json!({key: label});
        set["spec"]["customVersion"] = json!(field);
        let fields = json!({"f:metadata": {"f:labels": {format!("f:{key}"): {}}}});
        set["metadata"]["managedFields"] = json!([{"manager": "a"}, {"manager": "b", "fieldsV1": fields}]);
        set
    };

    // The field is the one that was written for the label of his first copy.
    let (stored, warnings) = written("v1alpha1", &with("2", "0"), Some(&with("2", "2"))).await;

    assert_eq!((&stored["metadata"]["labels"][key], &stored["spec"]["customVersion"]), (&json!("2"), &json!("2")));
    assert_eq!(warnings.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_spelling_of_the_version_counts_in_which_a_set_was_written() {
    let mut set = sidecar_set("logs");
    set["metadata"]["labels"] = json!({CUSTOM_VERSION: "v1"});
    set["spec"]["customVersion"] = json!("v2");
    set["spec"]["namespace"] = json!("shop");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "mill"}});

    let (older, told_older) = written("v1alpha1", &set, None).await;
    let (newer, told_newer) = written("v1beta1", &set, None).await;

    assert_eq!(
        (&older["metadata"]["labels"][CUSTOM_VERSION], &older["spec"]["customVersion"]),
        (&json!("v1"), &json!("v1"))
    );
    assert_eq!(older["spec"]["namespaceSelector"], json!({"matchLabels": {"kubernetes.io/metadata.name": "shop"}}));
    assert_eq!(
        told_older,
        json!([
            "spec.customVersion: contradicts metadata.labels[apps.kruise.io/sidecarset-custom-version], which counts in \
             v1alpha1: it is changed to match",
            "spec.namespaceSelector: contradicts spec.namespace, which counts in v1alpha1: it is changed to match",
        ])
    );
    assert_eq!(
        (&newer["metadata"]["labels"][CUSTOM_VERSION], &newer["spec"]["customVersion"]),
        (&json!("v2"), &json!("v2"))
    );
    assert_eq!(newer["spec"].get("namespace"), None);
    assert_eq!(newer["spec"]["namespaceSelector"], json!({"matchLabels": {"team": "mill"}}));
    assert_eq!(told_newer.as_array().map(Vec::len), Some(2));
    for set in [older, newer] {
        assert_eq!(validated(&quiet(set), None).await["allowed"], true);
    }
}

#[tokio::test]
async fn a_version_that_is_taken_away_in_one_spelling_is_gone_in_both() {
    let mut old = sidecar_set("logs");
    old["metadata"]["labels"] = json!({CUSTOM_VERSION: "v1", "team": "a"});
    old["spec"]["customVersion"] = json!("v1");
    let mut set = old.clone();
    set["spec"].as_object_mut().unwrap().remove("customVersion");

    let (stored, _) = written("v1beta1", &set, Some(&old)).await;

    assert_eq!(stored["metadata"]["labels"], json!({"team": "a"}));
    assert_eq!(stored["spec"].get("customVersion"), None);
}

#[tokio::test]
async fn two_custom_versions_are_refused_where_nobody_chose_one() {
    let mut set = sidecar_set("logs");
    set["metadata"]["labels"] = json!({CUSTOM_VERSION: "v1"});
    set["spec"]["customVersion"] = json!("v2");

    let response = validated(&set, None).await;

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "SidecarSet.apps.kruise.io \"logs\" is invalid: metadata.labels[apps.kruise.io/sidecarset-custom-version]: \
         says \"v1\", but spec.customVersion says \"v2\": remove one of them"
    );
}

#[tokio::test]
async fn an_invalid_set_gets_defaults_but_no_hash() {
    let stored = stored(&invalid(), None).await;

    assert_eq!(stored["spec"]["revisionHistoryLimit"], 10);
    assert_eq!(stored["metadata"]["annotations"], json!(null));
}

#[tokio::test]
async fn an_invalid_set_is_refused_with_everything_that_is_wrong() {
    let mut set = invalid();
    set["spec"]["updateStrategy"] = json!({"type": "Sometimes"});

    let response = validated(&set, None).await;

    assert_eq!(response["allowed"], false);
    let status = &response["status"];
    assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")));
    assert_eq!(
        status["message"],
        "SidecarSet.apps.kruise.io \"logs\" is invalid: [spec.selector: is required: no selector defined for \
         SidecarSet, spec.updateStrategy.type: \"Sometimes\" is not one of RollingUpdate, NotUpdate]"
    );
    assert_eq!(
        status["details"],
        json!({
            "group": "apps.kruise.io", "kind": "SidecarSet", "name": "logs",
            "causes": [
                {"reason": "FieldValueInvalid", "field": "spec.selector",
                 "message": "is required: no selector defined for SidecarSet"},
                {"reason": "FieldValueInvalid", "field": "spec.updateStrategy.type",
                 "message": "\"Sometimes\" is not one of RollingUpdate, NotUpdate"},
            ],
        })
    );
}

#[tokio::test]
async fn one_violation_is_told_without_brackets() {
    let response = validated(&invalid(), None).await;

    assert_eq!(
        response["status"]["message"],
        "SidecarSet.apps.kruise.io \"logs\" is invalid: spec.selector: is required: no selector defined for SidecarSet"
    );
}

#[tokio::test]
async fn a_valid_set_is_allowed() {
    assert_eq!(validated(&quiet(sidecar_set("logs")), None).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn a_set_of_the_wrong_shape_is_refused_and_told_why() {
    let mut set = sidecar_set("logs");
    set["spec"]["containers"] = json!("many");

    let filled = ask(blank(), MUTATE_SET, write_set(&set, None)).await;
    let response = validated(&set, None).await;

    assert_eq!(filled, json!({"uid": "12", "allowed": true}));
    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "SidecarSet.apps.kruise.io \"logs\" is invalid: invalid type: string \"many\", expected a sequence"
    );
}

#[tokio::test]
async fn the_metadata_of_an_invalid_set_may_change() {
    let old = invalid();
    let mut new = invalid();
    new["metadata"]["finalizers"] = json!([]);

    let filled = ask(blank(), MUTATE_SET, write_set(&new, Some(&old))).await;
    let response = validated(&new, Some(&old)).await;

    assert_eq!(filled, json!({"uid": "12", "allowed": true}));
    assert_eq!(response, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn the_spec_of_a_set_may_not_become_invalid() {
    let response = validated(&invalid(), Some(&sidecar_set("logs"))).await;

    assert_eq!(response["status"]["code"], 422);
}

#[tokio::test]
async fn a_set_that_shares_a_container_name_with_another_is_refused() {
    let router = knowing(&[sidecar_set("other")], Lookup::NotExpected);

    let response = ask(router, VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "SidecarSet.apps.kruise.io \"logs\" is invalid: spec.containers[0].name: container agent already exists in \
         SidecarSet other, which may select the same pods"
    );
}

#[tokio::test]
async fn a_change_of_the_metadata_is_allowed_whatever_the_other_sets_are() {
    let router = knowing(&[sidecar_set("other")], Lookup::NotExpected);
    let old = sidecar_set("logs");
    let mut new = sidecar_set("logs");
    new["metadata"]["labels"] = json!({"team": "a"});

    assert_eq!(ask(router, VALIDATE_SET, write_set(&new, Some(&old))).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn a_set_does_not_become_a_canary_by_a_change_of_its_annotations() {
    let router = knowing(&[sidecar_set("base")], Lookup::NotExpected);
    let mut old = sidecar_set("logs");
    old["spec"]["updateStrategy"] = json!({"type": "NotUpdate"});
    let mut new = old.clone();
    new["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "base"});

    let response = ask(router, VALIDATE_SET, write_set(&new, Some(&old))).await;

    assert_eq!(response["status"]["code"], 422);
}

#[tokio::test]
async fn what_is_legal_but_surprising_is_allowed_with_a_warning() {
    let response = validated(&sidecar_set("logs"), None).await;

    assert_eq!(response["allowed"], true);
    assert_eq!(
        response["warnings"],
        json!([
            "spec.containers[0].resources: has no requests: nodes are filled as if it used nothing, and no selected pod can be Guaranteed"
        ])
    );
}

#[tokio::test]
async fn a_set_that_is_being_deleted_is_left_alone() {
    let mut set = invalid();
    set["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    let request = write_set(&set, Some(&sidecar_set("logs")));

    assert_eq!(ask(blank(), MUTATE_SET, request.clone()).await, json!({"uid": "12", "allowed": true}));
    assert_eq!(ask(blank(), VALIDATE_SET, request).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn a_deletion_is_allowed() {
    let mut request = write_set(&json!(null), Some(&invalid()));
    request["operation"] = json!("DELETE");

    assert_eq!(ask(blank(), VALIDATE_SET, request).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn what_a_set_takes_from_running_pods_is_told_whenever_its_spec_is_written() {
    let surveyed = || {
        let pods = Arc::new(Surveyed(vec!["spec.containers[web].name: replaces container web in 10 pods".to_owned()]));
        router(Context { pods, ..context(Catalog::default(), Lookup::NotExpected) })
    };
    let mut set = sidecar_set("logs");
    set["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1m"}});

    let written = ask(surveyed(), VALIDATE_SET, write_set(&set, None)).await;
    let unchanged = ask(surveyed(), VALIDATE_SET, write_set(&set, Some(&set))).await;
    let refused = ask(surveyed(), VALIDATE_SET, write_set(&invalid(), None)).await;

    assert_eq!(written["warnings"], json!(["spec.containers[web].name: replaces container web in 10 pods"]));
    assert_eq!((&unchanged["warnings"], &refused["warnings"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_status_is_left_alone() {
    let mut request = write_set(&invalid(), Some(&sidecar_set("logs")));
    request["subResource"] = json!("status");

    assert_eq!(ask(blank(), VALIDATE_SET, request).await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn something_else_than_a_sidecar_set_is_refused() {
    let mut request = write_set(&sidecar_set("logs"), None);
    request["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});

    for path in [MUTATE_SET, VALIDATE_SET] {
        let response = ask(blank(), path, request.clone()).await;

        assert_eq!(response["status"]["code"], 400);
        assert_eq!(
            response["status"]["message"],
            "expected a SidecarSet as apps.kruise.io/v1beta1/sidecarsets, got apps.kruise.io/v1beta1/SidecarSet as \
             apps/v1/deployments"
        );
    }
}
