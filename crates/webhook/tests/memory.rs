//! What a review costs in memory at its peak: a small multiple of its body, whatever is in it and whoever it is for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use peak_alloc::PeakAlloc;

#[path = "webhook/exchange.rs"]
#[expect(dead_code, reason = "other tests need the rest of it")]
mod exchange;

use axum::Router;
use axum::body::{Body, Bytes};
use exchange::{Lookup, MUTATE_SET, POD, VALIDATE_SET, post};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_metrics::Gauge;
use sidecarset_webhook::server::{Budget, router};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Runtime;
use tower::ServiceExt;

// It counts for all threads: there is one test in this file.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;
const NAMESPACE: &str = "/validate-namespace";

/// A body as it comes from a connection, in pieces of which each is gone once it was read.
struct Pieces {
    text: &'static [u8],
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_empty() {
            return Poll::Ready(None);
        }
        let (piece, rest) = self.text.split_at(self.text.len().min(16 * 1024));
        self.text = rest;
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(piece)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.text.len() as u64)
    }
}

/// A webhook, and where it shows how much memory its reviews have taken of their budget.
struct Reviewer {
    router: Router,
    taken: Gauge,
}

/// A review that was answered.
struct Reviewed {
    status: u16,
    /// How many bytes were allocated at once.
    peak: usize,
    /// How many it has taken of the budget.
    share: usize,
}

fn reviewer() -> Reviewer {
    let (mut catalog, taken) = (Catalog::default(), Gauge::default());
    catalog.put_set(&serde_json::from_value(taker()).unwrap());
    let budget = Arc::new(Budget::new(Budget::USUAL, taken.clone()).unwrap());
    let context = sidecarset_webhook::Context { budget, ..exchange::context(catalog, Lookup::Finds("a", "b")) };
    Reviewer { router: router(context), taken }
}

fn peak(runtime: &Runtime, reviewer: &Reviewer, path: &str, body: &'static str) -> Reviewed {
    let request = post(path, Body::new(Pieces { text: body.as_bytes() }));
    let router = reviewer.router.clone();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let (status, share) = runtime.block_on(async {
        let response = router.oneshot(request).await.unwrap();
        let (status, share) = (response.status().as_u16(), reviewer.taken.number());
        drop(response.into_body().collect().await.unwrap());
        (status, usize::try_from(share).unwrap())
    });
    Reviewed { status, peak: ALLOCATOR.peak_usage() - before, share }
}

/// Repeats an item in a list, until that is so long.
fn list(item: &str, bytes: usize) -> String {
    format!("[{}]", vec![item; bytes / (item.len() + 1)].join(","))
}

/// Writes so many bytes of members, each of a name of its own.
fn members(member: impl Fn(usize) -> String, bytes: usize) -> String {
    let members: Vec<String> = (0..bytes / (member(0).len() + 1)).map(member).collect();
    members.join(",")
}

