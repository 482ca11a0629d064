//! What the operator tells a monitoring system, and what is said about that.

use crate::document::{self, Described};
use crate::process::{CONFIGURATION, Operator, pod};
use crate::query::faults;
use crate::scrape::{Metric, Scrape};
use serde_json::json;
use sidecarset_controller::metrics::{ConditionKind, FailureReason, HoldReason};
use sidecarset_metrics::Labels;
use std::collections::{BTreeMap, BTreeSet};

/// Labels whose values are names and versions.
const OPEN: [&str; 2] = ["set", "version"];

fn scrape(operator: &Operator) -> Scrape {
    let (head, body) = operator.get("/metrics");
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    Scrape::read(&body)
}

/// The name under which a metric is asked for.
fn asked_for(name: &str, metric: &Metric) -> String {
    if metric.kind == "counter" { format!("{name}_total") } else { name.to_owned() }
}

#[test]
fn what_others_do_to_the_registration_is_told_and_counted() {
    let operator = Operator::start();
    operator.until_ready();

    operator.cluster.change(CONFIGURATION, |it| {
        it["webhooks"][0]["failurePolicy"] = json!("Ignore");
        it["webhooks"][0]["objectSelector"] = json!({"matchLabels": {"a": "b"}});
    });

    operator.until_logged("somebody else changed what the operator wrote into the webhook configurations");
    operator.until_logged("somebody else keeps the API server from calling the webhook for some objects");
    let scrape = Scrape::read(&operator.get("/metrics").1);
    for effect in ["overwritten", "narrowed"] {
        let series = format!("sidecarset_registration_foreign_changes_total{{effect=\"{effect}\"}}");
        assert_eq!(scrape.number(&series), Some(1.0), "{effect}");
    }
}

#[test]
fn every_metric_is_described_and_every_description_is_true() {
    let scrape = scrape(&Operator::start());

    let mut described = document::metrics();
    for (name, metric) in &scrape.metrics {
        let Described { kind, unit, labels } = described.remove(&asked_for(name, metric)).expect(name);
        assert_eq!(kind, metric.kind, "{name}");
        assert_eq!(labels.iter().map(String::as_str).collect::<BTreeSet<_>>(), metric.labels(), "{name}");
        for (ending, of_name) in [("_seconds", "seconds"), ("_bytes", "bytes")] {
            assert_eq!(name.ends_with(ending), unit == of_name, "{name}");
        }
    }
    assert_eq!(described, BTreeMap::new(), "these are described, and not there");
}

#[test]
fn every_query_of_the_description_asks_for_what_is_there() {
    let scrape = scrape(&Operator::start());

    let queries = document::queries();

    assert!(queries.len() >= 4, "{queries:?}");
    for query in queries {
        assert_eq!(faults(&query, &scrape), [""; 0], "{query}");
    }
}

#[test]
fn every_value_of_a_closed_label_is_described() {
    let scrape = scrape(&Operator::start());

    let mut told: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (name, metric) in &scrape.metrics {
        for label in metric.labels().into_iter().filter(|label| !OPEN.contains(label)) {
            let values = metric.values(label).into_iter().map(str::to_owned).collect();
            told.insert((asked_for(name, metric), label.to_owned()), values);
        }
    }
    // Of these only what is not 0, or known, is told.
    let mut described = document::values();
    let all = [
        ("sidecarset_held_pods", "reason", values_of(HoldReason::all())),
        ("sidecarset_failing_pods", "reason", values_of(FailureReason::all())),
        ("sidecarset_condition", "condition", values_of(ConditionKind::all())),
    ];
    for (metric, label, values) in all {
        let label = (metric.to_owned(), label.to_owned());
        assert_eq!(described.remove(&label).as_ref(), Some(&values), "{metric}");
        let some = told.remove(&label).unwrap();
        assert!(some.is_subset(&values), "{metric}: {some:?}");
    }
    assert_eq!(told, described);
}

fn values_of(labels: impl Iterator<Item = impl Labels>) -> BTreeSet<String> {
    labels.flat_map(Labels::written).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn what_the_one_pod_waits_for_is_told() {
    let scrape = scrape(&Operator::start());

    assert_eq!(scrape.number(r#"sidecarset_pods{set="log-sc",state="matched"}"#), Some(1.0));
    assert_eq!(scrape.number(r#"sidecarset_held_pods{set="log-sc",reason="needs_new_pod"}"#), Some(1.0));
    assert_eq!(scrape.number(r#"sidecarset_failing_pods{set="log-sc",reason="ImagePullBackOff"}"#), Some(1.0));
    assert_eq!(scrape.number(r#"sidecarset_condition{set="log-sc",condition="Degraded"}"#), Some(1.0));
}

#[test]
fn every_metric_has_a_meaning_and_one_of_ours_our_prefix() {
    let scrape = scrape(&Operator::start());

    for (name, metric) in &scrape.metrics {
        assert!(name.starts_with("sidecarset_") || name.starts_with("process_"), "{name}");
        assert!(metric.help.ends_with('.') && metric.help.len() > 15, "{name}: {}", metric.help);
        assert!(!metric.series.is_empty(), "{name} has no series");
    }
}

#[test]
fn a_review_is_counted() {
    let operator = Operator::start();

    let answer = operator.review(&pod());

    assert_eq!(answer["response"]["allowed"], true);
    let scrape = scrape(&operator);
    let patched = r#"sidecarset_reviews_total{webhook="pod",result="allowed",reason="patched"}"#;
    assert_eq!(scrape.number(patched), Some(1.0));
    assert_eq!(scrape.number("sidecarset_injected_containers_total"), Some(1.0));
    assert_eq!(scrape.number(r#"sidecarset_review_duration_seconds_count{webhook="pod"}"#), Some(1.0));
    assert!(scrape.number("process_resident_memory_bytes").unwrap() > 1024.0 * 1024.0);
}
