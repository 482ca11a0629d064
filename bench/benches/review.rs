//! What a review costs, stage by stage and whole. The columns of divan show time and allocations; only their ratios
//! mean something on another machine.
#![expect(clippy::unwrap_used, reason = "a measurement ends at the first surprise")]

use axum::body::Body;
use axum::http::Request;
use divan::{AllocProfiler, Bencher, black_box};
use http_body_util::BodyExt;
use sidecarset_bench::world::{NAMESPACE, catalog, namespace, pod, review, webhook};
use sidecarset_core::injection::inject;
use sidecarset_core::json::{Document, Json};
use sidecarset_webhook::review::{Verdict, answer, read, request};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SETS: [usize; 3] = [1, 50, 500];
/// The sizes of Pods, in bytes.
const PODS: [usize; 3] = [2_000, 20_000, 200_000];

fn main() {
    divan::main();
}

#[divan::bench(args = PODS)]
fn a_parse(bencher: Bencher<'_, '_>, bytes: usize) {
    let body = review(&pod(bytes));

    bencher.bench(|| {
        let review = read(black_box(&body)).unwrap();
        request::<Json<'_>>(&review).unwrap().uid.len()
    });
}

#[divan::bench(args = SETS)]
fn b_select(bencher: Bencher<'_, '_>, sets: usize) {
    let (catalog, pod, namespace) = (catalog(sets), pod(2_000), namespace(NAMESPACE));
    let labels = pod["metadata"]["labels"].as_object().unwrap();

    bencher.bench(|| catalog.select(black_box(labels), Some(&namespace)));
}

#[divan::bench(args = PODS)]
fn c_inject(bencher: Bencher<'_, '_>, bytes: usize) {
    let (catalog, pod, namespace) = (catalog(1), pod(bytes), namespace(NAMESPACE));
    let selection = catalog.select(pod["metadata"]["labels"].as_object().unwrap(), Some(&namespace));
    let now = jiff::Timestamp::constant(1_767_323_045, 0).into();

    let text = pod.to_string();
    let read = || Document::parse(&text).unwrap();

    bencher.with_inputs(read).bench_refs(|pod| inject(black_box(pod), &selection.sets, now).unwrap());
}

#[divan::bench(args = PODS)]
fn d_answer(bencher: Bencher<'_, '_>, bytes: usize) {
    let (catalog, pod, namespace) = (catalog(1), pod(bytes), namespace(NAMESPACE));
    let selection = catalog.select(pod["metadata"]["labels"].as_object().unwrap(), Some(&namespace));
    let now = jiff::Timestamp::constant(1_767_323_045, 0).into();
    let injection = inject(&pod, &selection.sets, now).unwrap();
    let verdict = || Verdict::Allowed { patch: injection.patch.clone(), warnings: Vec::new() };

    bencher.with_inputs(verdict).bench_values(|verdict| answer("1", verdict));
}

/// Through the router, as it is served, but for TLS and the network.
#[divan::bench(args = PODS, consts = SETS)]
fn e_whole_review<const SET_COUNT: usize>(bencher: Bencher<'_, '_>, bytes: usize) {
    let (router, body) = (webhook(catalog(SET_COUNT)), review(&pod(bytes)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    bencher.bench(|| {
        let request = Request::post("/mutate-pod/fail/named").header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).unwrap();
        runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        })
    });
}

/// What every webhook on this stack pays: reading the request, and an answer that says nothing.
#[divan::bench(args = PODS)]
fn f_null_review(bencher: Bencher<'_, '_>, bytes: usize) {
    let body = review(&pod(bytes));

    bencher.bench(|| {
        let review = read(black_box(&body)).unwrap();
        answer(request::<Json<'_>>(&review).unwrap().uid, Verdict::untouched())
    });
}