/// JSON of any kind that is so long: what takes the most beside its text is different for each.
fn shapes(bytes: usize) -> Vec<(&'static str, String)> {
    vec![
        ("numbers", list("0", bytes)),
        ("lists", list("[]", bytes)),
        ("lists in lists", list(&format!("{}{}", "[".repeat(50), "]".repeat(50)), bytes)),
        ("objects", list(r#"{"a":0}"#, bytes)),
        ("objects in objects", list(&format!("{}0{}", r#"{"a":"#.repeat(50), "}".repeat(50)), bytes)),
        ("texts", list(r#""""#, bytes)),
        ("escaped texts", list(r#""\n""#, bytes)),
        ("one text", format!("\"{}\"", "a".repeat(bytes - 2))),
        ("one escaped text", format!("\"{}\"", r"\u003c".repeat(bytes / 6))),
        ("members", format!("{{{}}}", members(|at| format!(r#""{at:07}":0"#), bytes))),
    ]
}

fn pod(member: &str, value: &str) -> String {
    let pod = json!({
        "metadata": {"name": "a", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "app", "image": "app:v1", "env": [{"name": "A"}]}], "x": 0},
    });
    review(&exchange::create_pod(&with(pod, member)), value)
}

fn set(member: &str, value: &str) -> String {
    review(&exchange::write_set(&with(exchange::sidecar_set("logs"), member), None), value)
}

/// Puts a mark into an object, at a path.
fn with(mut object: Value, path: &str) -> Value {
    let (parent, member) = path.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[member] = json!("@");
    object
}

/// Writes a review, with JSON in place of the mark.
fn review(request: &Value, value: &str) -> String {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    review.to_string().replacen(r#""@""#, value, 1)
}

/// A set that takes over from a Pod whatever it can.
fn taker() -> Value {
    let mut set = exchange::sidecar_set("taker");
    set["spec"]["containers"][0]["shareVolumePolicy"] = json!({"type": "enabled"});
    set["spec"]["containers"][0]["transferEnv"] = json!([{"sourceContainerName": "app", "envNames": ["A", "B"]}]);
    set
}

/// Reviews that are so long, each with what it is and whom it is for.
fn reviews(bytes: usize) -> Vec<(String, &'static str, String)> {
    let mut reviews = Vec::new();
    for (shape, value) in shapes(bytes) {
        for member in ["/metadata/labels/x", "/spec/containers/0/x"] {
            reviews.push((format!("{shape} at {member} of a Pod"), POD, pod(member, &value)));
        }
        // What is too long for a set is the same for all of it.
        if !["numbers", "lists in lists", "one text"].contains(&shape) {
            continue;
        }
        for path in [MUTATE_SET, VALIDATE_SET] {
            reviews.push((format!("{shape} for {path}"), path, set("/spec/containers/0/x", &value)));
        }
        for (path, request) in [
            (POD, exchange::create_pod(&json!({"metadata": {}, "spec": {}}))),
            (MUTATE_SET, exchange::write_set(&exchange::sidecar_set("logs"), None)),
            (VALIDATE_SET, exchange::write_set(&exchange::sidecar_set("logs"), None)),
        ] {
            let request = with(request, "/userInfo");
            reviews.push((format!("{shape} beside the object for {path}"), path, review(&request, &value)));
        }
    }
    reviews.extend(lists(bytes));
    reviews.extend(escaped(bytes));
    reviews.extend(echoed(bytes));
    let labels = format!("{{{}}}", members(|at| format!(r#""{at:07}":"""#), bytes));
    let request = with(write_namespace(), "/object/metadata/labels");
    reviews.push(("labels of a Namespace".to_owned(), NAMESPACE, review(&request, &labels)));
    reviews
}

/// Reviews of Pods with lists that somebody looks through.
fn lists(bytes: usize) -> Vec<(String, &'static str, String)> {
    let each_named = |item: fn(usize) -> String| format!("[{}]", members(item, bytes));
    let variable = |at| format!(r#"{{"name":"{at:07}"}}"#);
    let container = |at| format!(r#"{{"name":"{at:05}"}}"#);
    let mount = |at| format!(r#"{{"name":"a","mountPath":"/{at:05}"}}"#);
    let lists = [
        ("variables", "/spec/containers/0/env", list(r#"{"name":"A"}"#, bytes)),
        ("named variables", "/spec/containers/0/env", each_named(variable)),
        ("nothing as variables", "/spec/containers/0/env", list("{}", bytes)),
        ("a long variable", "/spec/containers/0/env", format!(r#"[{{"name":"A","value":"{}"}}]"#, "a".repeat(bytes))),
        ("mounts", "/spec/containers/0/volumeMounts", list(r#"{"mountPath":"/a"}"#, bytes)),
        ("mounts at paths", "/spec/containers/0/volumeMounts", each_named(mount)),
        ("containers", "/spec/containers", list(r#"{"name":"a"}"#, bytes)),
        ("named containers", "/spec/containers", each_named(container)),
        ("named init containers", "/spec/initContainers", each_named(container)),
        ("nothing as containers", "/spec/containers", list("{}", bytes)),
        ("null as containers", "/spec/containers", list("null", bytes)),
        ("volumes", "/spec/volumes", list(r#"{"name":"a"}"#, bytes)),
        ("named volumes", "/spec/volumes", each_named(variable)),
        ("annotations", "/metadata/annotations", format!("{{{}}}", members(|at| format!(r#""{at:07}":"""#), bytes))),
    ];
    lists.map(|(what, member, value)| (format!("{what} of a Pod"), POD, pod(member, &value))).into()
}

fn write_namespace() -> Value {
    json!({
        "uid": "13", "operation": "UPDATE", "object": {"metadata": {"name": "a"}},
        "kind": {"group": "", "version": "v1", "kind": "Namespace"},
        "resource": {"group": "", "version": "v1", "resource": "namespaces"},
    })
}

/// Reviews in which each text has an escape, so that it is not where it stands.
fn escaped(bytes: usize) -> Vec<(String, &'static str, String)> {
    let texts = members(|at| format!(r#""\\n{at:04x}":"\\n""#), bytes);
    let names = format!("[{}]", members(|at| format!(r#"{{"name":"\\n{at:04x}"}}"#), bytes));
    let mut reviews = Vec::new();
    for (member, value) in [
        ("/metadata/labels", format!("{{{texts}}}")),
        ("/metadata/annotations", format!("{{{texts}}}")),
        ("/metadata", format!(r#"{{"labels":{{"app":"nginx"}},{texts}}}"#)),
        ("/spec/containers", format!(r#"[{{"name":"app",{texts}}}]"#)),
        ("/spec", format!(r#"{{"containers":[{{"name":"app"}}],{texts}}}"#)),
        ("/spec/volumes", names.clone()),
        ("/spec/containers", names.clone()),
        ("/spec/containers/0/env", names),
    ] {
        reviews.push((format!("escaped texts at {member} of a Pod"), POD, pod(member, &value)));
    }
    let containers = set("/spec/containers", &format!("{{{texts}}}"));
    reviews.push(("escaped texts in a set".to_owned(), VALIDATE_SET, containers));
    let request = pod("/metadata/labels", "{}").replacen(r#""uid""#, &format!(r#"{texts},"uid""#), 1);
    reviews.push(("escaped texts in a request".to_owned(), POD, request));
    reviews
}

/// Reviews of which a part may be told in the answer, where a byte can be six.
fn echoed(bytes: usize) -> Vec<(String, &'static str, String)> {
    let text = format!("\"{}\"", "\u{7f}".repeat(bytes));
    let mut reviews = Vec::new();
    for (path, request) in [
        (POD, exchange::create_pod(&json!({"metadata": {}, "spec": {}}))),
        (MUTATE_SET, exchange::write_set(&exchange::sidecar_set("logs"), None)),
        (VALIDATE_SET, exchange::write_set(&json!({}), None)),
        (NAMESPACE, write_namespace()),
    ] {
        for member in ["/uid", "/name", "/namespace", "/kind/kind", "/kind/group", "/resource/resource", "/operation"] {
            let told = review(&with(request.clone(), member), &text);
            reviews.push((format!("a long text at {member} for {path}"), path, told));
        }
        let of_another_version = review(&request, "").replacen("admission.k8s.io/v1", text.trim_matches('"'), 1);
        reviews.push((format!("a long version for {path}"), path, of_another_version));
    }
    for member in ["/metadata/name", "/metadata/namespace", "/spec/containers", "/spec/containers/0/name"] {
        reviews.push((format!("a long text at {member} of a Pod"), POD, pod(member, &text)));
    }
    reviews
}

/// Reviews of sets that are as large as they may be, as they are and as they were.
fn largest_sets() -> Vec<(String, &'static str, String)> {
    let sizes = [
        ("numbers", list("0", 2 * 19_900)),
        ("objects", list(r#"{"a":0}"#, 8 * 6_600)),
        ("objects in objects", list(&format!("{}0{}", r#"{"a":"#.repeat(50), "}".repeat(50)), 302 * 158)),
        ("lists in lists", list(&format!("{}{}", "[".repeat(50), "]".repeat(50)), 101 * 390)),
        ("texts", list(&format!("\"{}\"", "a".repeat(140)), 1_450_000)),
        ("one text", format!("\"{}\"", "a".repeat(1_500_000))),
        ("one escaped text", format!("\"{}\"", r"\u003c".repeat(250_000))),
        ("one text of controls", format!("\"{}\"", "\u{7f}".repeat(1_000_000))),
        ("members", format!("{{{}}}", members(|at| format!(r#""{at:07}":0"#), 12 * 19_900))),
    ];
    let of_text = ["/spec/containers/0/name", "/spec/customVersion", "/spec/containers/0/podInjectPolicy"];
    let mut reviews = Vec::new();
    for (what, value) in sizes {
        let of_text = of_text.iter().filter(|_| what == "one text of controls");
        for member in ["/spec/containers/0/x", "/spec/containers/0/env", "/spec/volumes"].iter().chain(of_text) {
            let set = with(exchange::sidecar_set("logs"), member);
            let old = exchange::write_set(&set, Some(&json!("OLD")));
            let set = set.to_string().replace(r#""@""#, &value);
            let text = review(&old, &value).replace(r#""OLD""#, &set.replace("agent:v1", "agent:v0"));
            for path in [MUTATE_SET, VALIDATE_SET] {
                reviews.push((format!("{what} at {member} for {path}"), path, text.clone()));
            }
        }
    }
    reviews
}

#[test]
fn a_review_takes_at_most_four_times_its_length_and_that_of_a_set_at_most_as_much_as_one_of_seven_mebibytes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reviewer = reviewer();
    // What is made at the first use is no part of a review.
    for (_, path, body) in reviews(20_000) {
        peak(&runtime, &reviewer, path, body.leak());
    }
    let mut failures = Vec::new();
    let mut check = |what: String, path: &str, body: String, most: usize| {
        let body: &'static str = body.leak();
        let Reviewed { status, peak, share } = peak(&runtime, &reviewer, path, body);
        println!("{:6.2} times {} bytes, {status}: {what}", peak as f64 / body.len() as f64, body.len());
        // What is no review gives its share back with its body, and its answer is short.
        if peak > most || (status == 200 && peak > share) {
            failures
                .push(format!("{what}: {peak} bytes for {}, with a share of {share} and at most {most}", body.len()));
        }
    };

    // Longer than a set may be: of these no set is made.
    for (what, path, body) in reviews(1600 * 1024) {
        let most = 4 * body.len();
        check(what, path, body, most);
    }
    for path in [POD, MUTATE_SET, VALIDATE_SET] {
        let numbers = list("0", 7 * MIB - 2000);
        let body =
            if path == POD { pod("/spec/containers/0/x", &numbers) } else { set("/spec/containers/0/x", &numbers) };
        let most = 4 * body.len();
        check(format!("seven mebibytes for {path}"), path, body, most);
    }
    for (what, path, body) in largest_sets() {
        check(what, path, body, 28 * MIB);
    }

    assert!(failures.is_empty(), "{failures:#?}");
}
