//! Texts: expressions, quantities, selectors, the white list, regular expressions.

use super::mutation::{mutated, text};
use super::{CORPUS, corpus_texts};
use crate::build::sidecar_set;
use crate::trials::trials;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::expression::{Expression, Resource};
use sidecarset_core::normalize::ContainerNames;
use sidecarset_core::quantity::{Format, Quantity};
use sidecarset_core::registration::{FailurePolicy, WebhookScopes, register};
use sidecarset_core::selection::Selector;
use sidecarset_core::validation::{Violations, Whitelist, WithoutRule};
use std::collections::BTreeMap;

/// What the API server takes as one expression of its language.
const LONGEST_CONDITION: usize = 100_000;

/// Holds if an expression is refused, or has a value that the API server can read, for every aggregate.
fn expression_holds(text: &str) {
    for resource in Resource::ALL {
        let Ok(expression) = Expression::parse(text, resource) else { continue };
        assert_eq!(expression.text(), text);
        for millis in [0, 1, 250, 1_000_000, i128::MAX, i128::MIN] {
            for format in [Format::DecimalSi, Format::BinarySi, Format::DecimalExponent] {
                let evaluation = expression.evaluate(&Quantity::from_millis(millis, format));
                let value = evaluation.quantity;
                assert!((0..=9_223_372_036_854_775_807_000).contains(&value.millis()), "{text}");
                assert_eq!(Quantity::parse(&value.canonical()).unwrap().millis(), value.millis(), "{text}");
            }
        }
    }
}

/// Holds if a quantity is refused, or is the same one when it is written and read again.
fn quantity_holds(text: &str) {
    assert_eq!(Quantity::from_json(&json!(text)).ok().map(|it| it.canonical()), read(text.trim()));
    let Ok(quantity) = Quantity::parse(text) else { return };
    let written = quantity.canonical();
    let again = Quantity::parse(&written).unwrap();
    assert!(written.len() <= text.len() + 48, "{text}: {written}");
    assert_eq!(again.compare(&quantity), std::cmp::Ordering::Equal, "{text}: {written}");
    assert_eq!(again.canonical(), written, "{text}");
    assert_eq!(again.millis(), quantity.millis(), "{text}");
    assert_eq!((again.is_zero(), again.is_negative()), (quantity.is_zero(), quantity.is_negative()), "{text}");
    quantity.plus(&again).canonical();
    assert_eq!(quantity.is_multiple_of(&again), again.is_multiple_of(&quantity), "{text}");
    quantity.rounded_up_to_milli().canonical();
}

fn read(text: &str) -> Option<String> {
    Some(Quantity::parse(text).ok()?.canonical())
}

/// Holds if a selector is refused, or is one that a Pod can be asked with, here and by the API server.
fn selector_holds(source: &Value) {
    let Ok(source) = serde_json::from_value::<LabelSelector>(source.clone()) else { return };
    let mut violations = Violations::default();
    let selector = Selector::parse(&source, "spec.selector", &mut violations);
    assert_eq!(selector.is_some(), violations.is_empty(), "{violations}");
    let Some(selector) = selector else { return };
    let labels: BTreeMap<String, String> = source.match_labels.clone().unwrap_or_default();
    if source.match_expressions.iter().flatten().next().is_none() {
        assert!(selector.matches(&labels));
    }
    let mut catalog = Catalog::default();
    let set = sidecar_set().spec("selector", serde_json::to_value(&source).unwrap()).source();
    let entry = catalog.put_set(&serde_json::from_value(set).unwrap());
    let scopes = WebhookScopes { stored: entry.scope().into_iter().collect(), ..WebhookScopes::default() };
    let registration = register(&scopes, catalog.surroundings(FailurePolicy::Fail));
    let mut conditions = registration.webhooks.iter().filter_map(|webhook| webhook.condition.as_ref());
    assert!(conditions.all(|condition| condition.len() < LONGEST_CONDITION));
    let selected = catalog.select(&labels, None);
    assert_eq!(!selected.sets.is_empty(), !selector.is_empty() && selector.matches(&labels));
}

/// Holds if a white list can be asked about, whatever it says; one that cannot be read allows nothing.
fn whitelist_holds(text: &str) {
    let whitelist = Whitelist::read(Some(text));
    let entries = json!([{"annotations": {"oom-score": "a", text: "b"}}]);
    let set = sidecar_set().spec("patchPodMetadata", entries).source();
    let mut violations = Violations::default();
    whitelist.check(&serde_json::from_value(set).unwrap(), WithoutRule::Allow, &mut violations);
    assert!(whitelist.fault().is_none() || !violations.is_empty(), "{text}");
}

/// Holds if a regular expression is refused, or can be asked about names.
fn regex_holds(text: &str) {
    let Ok(names) = ContainerNames::parse(text) else { return };
    assert_eq!(names.to_string(), text);
    for name in ["", "web", &"ab".repeat(30), &"a".repeat(1000), "ä\u{0}🦀"] {
        assert_eq!(names.matches(name), names.matches(name));
    }
}

