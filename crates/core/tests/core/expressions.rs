//! The language in which resources are computed: what is understood, what comes out, what is refused and why.

#[path = "expressions/model.rs"]
mod model;

use crate::trials::trials;
use model::{Model, model};
use proptest::prelude::*;
use sidecarset_core::expression::Resource::{Cpu, Memory};
use sidecarset_core::expression::{Evaluation, Expression, Resource};
use sidecarset_core::quantity::{Format, Quantity};

fn evaluation(text: &str, resource: Resource, aggregate: &str) -> Evaluation {
    let expression = Expression::parse(text, resource).unwrap_or_else(|error| panic!("{text}: {error}"));
    expression.evaluate(&Quantity::parse(aggregate).unwrap())
}

fn value(text: &str, resource: Resource, aggregate: &str) -> String {
    evaluation(text, resource, aggregate).quantity.canonical()
}

fn refusal(text: &str, resource: Resource) -> String {
    Expression::parse(text, resource).expect_err(text).to_string()
}

#[track_caller]
fn are_refused(texts: &[(&str, &str)]) {
    for (text, expected) in texts {
        assert_eq!(refusal(text, Cpu), *expected, "{text}");
    }
}

#[test]
fn the_examples_of_the_documentation_have_their_values() {
    for (text, resource, aggregate, expected) in [
        ("cpu*50%", Cpu, "600m", "300m"),
        ("max(cpu*50%, 50m)", Cpu, "400m", "200m"),
        ("max(cpu*50%, 50m)", Cpu, "0", "50m"),
        ("min(memory / 4, 512Mi)", Memory, "1Gi", "256Mi"),
        ("min(memory / 4, 512Mi)", Memory, "8Gi", "512Mi"),
        ("max(0, memory - 2Gi) * 10% + 64Mi", Memory, "12Gi", "1088Mi"),
        ("0.5*cpu - 0.3*max(0, cpu - 4) + 0.3*max(0, cpu - 8)", Cpu, "2", "1"),
        ("0.5*cpu - 0.3*max(0, cpu - 4) + 0.3*max(0, cpu - 8)", Cpu, "6", "2400m"),
        ("0.5*cpu - 0.3*max(0, cpu - 4) + 0.3*max(0, cpu - 8)", Cpu, "10", "3800m"),
    ] {
        assert_eq!(value(text, resource, aggregate), expected, "{text} of {aggregate}");
    }
}

#[test]
fn numbers_have_fractions_exponents_and_percentages() {
    for (text, expected) in
        [("2", "2"), (".5", "500m"), ("1.", "1"), ("5e-1", "500m"), ("1E+1", "10"), ("150%", "1500m"), ("1e1%", "100m")]
    {
        assert_eq!(value(text, Cpu, "0"), expected, "{text}");
    }
}

#[test]
fn quantities_have_the_suffixes_up_to_peta() {
    for (text, expected) in [
        ("1m", "1m"),
        ("1k", "1k"),
        ("1.5M", "1500k"),
        ("1G", "1G"),
        ("1T", "1T"),
        ("1P", "1P"),
        ("1Ki", "1Ki"),
        (".5Mi", "512Ki"),
        ("1Gi", "1Gi"),
        ("1Ti", "1Ti"),
        ("1Pi", "1Pi"),
    ] {
        assert_eq!(value(text, Memory, "0"), expected, "{text}");
    }
}

#[test]
fn a_plain_number_is_processors_with_thousandths_or_whole_bytes() {
    assert_eq!((value("1.2345", Cpu, "0"), value("1.9", Memory, "0")), ("1234m".to_owned(), "1".to_owned()));
    assert_eq!(value("1024*1024", Memory, "0"), "1048576");
}

#[test]
fn space_is_ignored_and_names_are_known_in_any_case() {
    assert_eq!(value(" MAX(\tCpu *\n50% , Min(CPU,10m) ) ", Cpu, "100m"), "50m");
    assert_eq!(value("Memory*0.5", Memory, "1Gi"), "512Mi");
}

#[test]
fn either_name_stands_for_the_resource_that_is_computed() {
    assert_eq!(
        (value("memory * 2", Cpu, "100m"), value("cpu * 2", Memory, "1Gi")),
        ("200m".to_owned(), "2Gi".to_owned())
    );
}

#[test]
fn a_sign_binds_tighter_than_a_product_and_a_product_tighter_than_a_sum() {
    for (text, expected) in [
        ("2 + 3 * 4", "14"),
        ("2 * 3 + 4", "10"),
        ("(2 + 3) * 4", "20"),
        ("20 - 4 - 3", "13"),
        ("24 / 4 / 3", "2"),
        ("24 / 4 * 3", "18"),
        ("20 - 2 * 3 - 1", "13"),
        ("-2 * -3 - -4", "10"),
        ("--2 + 1", "3"),
        ("-(2 - 5)", "3"),
    ] {
        assert_eq!(value(text, Cpu, "0"), expected, "{text}");
    }
}

