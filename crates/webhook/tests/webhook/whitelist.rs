//! The white list of annotations, as the author of a SidecarSet meets it.

use crate::exchange::{
    Lookup, POD, VALIDATE_SET, ask, context, create_pod, patched, permitting, quiet, sidecar_set, write_set,
};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::revision::Revision;
use sidecarset_core::validation::{Permissions, Whitelist, WithoutRule};
use sidecarset_webhook::server::router;

const WHITELIST: &str =
    r#"{"rules": [{"selector": {"matchLabels": {"team": "obs"}}, "allowedAnnotationKeyExprs": ["^oom-score$"]}]}"#;

/// A set of the team `obs` that writes this annotation.
fn annotating(key: &str) -> Value {
    let mut set = quiet(sidecar_set("logs"));
    set["metadata"]["labels"] = json!({"team": "obs"});
    set["spec"]["patchPodMetadata"] = json!([{"annotations": {key: "{}"}}]);
    set
}

fn causes(response: &Value) -> Vec<String> {
    let causes = response["status"]["details"]["causes"].as_array().cloned().unwrap_or_default();
    let cause = |cause: &Value| format!("{}: {}", cause["field"].as_str().unwrap(), cause["message"].as_str().unwrap());
    causes.iter().map(cause).collect()
}

#[tokio::test]
async fn an_annotation_that_the_white_list_does_not_allow_is_refused() {
    let validated = async |key: &str| {
        let router = permitting(Some(WHITELIST), WithoutRule::Allow);
        ask(router, VALIDATE_SET, write_set(&annotating(key), None)).await
    };

    let refused = validated("mine").await;

    assert_eq!(refused["status"]["code"], 422);
    assert_eq!(
        causes(&refused),
        [
            "spec.patchPodMetadata[0].annotations[mine]: annotation(mine) is not allowed by the white list of the cluster"
        ]
    );
    assert_eq!(validated("oom-score").await, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn without_a_rule_annotations_are_refused_unless_the_operator_was_told_otherwise() {
    let set = annotating("oom-score");

    let refused = ask(permitting(None, WithoutRule::Refuse), VALIDATE_SET, write_set(&set, None)).await;
    let allowed = ask(permitting(None, WithoutRule::Allow), VALIDATE_SET, write_set(&set, None)).await;

    assert_eq!(
        causes(&refused),
        ["spec.patchPodMetadata: SidecarSet patch metadata whitelist not found: no rule of \
          SidecarSet_PatchPodMetadata_WhiteList in the ConfigMap kruise-configuration of the operator's namespace is \
          for this set"]
    );
    assert_eq!(allowed, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn everything_wrong_is_told_beside_what_the_white_list_does_not_allow() {
    let mut set = annotating("mine");
    set["spec"].as_object_mut().unwrap().remove("selector");

    let refused = ask(permitting(Some(WHITELIST), WithoutRule::Refuse), VALIDATE_SET, write_set(&set, None)).await;

    let fields: Vec<String> =
        causes(&refused).iter().map(|cause| cause[..cause.find(':').unwrap()].to_owned()).collect();
    assert_eq!(fields, ["spec.selector", "spec.patchPodMetadata[0].annotations[mine]"]);
}

#[tokio::test]
async fn a_set_that_is_there_already_is_not_asked_about_when_its_metadata_changes() {
    let old = annotating("mine");
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"team": "mesh"});

    let response = ask(permitting(None, WithoutRule::Refuse), VALIDATE_SET, write_set(&new, Some(&old))).await;

    assert_eq!(response, json!({"uid": "12", "allowed": true}));
}

#[tokio::test]
async fn an_annotation_that_the_operator_keeps_itself_is_allowed_with_a_warning() {
    let set = annotating("kruise.io/sidecarset-hash");

    let response = ask(permitting(None, WithoutRule::Allow), VALIDATE_SET, write_set(&set, None)).await;

    assert_eq!(response["allowed"], true);
    let warning = "spec.patchPodMetadata[0].annotations[kruise.io/sidecarset-hash]: has no effect: the operator keeps \
                   it itself";
    assert_eq!(response["warnings"], json!([warning]));
}

/// A catalog with the white list of this team, and a set.
fn catalog(set: &Value) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.permit(Permissions::new(Whitelist::read(Some(WHITELIST)), WithoutRule::Allow));
    catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    catalog
}

fn new_pod() -> Value {
    let labels = json!({"app": "nginx"});
    json!({"metadata": {"name": "a", "labels": labels}, "spec": {"containers": [{"name": "main", "image": "i"}]}})
}

#[tokio::test]
async fn a_pod_gets_no_annotation_that_the_white_list_does_not_allow_any_more() {
    let answered = async |key: &str| {
        let router = router(context(catalog(&annotating(key)), Lookup::NotExpected));
        ask(router, POD, create_pod(&new_pod())).await
    };

    let refused = answered("mine").await;

    assert_eq!(refused["allowed"], false);
    assert_eq!(
        refused["status"]["message"],
        "the sidecars of SidecarSet logs cannot be injected: SidecarSet logs may not write its annotations: annotation(mine) is \
         not allowed by the white list of the cluster"
    );
    let pod = patched(&new_pod(), &answered("oom-score").await);
    assert_eq!(pod["metadata"]["annotations"]["oom-score"], "{}");
}

#[tokio::test]
async fn a_set_cannot_be_pinned_to_a_revision_with_an_annotation_that_the_white_list_does_not_allow() {
    let mut set = quiet(sidecar_set("logs"));
    set["metadata"]["labels"] = json!({"team": "obs"});
    let pinned = async |key: &str| {
        let mut catalog = catalog(&set);
        let spec = &annotating(key)["spec"];
        let data = json!({"spec": {"containers": spec["containers"], "patchPodMetadata": spec["patchPodMetadata"]}});
        let metadata = json!({"name": "logs-1", "labels": {"kruise.io/sidecarset-name": "logs"}});
        let revision = json!({"metadata": metadata, "revision": 1, "data": data});
        catalog.put_revision(Revision::read(&serde_json::from_value(revision).unwrap()).unwrap());
        let mut pinned = set.clone();
        pinned["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "logs-1"}});
        let router = router(context(catalog, Lookup::NotExpected));
        ask(router, VALIDATE_SET, write_set(&pinned, Some(&set))).await
    };

    let refused = pinned("mine").await;

    assert_eq!(refused["status"]["code"], 422);
    assert_eq!(
        causes(&refused),
        ["spec.injectionStrategy.revision: revisionName \"logs-1\": revision \"logs-1\" is not allowed: \
          annotation(mine) is not allowed by the white list of the cluster"]
    );
    assert_eq!(pinned("oom-score").await, json!({"uid": "12", "allowed": true}));
}
