//! What the operator sends to a collector of traces.

use crate::collector::Collector;
use crate::process::{Operator, pod};

/// A trace as the API server names it, and as it is sent.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACE_BYTES: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];

fn operator(collector: &Collector) -> Operator {
    let address = format!("http://{}", collector.address);
    Operator::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &address), ("OTEL_BSP_SCHEDULE_DELAY", "50")])
}

#[test]
fn a_review_is_a_part_of_the_trace_of_the_api_server_and_says_what_became_of_it() {
    let collector = Collector::start();
    let operator = operator(&collector);

    operator.review_with(&pod(), &format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n"));

    collector.until_sent(&[b"sidecarset-operator", b"review", &TRACE_BYTES, b"/mutate-pod", b"allowed", b"patched"]);
}

#[test]
fn a_look_at_a_set_is_traced() {
    let collector = Collector::start();

    let _operator = operator(&collector);

    collector.until_sent(&[b"round", b"sidecarset.name", b"log-sc", b"upgrades"]);
}

#[test]
fn what_is_left_is_sent_at_the_end() {
    let collector = Collector::start();
    let address = format!("http://{}", collector.address);
    let operator =
        Operator::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &address), ("OTEL_BSP_SCHEDULE_DELAY", "60000")]);

    operator.log_to_the_end();

    collector.until_sent(&[b"round", b"log-sc"]);
}

#[test]
fn spans_come_into_no_log_line() {
    let collector = Collector::start();
    let operator = operator(&collector);
    operator.review(&pod());

    let log = operator.log_to_the_end();

    assert!(log.iter().all(|line| !line.contains("\"span")), "{log:#?}");
}
