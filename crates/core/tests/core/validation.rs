//! What is refused and what is accepted: each item of the files of `tests/cases/validation` is a claim.

use crate::case::cases;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::normalize;

/// The minor version of the oldest Kubernetes that is supported. What is about older ones can go.
const OLDEST_SUPPORTED: u32 = 34;

/// Returns what is wrong with a set, sorted; nothing if it cannot even be read.
fn violations(spec: &Value) -> Option<Vec<String>> {
    let set: SidecarSet = serde_json::from_value(json!({"metadata": {"name": "set"}, "spec": spec})).ok()?;
    let violations = normalize(&set).err().unwrap_or_default();
    let mut texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    texts.sort();
    Some(texts)
}

/// Returns the JSON pointer of a value and of everything within it.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let within: Vec<String> = match value {
        Value::Object(members) => {
            let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
            members.iter().flat_map(|(key, member)| pointers(member, &format!("{at}/{}", escaped(key)))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(key, item)| pointers(item, &format!("{at}/{key}"))).collect()
        }
        _ => Vec::new(),
    };
    std::iter::once(at.to_owned()).chain(within).collect()
}

#[test]
fn every_set_is_refused_for_what_its_case_says_and_for_nothing_else() {
    for mut case in cases() {
        case.violations.sort();

        assert_eq!(violations(&case.spec()), Some(case.violations), "{}", case.claim);
    }
}

#[test]
fn no_value_of_an_unexpected_type_is_feared() {
    let junk = [json!(5), json!("é"), json!([[]]), json!({}), json!(null), json!(true), json!([{}])];
    for case in cases() {
        let spec = case.spec();
        for (at, pointer) in pointers(&spec, "").iter().skip(1).enumerate() {
            let mut spec = spec.clone();
            *spec.pointer_mut(pointer).unwrap() = junk[at % junk.len()].clone();

            // It is refused or accepted, and does not panic.
            violations(&spec);
        }
    }
}

#[test]
fn an_exception_has_a_reason() {
    for case in cases() {
        assert!(case.kubernetes.is_none_or(|reason| reason.len() > 20), "{}", case.claim);
        assert!(case.not_yet_in.is_none_or(|minor| minor >= OLDEST_SUPPORTED), "{}", case.claim);
        assert!(case.paths.is_empty() || !case.violations.is_empty(), "{}", case.claim);
    }
}
