//! Whatever is posted: an answer to the request that it is, or a refusal of HTTP.

#[path = "../../../core/tests/core/fuzz/corpus.rs"]
mod corpus;
#[path = "../../../core/tests/core/fuzz/mutation.rs"]
mod mutation;
#[path = "../../../core/tests/core/trials.rs"]
mod trials;

use crate::exchange::{
    Lookup, MUTATE_SET, POD, VALIDATE_SET, ask, create_pod, knowing, patched, permitting, post, send, write_set,
};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use corpus::Corpus;
use http::StatusCode;
use mutation::{json, lost, mutated};
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::validation::WithoutRule;
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use trials::trials;

const CORPUS: Corpus = Corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
/// Pods and sets are those of the decisions.
const OBJECTS: Corpus = Corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/corpus"));
const PATHS: [&str; 3] = [POD, MUTATE_SET, VALIDATE_SET];
/// What a set gets written into it, whatever it said before.
const WRITTEN: [&str; 2] = ["kruise.io/sidecarset-hash", "kruise.io/sidecarset-hash-without-image"];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A router that knows sets whose containers can stand in one Pod.
fn router() -> Router {
    let wanted = ["with_nearly_every_member.json", "patches_annotations.json", "several_0.json"];
    let sets = OBJECTS.values("sets").into_iter().filter(|(name, _)| wanted.contains(&name.as_str()));
    knowing(&sets.map(|(_, set)| set).collect::<Vec<_>>(), Lookup::Finds("a", "b"))
}

fn alone() -> Router {
    permitting(None, WithoutRule::Allow)
}

fn uid(body: &[u8]) -> Option<String> {
    let review: Value = serde_json::from_slice(body).ok()?;
    review["request"]["uid"].as_str().map(str::to_owned)
}

/// Holds if a body is refused as no review, or answered whole: with its uid, and a patch or a reason.
fn body_holds(router: &Router, body: &[u8]) {
    for path in PATHS {
        let (code, answer) = RUNTIME.block_on(send(router.clone(), post(path, body.to_vec())));
        if code != StatusCode::OK {
            assert!(code.is_client_error() && answer["message"].is_string(), "{code}: {answer}");
            continue;
        }
        assert_eq!(
            (&answer["apiVersion"], &answer["kind"]),
            (&json!("admission.k8s.io/v1"), &json!("AdmissionReview"))
        );
        response_holds(&answer["response"], &uid(body).unwrap());
    }
}

fn response_holds(response: &Value, uid: &str) {
    assert_eq!(response["uid"], uid);
    if response["allowed"] == json!(false) {
        let status = &response["status"];
        assert!([400, 422, 503].map(Value::from).contains(&status["code"]), "{status}");
        assert!(status["message"].as_str().is_some_and(|message| !message.is_empty()), "{status}");
        return;
    }
    assert_eq!(response["allowed"], true);
    assert_eq!(response["patch"].is_string(), response["patchType"] == "JSONPatch");
    if let Some(patch) = response["patch"].as_str() {
        let patch = BASE64_STANDARD.decode(patch).unwrap();
        let operations: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        assert!(!operations.0.is_empty());
    }
}

/// Asks, and returns the object as the answer makes it. Nothing is returned where it is refused.
fn written(router: Router, path: &str, request: Value) -> Option<Value> {
    let object = request["object"].clone();
    let response = RUNTIME.block_on(ask(router, path, request));
    let is_allowed = response["allowed"] == json!(true);
    is_allowed.then(|| if response["patch"].is_string() { patched(&object, &response) } else { object })
}

/// Returns the request to write a set, whose name the API server has read.
fn write(set: &Value, old: Option<&Value>) -> Value {
    let mut request = write_set(set, old);
    request["name"] = json!("logs");
    request
}

