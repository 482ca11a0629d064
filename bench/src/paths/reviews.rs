//! What a new Pod costs, whole and stage by stage.

use super::Work;
use crate::world::{self, NAMESPACE, catalog, namespace, pod, review, webhook};
use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::injection::inject;
use sidecarset_core::json::{Document, Json};
use sidecarset_webhook::review::{Verdict, answer, read, request};
use std::hint::black_box;
use tower::ServiceExt;

/// The Pod where it is not its size that changes, in bytes.
const USUAL: usize = 20_000;
/// How many sets there are where it is not their number that changes.
const SOME: usize = 50;
/// How many Pods or verdicts are there to be used up: more than any path is worked through.
const UNREAD: usize = 12;

pub(super) fn review_by_bytes(bytes: usize) -> Work {
    whole(&pod(bytes), among(SOME))
}

pub(super) fn review_by_sets(sets: usize) -> Work {
    whole(&pod(USUAL), among(sets))
}

pub(super) fn review_by_matching(sets: usize) -> Work {
    whole(&pod(USUAL), all_matching(sets))
}

pub(super) fn review_by_namespaces(namespaces: usize) -> Work {
    whole(&pod(USUAL), elsewhere(SOME, namespaces))
}

pub(super) fn parse_by_bytes(bytes: usize) -> Work {
    let body = review(&pod(bytes));
    Box::new(move || {
        let review = read(&body).expect("a review is JSON");
        black_box(request::<Json<'_>>(&review).expect("the review is whole").uid.len());
    })
}

pub(super) fn select_by_sets(sets: usize) -> Work {
    select(among(sets))
}

pub(super) fn select_by_sets_elsewhere(sets: usize) -> Work {
    select(elsewhere(sets, 50))
}

pub(super) fn select_by_namespaces(namespaces: usize) -> Work {
    select(elsewhere(SOME, namespaces))
}

pub(super) fn inject_by_bytes(bytes: usize) -> Work {
    injection(&pod(bytes), &catalog(1))
}

pub(super) fn inject_by_matching(sets: usize) -> Work {
    injection(&pod(USUAL), &all_matching(sets))
}

/// Another webhook has changed the Pod: that everything is there is found out field by field.
pub(super) fn inject_again_by_bytes(bytes: usize) -> Work {
    injection_again(&pod(bytes), &catalog(1))
}

pub(super) fn inject_again_by_matching(sets: usize) -> Work {
    injection_again(&pod(USUAL), &all_matching(sets))
}

pub(super) fn answer_by_bytes(bytes: usize) -> Work {
    answering(&pod(bytes), &catalog(1))
}

pub(super) fn answer_by_matching(sets: usize) -> Work {
    answering(&pod(USUAL), &all_matching(sets))
}

/// Through the router, as it is served, but for TLS, the network and the log.
fn whole(pod: &Value, catalog: Catalog) -> Work {
    let (router, body) = (webhook(catalog), Bytes::from(review(pod)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a thread is there");
    Box::new(move || {
        let request = Request::post("/mutate-pod/fail/named").header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).expect("the request is written above");
        let answer = runtime.block_on(async {
            let response = router.clone().oneshot(request).await.expect("the router always answers");
            response.into_body().collect().await.expect("the answer is in memory").to_bytes()
        });
        drop(black_box(answer));
    })
}

fn select(catalog: Catalog) -> Work {
    let pod = pod(2_000);
    Box::new(move || drop(black_box(catalog.select(labels(&pod), catalog.namespace(NAMESPACE).map(AsRef::as_ref)))))
}

/// Each time a Pod that nobody has looked at: what is read late is read in here.
fn injection(pod: &Value, catalog: &Catalog) -> Work {
    let sets = catalog.select(labels(pod), Some(&namespace(NAMESPACE))).sets;
    // The process ends soon.
    let text: &'static str = pod.to_string().leak();
    let read = || Document::parse(text).expect("a Pod is JSON");
    let mut unread: Vec<Document<'_>> = (0..UNREAD).map(|_| read()).collect();
    Box::new(move || {
        let pod = unread.pop().expect("there are more Pods than times");
        drop(black_box(inject(&pod, &sets, now())));
    })
}

/// The same with the sidecars in it already.
fn injection_again(pod: &Value, catalog: &Catalog) -> Work {
    let sets = catalog.select(labels(pod), Some(&namespace(NAMESPACE))).sets;
    let patch = inject(pod, &sets, now()).expect("the sets fit together").patch;
    let mut injected = pod.clone();
    json_patch::patch(&mut injected, &patch.operations()).expect("the patch is for this Pod");
    let again = inject(&injected, &sets, now()).expect("the sets fit together");
    assert!(again.patch.is_empty(), "the sidecars are there already");
    injection(&injected, catalog)
}

fn answering(pod: &Value, catalog: &Catalog) -> Work {
    let sets = catalog.select(labels(pod), Some(&namespace(NAMESPACE))).sets;
    let patch = inject(pod, &sets, now()).expect("the sets fit together").patch;
    // An answer uses its patch up.
    let verdict = || Verdict::Allowed { patch: patch.clone(), warnings: Vec::new() };
    let mut unused: Vec<Verdict> = (0..UNREAD).map(|_| verdict()).collect();
    Box::new(move || {
        let verdict = unused.pop().expect("there are more verdicts than times");
        drop(black_box(answer("1", verdict)));
    })
}

fn labels(pod: &Value) -> &serde_json::Map<String, Value> {
    pod["metadata"]["labels"].as_object().expect("the Pod has labels")
}

pub(super) fn now() -> Seconds {
    jiff::Timestamp::constant(1_767_323_045, 0).into()
}

/// Returns a catalog of sets that all select the Pods here.
fn all_matching(sets: usize) -> Catalog {
    with_namespaces(of_sets((0..sets).map(|at| selecting(world::set(at)))), 50)
}

/// Returns a catalog of so many sets, of which one selects the Pods here.
pub(super) fn among(sets: usize) -> Catalog {
    with_namespaces(of_sets((1..sets).map(slight).chain([world::set(0)])), 50)
}

/// Returns a catalog of so many sets that select the Pods here by their labels, and of which all but one select another
/// namespace.
fn elsewhere(sets: usize, namespaces: usize) -> Catalog {
    let elsewhere = (1..sets).map(|at| named(selecting(slight(at)), &format!("namespace-{at}")));
    with_namespaces(of_sets(elsewhere.chain([named(world::set(0), NAMESPACE)])), namespaces)
}

fn of_sets(sets: impl Iterator<Item = Value>) -> Catalog {
    let mut catalog = Catalog::default();
    for set in sets {
        catalog.put_set(&serde_json::from_value(set).expect("the set is written here"));
    }
    catalog
}

fn with_namespaces(mut catalog: Catalog, namespaces: usize) -> Catalog {
    for name in (1..namespaces).map(|at| format!("namespace-{at}")).chain([NAMESPACE.to_owned()]) {
        catalog.put_namespace(&name, namespace(&name));
    }
    catalog
}

/// Returns a set that injects next to nothing, for a catalog is to be made quickly and this one is never injected.
fn slight(at: usize) -> Value {
    let mut set = world::set(at);
    let spec = set["spec"].as_object_mut().expect("a set has a spec");
    spec.retain(|member, _| member == "selector");
    spec.insert("containers".to_owned(), json!([{"name": "agent", "image": "agent:v1"}]));
    set
}

/// Narrows a set to the Pods of one namespace.
fn named(mut set: Value, namespace: &str) -> Value {
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    set
}

fn selecting(mut set: Value) -> Value {
    set["spec"]["selector"] = json!({"matchLabels": {"app": "app-0"}});
    set
}
