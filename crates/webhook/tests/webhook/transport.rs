//! What is no review at all.

use crate::exchange::{
    Lookup, MUTATE_SET, POD, VALIDATE_SET, blank, context, create_pod, knowing, post, send, sidecar_set,
};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_metrics::{Registry, scrape};
use sidecarset_webhook::server::router;
use sidecarset_webhook::{Context, Freshness};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn answered(body: impl Into<Body>) -> (StatusCode, Value) {
    send(blank(), post(POD, body)).await
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_bad_request() {
    for path in [POD, MUTATE_SET, VALIDATE_SET] {
        let (code, body) = send(blank(), post(path, "hello")).await;

        assert_eq!(code, StatusCode::BAD_REQUEST);
        assert_eq!(body["message"], "failed to read the AdmissionReview: expected value at line 1 column 1");
    }
}

#[tokio::test]
async fn nothing_is_answered_from_what_may_be_old() {
    let is_current = Arc::new(AtomicBool::new(false));
    let freshness = Freshness::new({
        let is_current = Arc::clone(&is_current);
        move || is_current.load(Ordering::Relaxed)
    });
    let context = Context { freshness, ..context(Catalog::default(), Lookup::NotExpected) };
    let (metrics, router) = (Arc::clone(&context.metrics), router(context));
    let request = create_pod(&json!({"metadata": {"name": "web"}, "spec": {"containers": []}}));
    let review =
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string();

    for path in [POD, MUTATE_SET, VALIDATE_SET] {
        let (code, body) = send(router.clone(), post(path, review.clone())).await;

        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["message"], "the operator has not heard from the API server for 10 seconds");
    }
    is_current.store(true, Ordering::Relaxed);
    assert_eq!(send(router, post(POD, review)).await.0, StatusCode::OK);

    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let text = scrape(&registry).unwrap();
    assert_eq!(
        text.lines().filter(|line| line.contains("reason=\"stale\"") && line.ends_with(" 1")).count(),
        3,
        "{text}"
    );
}

#[tokio::test]
async fn something_else_than_a_review_is_a_bad_request() {
    let (code, body) = answered(r#"{"apiVersion": "v1", "kind": "Pod"}"#).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(body["message"], r#"expected an AdmissionReview of admission.k8s.io/v1, got "Pod" of "v1""#);
}

#[tokio::test]
async fn a_review_that_asks_nothing_is_a_bad_request() {
    let (code, body) = answered(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(body["message"], "the AdmissionReview has no request");
}

#[tokio::test]
async fn json_that_is_nested_without_end_is_a_bad_request() {
    let (code, body) = answered("[".repeat(100_000)).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    let error = body["message"].as_str().unwrap();
    assert!(error.starts_with("failed to read the AdmissionReview"), "{error}");
}

#[tokio::test]
async fn an_object_that_is_nested_without_end_is_a_bad_request() {
    let object = r#"{"a":"#.repeat(1000) + "1" + &"}".repeat(1000);
    let request = create_pod(&json!("?"));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});

    let (code, body) = answered(review.to_string().replace(r#""?""#, &object)).await;

    assert_eq!(code, StatusCode::BAD_REQUEST);
    let error = body["message"].as_str().unwrap();
    assert!(error.starts_with("failed to read the AdmissionReview: request.object.a.a.a."), "{error}");
    assert!(error.contains(": recursion limit exceeded at line 1 column"), "{error}");
    assert!(error.len() < 400, "{error}");
}

#[tokio::test]
async fn a_body_larger_than_that_of_an_object_that_can_be_stored_is_too_large() {
    let (code, body) = answered(vec![b' '; 12 * 1024 * 1024 + 1]).await;

    assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body["message"].is_string());
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
async fn a_pod_as_large_as_one_can_be_stored_is_injected_however_much_its_letters_take_in_a_review() {
    let pod = json!({
        "metadata": {"labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "app", "image": "app:v1", "env": [{"name": "A", "value": "?"}]}]},
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)});
    // As the API server writes it: a byte of the Pod is six of the review.
    let body = review.to_string().replace('?', &r"\u003c".repeat(1_500_000));
    let mut set = sidecar_set("agent-set");
    set["spec"]["containers"][0]["transferEnv"] = json!([{"sourceContainerName": "app", "envName": "A"}]);

    let (code, answer) = send(knowing(&[set], Lookup::NotExpected), post(POD, body)).await;

    assert_eq!((code, &answer["response"]["allowed"]), (StatusCode::OK, &json!(true)));
    let patch = answer["response"]["patch"].as_str().unwrap();
    // The variable, in the base64 of the patch.
    assert!(patch.len() > 12_000_000, "{} bytes", patch.len());
}

#[tokio::test]
async fn a_get_is_not_allowed() {
    let request = Request::builder().method(Method::GET).uri(POD).body(Body::empty()).unwrap();

    let (code, body) = send(blank(), request).await;

    assert_eq!(code, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(body["message"], "a review is a POST");
}

#[tokio::test]
async fn another_path_is_not_found() {
    let (code, body) = send(blank(), post("/elsewhere", "{}")).await;

    assert_eq!(code, StatusCode::NOT_FOUND);
    assert_eq!(body["message"], "there is no webhook at this path");
}

#[tokio::test]
async fn another_content_type_is_not_supported() {
    let request = Request::builder().method(Method::POST).uri(POD).header("content-type", "application/yaml");

    let (code, body) = send(blank(), request.body("{}".into()).unwrap()).await;

    assert_eq!(code, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(body["message"], "a review is application/json");
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let mut set = sidecar_set("somewhere");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "shop"}});
    let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": []}});
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)});

    let router = knowing(&[set], Lookup::NotExpected);
    let (code, body) = send(router, post(POD, review.to_string())).await;

    assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body["message"], "the SidecarSet operator has a defect: see its log");
}
