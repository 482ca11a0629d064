//! Whether two values of a container mean the same, one of them as an API server hands it on.

use crate::json::Json;
use crate::quantity::Quantity;
use std::cmp::Ordering;

/// What the API server writes where nothing is written, by the name of the field.
const DEFAULTS: [(&str, &str); 9] = [
    ("apiVersion", r#""v1""#),
    ("divisor", r#""0""#),
    ("failureThreshold", "3"),
    ("path", r#""/""#),
    ("periodSeconds", "10"),
    ("protocol", r#""TCP""#),
    ("scheme", r#""HTTP""#),
    ("successThreshold", "1"),
    ("timeoutSeconds", "1"),
];

/// How a value compares with the one that is expected in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// They mean the same.
    Same,
    /// A part of what is expected is missing, and the rest is the same.
    Lacking,
    /// Something else is there.
    Different,
}

/// Compares a value with the one that is expected, of which nothing may be left out and to which nothing may be added but
/// defaults.
pub(super) fn compare(present: Json<'_>, expected: Json<'_>) -> Match {
    // The API server writes most values as they came.
    if present.raw() == expected.raw() {
        return Match::Same;
    }
    match (is_nothing(present), is_nothing(expected)) {
        (true, true) => Match::Same,
        (true, false) => Match::Lacking,
        (false, true) => Match::Different,
        (false, false) if expected.is_object() && present.is_object() => members(present, expected),
        (false, false) if expected.is_list() && present.is_list() => items(present, expected),
        (false, false) => scalar(present, expected),
    }
}

/// Compares a value with the one that is expected, to which anything may be added. Here what is written out as nothing counts:
/// `allowPrivilegeEscalation: false` is something.
pub(super) fn covers(present: Json<'_>, expected: Json<'_>) -> Match {
    if expected.is_object() && present.is_object() {
        let each = expected.members().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
            let found = present.at(key);
            if found.is_null() { Match::Lacking } else { covers(found, value) }
        });
        return each.max().unwrap_or(Match::Same);
    }
    if expected.is_list() && present.is_list() {
        let is_there = |item| present.items().any(|found| compare(found, item) == Match::Same);
        return if expected.items().all(is_there) { Match::Same } else { Match::Lacking };
    }
    if present.raw() == expected.raw() { Match::Same } else { scalar(present, expected) }
}

/// Says whether two amounts are equal, however they are written.
pub(super) fn is_same_amount(one: Json<'_>, other: Json<'_>) -> bool {
    let amount = |json: Json<'_>| Quantity::from_json(&json.to_value()).ok();
    one.raw() == other.raw()
        || matches!((amount(one), amount(other)), (Some(one), Some(other)) if one.compare(&other) == Ordering::Equal)
}

/// Says whether the API server leaves out a value, or writes it where there is none.
pub(super) fn is_nothing(value: Json<'_>) -> bool {
    match value.raw() {
        "null" | "false" | "0" | "\"\"" => true,
        _ if value.is_list() => value.items().next().is_none(),
        _ if value.is_object() => value.members().next().is_none(),
        _ => false,
    }
}

fn members(present: Json<'_>, expected: Json<'_>) -> Match {
    let mut worst = Match::Same;
    for (key, value) in expected.members().filter(|(_, value)| !is_nothing(*value)) {
        let found = present.at(key);
        let is_amount = || key == "divisor" && is_same_amount(found, value);
        worst = worst.max(match compare(found, value) {
            Match::Different if is_amount() => Match::Same,
            other => other,
        });
    }
    let is_added = |(key, value): (&str, Json<'_>)| {
        !is_nothing(value) && is_nothing(expected.at(key)) && !is_default(key, value, present)
    };
    if present.members().any(is_added) { Match::Different } else { worst }
}

fn items(present: Json<'_>, expected: Json<'_>) -> Match {
    let mut found = present.items();
    let worst = expected.items().map(|item| found.next().map_or(Match::Different, |found| compare(found, item))).max();
    let worst = worst.unwrap_or(Match::Same);
    // One item fewer is another list: nobody takes items away.
    if found.next().is_some() { Match::Different } else { worst }
}

fn scalar(present: Json<'_>, expected: Json<'_>) -> Match {
    let text = || present.as_str().is_some() && present.as_str() == expected.as_str();
    let number = || {
        let numbers = [present, expected].map(|json| json.as_number().and_then(|number| number.as_f64()));
        numbers[0].is_some() && numbers[0] == numbers[1]
    };
    if text() || number() { Match::Same } else { Match::Different }
}

fn is_default(key: &str, value: Json<'_>, within: Json<'_>) -> bool {
    // With hostNetwork each port is one of the node.
    DEFAULTS.contains(&(key, value.raw())) || (key == "hostPort" && value.raw() == within.at("containerPort").raw())
}