#[test]
fn what_is_finer_than_a_thousandth_is_cut_off_not_rounded() {
    assert_eq!(value("0.29*cpu", Cpu, "100m"), "28m");
    assert_eq!(value("memory/3", Memory, "100Mi"), "34952533333m");
    assert_eq!(value("cpu*0.999", Cpu, "1m"), "0");
}

#[test]
fn the_suffixes_stay_in_their_family_where_they_say_it_exactly() {
    for (text, aggregate, expected) in [
        ("memory*50%", "512Mi", "256Mi"),
        ("memory*0.1", "512Mi", "53687091200m"),
        ("memory*50%", "512M", "256M"),
        ("memory*2", "1e6", "2e6"),
        ("0 + memory", "512Mi", "512Mi"),
        ("1024 + memory", "1Mi", "1025Ki"),
        ("memory + 1M", "1Gi", "1074741824"),
        ("1M + memory", "1Gi", "1074741824"),
        ("1000k + memory", "1G", "1001M"),
        ("max(memory, 1000)", "10", "1k"),
    ] {
        assert_eq!(value(text, Memory, aggregate), expected, "{text} of {aggregate}");
    }
}

#[test]
fn of_equal_values_the_first_is_taken() {
    assert_eq!(value("max(1024000, 1000Ki)", Memory, "0"), "1024k");
    assert_eq!(value("min(1000Ki, 1024000)", Memory, "0"), "1000Ki");
}

#[test]
fn parts_may_be_negative_and_a_result_below_zero_becomes_zero() {
    assert_eq!(value("max(0, memory-2Gi)", Memory, "1Gi"), "0");
    assert!(evaluation("max(0, memory-2Gi)", Memory, "1Gi").below_zero.is_none());

    let below = evaluation("memory - 2Gi", Memory, "1Gi");

    assert_eq!(below.quantity.canonical(), "0");
    assert_eq!(below.below_zero.unwrap().canonical(), "-1Gi");
    assert_eq!(value("memory - 2Gi", Memory, "3Gi"), "1Gi");
}

#[test]
fn what_is_larger_than_the_largest_quantity_is_capped() {
    for text in ["9Pi*2000", "memory*1e300*1e300", "memory/1e-300", "1e300"] {
        assert_eq!(value(text, Memory, "1Gi"), "9223372036854775807", "{text}");
    }
    assert_eq!(value("9Pi*2", Memory, "0"), "18Pi");
}

#[test]
fn a_word_that_begins_like_a_number_is_refused() {
    for text in [
        "10K", "5x", "1E", "50%Mi", "10u", "10n", "1e3m", "10Ei", "1.2.3", "1_000", ".", "5cpu", "1%%", "1e", "1e+",
        "5é",
    ] {
        let word = if text == "1e+" { "1e" } else { text };
        let expected = format!(
            "{word:?} is neither a number nor a quantity with one of the suffixes m, k, M, G, T, P, Ki, Mi, Gi, Ti, Pi"
        );
        assert_eq!(refusal(text, Memory), expected, "{text}");
    }
}

#[test]
fn a_text_that_is_no_expression_is_refused() {
    are_refused(&[
        ("", "ends too early"),
        (" \n", "ends too early"),
        ("cpu *", "ends too early"),
        ("(cpu", "ends too early"),
        ("cpu)", "unexpected \")\""),
        ("+cpu", "unexpected \"+\""),
        ("cpu cpu", "unexpected \"cpu\""),
        ("2 cpu", "unexpected \"cpu\""),
        ("cpu, 2", "unexpected \",\""),
        ("()", "unexpected \")\""),
        ("max()", "unexpected \")\""),
        ("cpu ** 2", "unexpected \"*\""),
        ("cpu 50%", "unexpected \"0.5\""),
        ("cpu % 2", "'%' has no meaning in an expression"),
        ("cpu > 2", "'>' has no meaning in an expression"),
        ("µcpu", "'µ' has no meaning in an expression"),
    ]);
}

#[test]
fn unknown_names_and_another_number_of_arguments_are_refused() {
    are_refused(&[
        ("disk", "\"disk\" is not a variable: there are cpu and memory"),
        ("max", "\"max\" is not a variable: there are cpu and memory"),
        ("avg(cpu, 1)", "\"avg\" is not a function: there are max and min"),
        ("cpu(2)", "\"cpu\" is not a function: there are max and min"),
        ("max(cpu)", "max takes exactly 2 arguments, not 1"),
        ("MIN(cpu, 1, 2)", "min takes exactly 2 arguments, not 3"),
        (
            "cpu + memory",
            "must not use both cpu and memory: either of them stands for the amount of the resource that is computed",
        ),
    ]);
}

#[test]
fn what_would_fail_for_every_pod_is_refused() {
    are_refused(&[
        ("cpu*cpu", "must not multiply two quantities"),
        ("2 * 1m * 1m", "must not multiply two quantities"),
        ("100Mi/memory", "must not divide by a quantity"),
        ("1 / 1m", "must not divide by a quantity"),
        ("cpu / 0", "must not divide by zero"),
        ("1 / (2 - 2)", "must not divide by zero"),
        ("cpu / -0", "must not divide by zero"),
        ("1e999", "has a number that is too large"),
        ("cpu * (1e200 * 1e200)", "has a number that is too large"),
    ]);
}