#[test]
fn the_corpus_of_expressions_holds() {
    corpus_texts("expressions").iter().for_each(|(_, text)| expression_holds(text));
}

#[test]
fn the_corpus_of_quantities_holds() {
    corpus_texts("quantities").iter().for_each(|(_, text)| quantity_holds(text));
}

#[test]
fn the_corpus_of_selectors_holds() {
    CORPUS.values("selectors").iter().for_each(|(_, value)| selector_holds(value));
}

#[test]
fn the_corpus_of_white_lists_holds() {
    corpus_texts("whitelists").iter().for_each(|(_, text)| whitelist_holds(text));
}

#[test]
fn the_corpus_of_regular_expressions_holds() {
    corpus_texts("regexes").iter().for_each(|(_, text)| regex_holds(text));
}

/// Returns one of the texts of a folder, cut in two and put together with a piece of another.
fn spliced(target: &'static str) -> impl Strategy<Value = String> {
    let texts: Vec<String> = corpus_texts(target).into_iter().map(|(_, text)| text).collect();
    let piece = (select(texts), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let piece = piece.prop_map(|(text, one, other)| {
        let letters: Vec<char> = text.chars().collect();
        let (one, other) = (one.index(letters.len() + 1), other.index(letters.len() + 1));
        letters[one.min(other)..one.max(other)].iter().collect::<String>()
    });
    prop::collection::vec(prop_oneof![3 => piece, 1 => text()], 0..5).prop_map(|pieces| pieces.concat())
}

fn words(words: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(select(words), 0..most).prop_map(|words| words.concat())
}

const OF_EXPRESSIONS: &[&str] = &[
    "cpu",
    "memory",
    "CPU",
    "max(",
    "min(",
    "(",
    ")",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    " ",
    "0",
    "1",
    "2",
    "0.29",
    "1e300",
    "1e-300",
    "50%",
    "100m",
    "1Gi",
    "9Pi",
    "9223372036854775807",
    "1K",
    ".5",
];
const OF_QUANTITIES: &[&str] = &[
    "0",
    "1",
    "9",
    "5",
    ".",
    "-",
    "+",
    "e",
    "E",
    "n",
    "u",
    "m",
    "k",
    "K",
    "M",
    "G",
    "T",
    "P",
    "i",
    "Ki",
    "Ei",
    "000",
    "999999999",
    "2147483647",
    "9223372036854775807",
    " ",
];
const OF_REGEXES: &[&str] = &[
    "a",
    "b",
    ".",
    "*",
    "+",
    "?",
    "|",
    "(",
    ")",
    "(?:",
    "[",
    "^",
    "]",
    "-",
    "{",
    "}",
    "{9}",
    "{99}",
    "{999}",
    "{2,}",
    "\\",
    "\\w",
    "\\pL",
    "\\b",
    "$",
    "(?i)",
    "(?u)",
    "(?P<a>",
    "[[:alpha:]]",
    "&&",
    "~~",
    "é",
    "\\x{10FFFF}",
];

proptest! {
    #![proptest_config(trials(192))]

    #[test]
    fn any_expression_is_refused_or_has_a_value(
        text in prop_oneof![4 => words(OF_EXPRESSIONS, 30), 1 => words(OF_EXPRESSIONS, 400), 1 => spliced("expressions")],
    ) {
        expression_holds(&text);
    }

    #[test]
    fn any_quantity_is_refused_or_read_as_it_is_written(
        text in prop_oneof![4 => words(OF_QUANTITIES, 8), 1 => words(OF_QUANTITIES, 60), 1 => spliced("quantities")],
    ) {
        quantity_holds(&text);
    }

    #[test]
    fn any_number_of_json_is_refused_or_read_as_a_quantity(number in prop_oneof![
        any::<f64>().prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from),
    ]) {
        if let Ok(quantity) = Quantity::from_json(&number) {
            quantity_holds(&quantity.canonical());
        }
    }

    #[test]
    fn any_selector_is_refused_or_can_be_asked(source in mutated(CORPUS.values("selectors"))) {
        selector_holds(&source);
    }

    #[test]
    fn any_white_list_can_be_asked(text in prop_oneof![spliced("whitelists"), whitelist()]) {
        whitelist_holds(&text);
    }

    #[test]
    fn any_regular_expression_is_refused_or_can_be_asked(
        text in prop_oneof![4 => words(OF_REGEXES, 12), 1 => words(OF_REGEXES, 120), 1 => spliced("regexes")],
    ) {
        regex_holds(&text);
    }
}

fn whitelist() -> impl Strategy<Value = String> {
    let valid = corpus_texts("whitelists").into_iter();
    let valid = valid.filter_map(|(name, text)| Some((name, serde_json::from_str(&text).ok()?)));
    mutated(valid.collect()).prop_map(|value| value.to_string())
}