/// Holds if what is filled into a set takes nothing away, is filled in once, and is valid if the set was.
fn set_holds(set: &Value) {
    if !set.is_object() {
        return;
    }
    let filled = written(alone(), MUTATE_SET, write(set, None)).unwrap();
    let again = written(alone(), MUTATE_SET, write(&filled, Some(&filled))).unwrap();
    assert_eq!(again, filled);
    let mut own = set.clone();
    if let Some(Value::Object(annotations)) = own.pointer_mut("/metadata/annotations") {
        annotations.retain(|key, _| !WRITTEN.contains(&key.as_str()));
    }
    let lost = lost(&own, &filled);
    assert!(lost.is_none(), "lost set{}", lost.unwrap());
    if written(alone(), VALIDATE_SET, write(set, None)).is_some() {
        let response = RUNTIME.block_on(ask(alone(), VALIDATE_SET, write(&filled, None)));
        assert_eq!(response["allowed"], true, "{}", response["status"]["message"]);
    }
}

/// Holds if a Pod is refused, or gets what there is nothing to add to.
fn pod_holds(router: &Router, pod: &Value) {
    let Some(injected) = written(router.clone(), POD, create_pod(pod)) else { return };
    let again = written(router.clone(), POD, create_pod(&injected));
    assert_eq!(again.as_ref(), Some(&injected));
}

#[test]
fn the_corpus_of_bodies_holds() {
    let router = router();
    CORPUS.bytes("bodies").iter().for_each(|(_, body)| body_holds(&router, body));
}

#[test]
fn the_corpus_of_reviews_holds() {
    let router = router();
    CORPUS.bytes("reviews").iter().for_each(|(_, body)| body_holds(&router, body));
}

#[test]
fn the_corpus_of_sets_holds() {
    OBJECTS.values("sets").iter().for_each(|(_, set)| set_holds(set));
}

#[test]
fn the_corpus_of_pods_holds() {
    let router = router();
    OBJECTS.values("pods").iter().for_each(|(_, pod)| pod_holds(&router, pod));
}

#[test]
fn a_pod_of_the_corpus_gets_sidecars() {
    let pod = OBJECTS.values("pods").into_iter().find(|(name, _)| name == "copied_from_a_running_one.json").unwrap().1;

    let response = RUNTIME.block_on(ask(router(), POD, create_pod(&pod)));

    assert_eq!(response["allowed"], true, "{}", response["status"]["message"]);
    assert!(patched(&pod, &response)["spec"]["containers"].as_array().unwrap().len() > 3);
}

#[test]
fn a_body_that_is_nested_10000_deep_is_refused() {
    let nested = "[".repeat(10_000) + &"]".repeat(10_000);
    let review =
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&json!(0))});
    let inside = review.to_string().replacen("\"object\":0", &format!("\"object\":{nested}"), 1);

    for body in [nested, inside, "{\"a\":".repeat(10_000)] {
        for path in PATHS {
            let (code, _) = RUNTIME.block_on(send(alone(), post(path, Body::from(body.clone()))));

            assert_eq!(code, StatusCode::BAD_REQUEST);
        }
    }
}

#[test]
fn what_is_wrong_seven_thousand_times_is_answered_in_a_bounded_text() {
    let mut set = OBJECTS.values("sets")[0].1.clone();
    set["spec"]["containers"] = vec![json!({}); 7_000].into();

    let response = RUNTIME.block_on(ask(alone(), VALIDATE_SET, write(&set, None)));

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(response["status"]["details"]["causes"].as_array().unwrap().len(), 100);
    assert!(response.to_string().len() < 100_000);
}

proptest! {
    #![proptest_config(trials(48))]

    #[test]
    fn any_bytes_are_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        body_holds(&alone(), &body);
    }

    #[test]
    fn any_json_is_refused_or_answered(body in json()) {
        body_holds(&alone(), body.to_string().as_bytes());
    }

    #[test]
    fn any_review_is_refused_or_answered(body in mutated(CORPUS.values("reviews"))) {
        body_holds(&router(), body.to_string().as_bytes());
    }

    #[test]
    fn any_set_is_filled_in_without_loss_and_stays_valid(set in mutated(OBJECTS.values("sets"))) {
        set_holds(&set);
    }

    #[test]
    fn any_pod_is_refused_or_injected_once(pod in mutated(OBJECTS.values("pods"))) {
        pod_holds(&router(), &pod);
    }
}
