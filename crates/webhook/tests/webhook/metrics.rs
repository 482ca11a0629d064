//! What is counted.

use crate::exchange::{
    Lookup, MUTATE_SET, POD, VALIDATE_SET, ask, ask_in_vain, context, create_pod, post, quiet, send, sidecar_set,
    write_set,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_metrics::{Gauge, Registry, scrape};
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Names, issue};
use sidecarset_webhook::server::router;
use sidecarset_webhook::{Context, Metrics};
use std::time::Duration;
use tokio::time::timeout;

/// What a webhook knows: sets, but no namespace.
fn knowing(sets: &[Value], lookup: Lookup) -> Context {
    let mut catalog = Catalog::default();
    for set in sets {
        catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    }
    context(catalog, lookup)
}

/// The series that are not 0, without those of times.
pub fn counted(metrics: &Metrics) -> Vec<String> {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let text = scrape(&registry).unwrap();
    let is_told = |line: &&str| !line.starts_with('#') && !line.ends_with(" 0") && !line.contains("_duration_");
    text.lines().filter(is_told).map(str::to_owned).collect()
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

async fn counted_after(context: Context, path: &str, request: Value) -> Vec<String> {
    ask(router(context.clone()), path, request).await;
    counted(&context.metrics)
}

#[tokio::test]
async fn a_pod_that_is_injected_is_counted_with_its_sets_and_containers() {
    let mut two = sidecar_set("agent-set");
    two["spec"]["initContainers"] = json!([{"name": "setup", "image": "setup:v1"}]);

    let counted = counted_after(knowing(&[two], Lookup::NotExpected), POD, create_pod(&pod())).await;

    assert_eq!(
        counted,
        [
            r#"reviews_total{webhook="pod",result="allowed",reason="patched"} 1"#,
            "injected_sets_total 1",
            "injected_containers_total 2",
        ]
    );
}

#[tokio::test]
async fn a_dry_run_injects_nothing() {
    let mut request = create_pod(&pod());
    request["dryRun"] = true.into();

    let counted = counted_after(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, request).await;

    assert_eq!(counted, [r#"reviews_total{webhook="pod",result="allowed",reason="patched"} 1"#]);
}

#[tokio::test]
async fn a_pod_that_no_set_selects_is_counted_as_unchanged() {
    let counted = counted_after(knowing(&[], Lookup::NotExpected), POD, create_pod(&pod())).await;

    assert_eq!(counted, [r#"reviews_total{webhook="pod",result="allowed",reason="unchanged"} 1"#]);
}

#[tokio::test]
async fn a_pod_that_is_refused_is_counted_with_the_reason() {
    let sets = ["one", "two"].map(sidecar_set);

    let counted = counted_after(knowing(&sets, Lookup::NotExpected), POD, create_pod(&pod())).await;

    assert_eq!(counted, [r#"reviews_total{webhook="pod",result="denied",reason="same_container"} 1"#]);
}

#[tokio::test]
async fn a_set_that_cannot_be_acted_on_is_a_reason() {
    let mut invalid = sidecar_set("agent-set");
    invalid["spec"]["updateStrategy"] = json!({"maxUnavailable": "half"});

    let counted = counted_after(knowing(&[invalid], Lookup::NotExpected), POD, create_pod(&pod())).await;

    assert_eq!(counted, [r#"reviews_total{webhook="pod",result="denied",reason="invalid_set"} 1"#]);
}

#[tokio::test]
async fn a_namespace_that_is_looked_up_is_counted() {
    let mut picky = sidecar_set("agent-set");
    picky["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "shop"}});

    let context = knowing(&[picky], Lookup::FindsNothing);
    ask_in_vain(router(context.clone()), POD, create_pod(&pod())).await;

    assert_eq!(
        counted(&context.metrics),
        [
            r#"reviews_total{webhook="pod",result="failed",reason="unavailable"} 1"#,
            r#"namespace_lookups_total{result="missing"} 1"#,
        ]
    );
}

#[tokio::test]
async fn both_reviews_of_a_set_are_counted() {
    let context = knowing(&[], Lookup::NotExpected);
    let mut invalid = quiet(sidecar_set("agent-set"));
    invalid["spec"]["selector"] = json!({});

    ask(router(context.clone()), MUTATE_SET, write_set(&quiet(sidecar_set("agent-set")), None)).await;
    ask(router(context.clone()), VALIDATE_SET, write_set(&invalid, None)).await;

    assert_eq!(
        counted(&context.metrics),
        [
            r#"reviews_total{webhook="mutate_sidecarset",result="allowed",reason="patched"} 1"#,
            r#"reviews_total{webhook="validate_sidecarset",result="denied",reason="invalid_spec"} 1"#,
        ]
    );
}

#[tokio::test]
async fn what_is_no_review_is_counted() {
    let context = knowing(&[], Lookup::NotExpected);

    send(router(context.clone()), post(POD, "hello")).await;

    assert_eq!(counted(&context.metrics), [r#"reviews_total{webhook="pod",result="failed",reason="unreadable"} 1"#]);
}

#[tokio::test(start_paused = true)]
async fn a_review_that_nobody_waits_for_any_more_is_counted() {
    let mut picky = sidecar_set("agent-set");
    picky["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "shop"}});
    let context = knowing(&[picky], Lookup::NeverEnds);

    let asked = ask(router(context.clone()), POD, create_pod(&pod()));
    timeout(Duration::from_millis(500), asked).await.unwrap_err();

    assert_eq!(counted(&context.metrics), [r#"reviews_total{webhook="pod",result="failed",reason="cut_off"} 1"#]);
}

#[tokio::test]
async fn a_review_that_panics_is_counted() {
    let mut picky = sidecar_set("agent-set");
    picky["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "shop"}});
    // Whoever looks the namespace up panics.
    let context = knowing(&[picky], Lookup::NotExpected);
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod())});

    send(router(context.clone()), post(POD, review.to_string())).await;

    assert_eq!(counted(&context.metrics), [r#"reviews_total{webhook="pod",result="failed",reason="panicked"} 1"#]);
}

#[tokio::test]
async fn the_time_of_every_review_is_noted() {
    let context = knowing(&[], Lookup::NotExpected);
    let mut registry = Registry::default();
    context.metrics.register(&mut registry);

    ask(router(context.clone()), POD, create_pod(&pod())).await;

    let text = scrape(&registry).unwrap();
    assert!(text.contains("\nreview_duration_seconds_count{webhook=\"pod\"} 1\n"), "{text}");
    assert!(text.contains("\nreview_duration_seconds_bucket{le=\"+Inf\",webhook=\"pod\"} 1\n"), "{text}");
}

#[test]
fn the_end_of_the_certificate_is_that_of_the_one_that_is_served() {
    let now = Timestamp::constant(1_790_000_000, 0);
    let expiry = Gauge::default();
    let certificates = CertificateResolver::telling(expiry.clone());

    certificates.put(issue(&Names::new(["127.0.0.1"]), None, Lifetimes::A_YEAR, now).unwrap().certified_key().unwrap());

    // 365 days later.
    assert_eq!(expiry.number(), 1_821_536_000);
}
