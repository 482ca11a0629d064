//! What the operator writes into its log.

use crate::process::{Operator, pod};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// Parts of the keys: the lines of each, without those that every key has; and the middle of what the Secret holds.
fn parts_of_keys(operator: &Operator) -> Vec<String> {
    let keys = ["ca.key", "tls.key"].map(|key| operator.secret(key));
    let lines = keys.iter().flat_map(|key| key.lines()).filter(|line| !line.starts_with("-----"));
    let encoded = keys.iter().map(|key| BASE64_STANDARD.encode(key)[60..120].to_owned());
    let parts: Vec<String> = lines.map(str::to_owned).chain(encoded).collect();
    assert!(parts.len() >= 6, "{parts:?}");
    parts
}

fn ask_something(operator: &Operator) {
    operator.review(&pod());
}

#[test]
fn every_line_is_an_object_with_a_constant_sentence() {
    let operator = Operator::start();
    ask_something(&operator);

    let log = operator.log_to_the_end();

    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 5, "{log:#?}");
    for line in &lines {
        let message = line["message"].as_str().unwrap();
        assert!(!message.chars().any(|letter| letter.is_ascii_digit()), "{message}");
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["target"].is_string(), "{line}");
    }
}

#[test]
fn no_key_comes_into_the_log() {
    let operator = Operator::start();
    let keys = parts_of_keys(&operator);
    ask_something(&operator);

    let log = operator.log_to_the_end().join("\n");

    for part in keys {
        assert!(!log.contains(&part), "{part}");
    }
}

#[test]
fn no_key_comes_into_the_log_whatever_is_asked_for() {
    let operator = Operator::start_with(&[("RUST_LOG", "trace")]);
    let keys = parts_of_keys(&operator);
    ask_something(&operator);

    let log = operator.log_to_the_end().join("\n");

    assert!(log.contains("\"level\":\"TRACE\""));
    for part in keys {
        assert!(!log.contains(&part), "{part}");
    }
}

#[test]
fn an_operator_among_applications_says_that_they_get_nothing() {
    let sentence = "pods of the operator's own namespace never get sidecars";

    assert_eq!(Operator::start_as(&["--namespace", "default"]).logged(sentence), 1);
    assert_eq!(Operator::start().logged(sentence), 0);
}
