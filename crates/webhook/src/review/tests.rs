//! What is read of a review, and what is written of a verdict.

use super::*;
use serde_json::json;
use sidecarset_core::injection::Patch;
use sidecarset_core::json::Json;

fn review(request: &Value) -> String {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string()
}

fn create_pod() -> Value {
    json!({
        "uid": "1", "operation": "CREATE", "namespace": "shop", "dryRun": true,
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "a"}, "object": {"kind": "Pod"}, "oldObject": null,
    })
}

fn refused(body: &str) -> String {
    let document = read(body.as_bytes()).unwrap();
    request::<Json<'_>>(&document).unwrap_err().to_string()
}

#[test]
fn a_request_is_read_where_it_stands() {
    let body = review(&create_pod());
    let document = read(body.as_bytes()).unwrap();

    let request: Request<'_, Json<'_>> = request(&document).unwrap();

    assert_eq!((request.uid, request.namespace, request.name), ("1", Some("shop"), None));
    assert_eq!(request.kind, GroupVersionKind { group: "", version: "v1", kind: "Pod" });
    assert_eq!(request.resource, GroupVersionResource { group: "", version: "v1", resource: "pods" });
    assert_eq!((request.operation, request.dry_run, request.sub_resource), (Operation::Create, Some(true), None));
    assert!(request.object.at("kind").is("Pod") && request.old_object.is_null());
}

#[test]
fn a_review_of_the_older_version_is_told_what_is_expected() {
    let body = r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":null}"#;

    assert_eq!(
        refused(body),
        r#"expected an AdmissionReview of admission.k8s.io/v1, got "AdmissionReview" of "admission.k8s.io/v1beta1""#
    );
}

#[test]
fn what_is_missing_or_of_another_type_is_named() {
    for (member, value, told) in [
        ("uid", Value::Null, "expected a text as uid of the request"),
        ("namespace", json!(7), "expected a text as namespace of the request"),
        ("kind", json!({"version": "v1"}), "expected a text as kind.kind of the request"),
        ("resource", json!([]), "expected a text as resource.version of the request"),
        ("dryRun", json!("yes"), "expected true or false as dryRun of the request"),
        ("operation", json!("PATCH"), "expected CREATE, UPDATE, DELETE or CONNECT as operation of the request"),
    ] {
        let mut request = create_pod();
        request[member] = value;

        assert_eq!(refused(&review(&request)), told);
    }
}

#[test]
fn of_a_text_that_is_long_only_the_beginning_is_told() {
    let long = "ä".repeat(1000);
    let other = review(&create_pod()).replace("admission.k8s.io/v1", &long);
    let mut request = create_pod();
    request["kind"]["kind"] = json!(long);
    let body = review(&request);
    let document = read(body.as_bytes()).unwrap();

    let denial = Denial::unexpected(&super::request::<Json<'_>>(&document).unwrap(), "a Pod");

    let told = "ä".repeat(126);
    assert_eq!(refused(&other), format!("expected an AdmissionReview of {API_VERSION}, got {KIND:?} of {told:?}"));
    assert_eq!(denial, Denial::BadRequest(format!("expected a Pod, got v1/{told} as v1/pods")));
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let twice = review(&create_pod()).replacen(r#""uid":"1""#, r#""uid":"1","uid":"2""#, 1);

    assert_eq!(refused(&twice), "the review has uid twice");
}

#[test]
fn a_patch_that_changes_nothing_is_left_out() {
    assert_eq!(
        answer("1", Verdict::untouched()),
        r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"1","allowed":true}}"#
    );
}

#[test]
fn patch_and_warnings_are_written_into_the_answer() {
    let operations = json!([{"op": "add", "path": "/spec", "value": "\"\u{1}ä"}]);
    let patch = Patch::from(&serde_json::from_value::<json_patch::Patch>(operations).unwrap());

    let answer = answer("a\"b", Verdict::Allowed { patch, warnings: vec!["one".to_owned(), "two\n".to_owned()] });

    let response = &serde_json::from_str::<Value>(&answer).unwrap()["response"];
    assert_eq!((&response["uid"], &response["warnings"]), (&json!("a\"b"), &json!(["one", "two\n"])));
    assert_eq!(response["patchType"], "JSONPatch");
    // [{"op":"add","path":"/spec","value":"\"\u0001ä"}]
    assert_eq!(response["patch"], "W3sib3AiOiJhZGQiLCJwYXRoIjoiL3NwZWMiLCJ2YWx1ZSI6IlwiXHUwMDAxw6QifV0=");
}

#[test]
fn a_denial_is_written_with_its_code() {
    let answer = answer("1", Verdict::Denied(Denial::BadRequest("no".to_owned())));

    let response = &serde_json::from_str::<Value>(&answer).unwrap()["response"];
    assert_eq!(
        response,
        &json!({
            "uid": "1", "allowed": false,
            "status": {
                "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
                "code": 400, "reason": "BadRequest", "message": "no",
            },
        })
    );
}
