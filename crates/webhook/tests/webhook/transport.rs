//! What is no review at all.

use crate::exchange::{Lookup, MUTATE_SET, POD, VALIDATE_SET, blank, create_pod, knowing, post, send, sidecar_set};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

async fn answered(body: impl Into<Body>) -> (StatusCode, Value) {
    send(blank(), post(POD, body)).await
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_bad_request() {
    for path in [POD, MUTATE_SET, VALIDATE_SET] {
        let (code, body) = send(blank(), post(path, "hello")).await;

        assert_eq!(code, StatusCode::BAD_REQUEST);
        assert_eq!(body["error"], "failed to read the AdmissionReview: expected value at line 1 column 1");
    }
}

#[tokio::test]
async fn something_else_than_a_review_is_a_bad_request() {
    let (code, body) = answered(r#"{"apiVersion": "v1", "kind": "Pod"}"#).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(body["error"], r#"expected an AdmissionReview of admission.k8s.io/v1, got "Pod" of "v1""#);
}

#[tokio::test]
async fn a_review_that_asks_nothing_is_a_bad_request() {
    let (code, body) = answered(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(body["error"], "the AdmissionReview has no request");
}

#[tokio::test]
async fn json_that_is_nested_without_end_is_a_bad_request() {
    let (code, body) = answered("[".repeat(100_000)).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    let error = body["error"].as_str().unwrap();
    assert!(error.starts_with("failed to read the AdmissionReview"), "{error}");
}

#[tokio::test]
async fn an_object_that_is_nested_without_end_is_a_bad_request() {
    let object = r#"{"a":"#.repeat(1000) + "1" + &"}".repeat(1000);
    let request = create_pod(&json!("?"));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});

    let (code, body) = answered(review.to_string().replace(r#""?""#, &object)).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    let error = body["error"].as_str().unwrap();
    assert!(error.contains("recursion limit exceeded"), "{error}");
}

#[tokio::test]
async fn a_body_larger_than_two_objects_is_too_large() {
    let (code, body) = answered(vec![b' '; 7 * 1024 * 1024 + 1]).await;

    assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body["error"].is_string());
}

#[tokio::test]
async fn a_body_of_several_mebibytes_is_read() {
    let mut pod = json!({"metadata": {"annotations": {"big": "a".repeat(6 * 1024 * 1024)}}, "spec": {}});
    pod["kind"] = json!("Pod");
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)});

    let (code, body) = answered(review.to_string()).await;

    assert_eq!(code, StatusCode::OK);
    assert_eq!(body["response"]["allowed"], true);
}

#[tokio::test]
async fn a_get_is_not_allowed() {
    let request = Request::builder().method(Method::GET).uri(POD).body(Body::empty()).unwrap();

    let (code, body) = send(blank(), request).await;

    assert_eq!(code, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(body["error"], "a review is a POST");
}

#[tokio::test]
async fn another_path_is_not_found() {
    let (code, body) = send(blank(), post("/elsewhere", "{}")).await;

    assert_eq!(code, StatusCode::NOT_FOUND);
    assert_eq!(body["error"], "there is no webhook at this path");
}

#[tokio::test]
async fn another_content_type_is_not_supported() {
    let request = Request::builder().method(Method::POST).uri(POD).header("content-type", "application/yaml");

    let (code, body) = send(blank(), request.body("{}".into()).unwrap()).await;

    assert_eq!(code, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(body["error"], "a review is application/json");
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let mut set = sidecar_set("somewhere");
    set["spec"]["namespace"] = json!("shop");
    let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": []}});
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)});

    let router = knowing(&[set], Lookup::NotExpected);
    let (code, body) = send(router, post(POD, review.to_string())).await;

    assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body["error"], "the SidecarSet operator has a defect: see its log");
}