#[test]
fn an_expression_that_is_never_positive_is_refused() {
    are_refused(&[
        ("-5", "must not be negative, but is -5"),
        ("100m - 1", "must not be negative, but is -900m"),
        ("-cpu", "must not be negative, but is for cpu 1m, cpu 100m, cpu 1, cpu 64 and is never positive"),
        ("min(0, cpu - 1)", "must not be negative, but is for cpu 0, cpu 1m, cpu 100m and is never positive"),
    ]);
    let expected = "must not be negative, but is for memory 0, memory 1, memory 64Mi, memory 1Gi, memory 1Ti and is never positive";
    assert_eq!(refusal("memory - 2Ti", Memory), expected);
}

#[test]
fn what_is_negative_for_small_pods_only_is_accepted() {
    for (text, resource) in [("memory - 100Mi", Memory), ("cpu - 2", Cpu), ("0", Cpu), ("cpu * 0", Cpu)] {
        assert!(Expression::parse(text, resource).is_ok(), "{text}");
    }
}

#[test]
fn a_long_or_deep_text_is_refused_and_one_at_the_limit_is_not() {
    let chain = |length: usize| format!("cpu{}", "+1".repeat((length - 3) / 2));
    let nested = |depth: usize| format!("{}cpu{}", "(".repeat(depth), ")".repeat(depth));

    assert!(Expression::parse(&chain(1023), Cpu).is_ok());
    assert_eq!(refusal(&chain(1025), Cpu), "must not be longer than 1024 bytes");
    assert!(Expression::parse(&nested(64), Cpu).is_ok());
    assert_eq!(refusal(&nested(65), Cpu), "must not be nested deeper than 64 levels");
    assert_eq!(refusal(&format!("{}cpu", "-".repeat(1000)), Cpu), "must not be nested deeper than 64 levels");
    assert_eq!(refusal(&"max(cpu,".repeat(100), Cpu), "must not be nested deeper than 64 levels");
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![Just(Cpu), Just(Memory)]
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::DecimalSi), Just(Format::DecimalExponent), Just(Format::BinarySi)]
}

/// Text from the words of the language, in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "cpu", "memory", "max(", "min(", "(", ")", ",", "+", "-", "*", "/", " ", "0", "1", "0.29", "1e300", "50%",
        "10K", "100m", "1Gi", "9Pi", "1e-300",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn is_refused_or_evaluates(text: &str, resource: Resource, aggregate: &Quantity) -> Result<(), TestCaseError> {
    let Ok(expression) = Expression::parse(text, resource) else { return Ok(()) };
    let evaluation = expression.evaluate(aggregate);
    prop_assert!((0..=9_223_372_036_854_775_807_000).contains(&evaluation.quantity.millis()));
    // The API server can read what comes out, and reads the same.
    let read = Quantity::parse(&evaluation.quantity.canonical()).unwrap();
    prop_assert_eq!(read.millis(), evaluation.quantity.millis());
    prop_assert!(evaluation.below_zero.is_none_or(|below| below.millis() < 0));
    Ok(())
}

proptest! {
    #![proptest_config(trials(256))]

    #[test]
    fn any_text_is_refused_or_evaluates_for_every_aggregate(
        text in ".{0,80}", resource in resource(), millis in any::<i128>(), format in format(),
    ) {
        is_refused_or_evaluates(&text, resource, &Quantity::from_millis(millis, format))?;
    }

    #[test]
    fn any_words_are_refused_or_evaluate_for_every_aggregate(
        text in words(), resource in resource(), millis in any::<i128>(), format in format(),
    ) {
        is_refused_or_evaluates(&text, resource, &Quantity::from_millis(millis, format))?;
    }

    #[test]
    fn an_expression_has_the_value_that_a_naive_model_finds(model in model(), millis in 0_i128..1_000_000_000) {
        // What is added makes it positive, so that no expression is refused as useless.
        let text = format!("1000000000000000m + {}", model.text());
        let aggregate = Quantity::from_millis(millis, Format::DecimalSi);

        let evaluation = Expression::parse(&text, Cpu).unwrap().evaluate(&aggregate);

        prop_assert_eq!(evaluation.quantity.millis(), 1_000_000_000_000_000 + model.value(millis), "{}", text);
    }
}

#[test]
fn the_model_writes_parentheses_only_where_they_are_needed() {
    let cpu = || Box::new(Model::Variable);
    let difference = || Box::new(Model::Difference(cpu(), Box::new(Model::Difference(cpu(), cpu()))));

    assert_eq!(Model::Sum(difference(), cpu()).text(), "cpu - (cpu - cpu) + cpu");
    assert_eq!(Model::Product(difference(), -2).text(), "(cpu - (cpu - cpu)) * -2");
    assert_eq!(Model::Negative(Box::new(Model::Product(cpu(), 2))).text(), "-(cpu * 2)");
}
