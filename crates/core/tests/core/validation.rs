//! What is refused and what is accepted: each item of the files of `tests/cases/validation` is a claim.

use crate::build::sidecar_set;
use crate::case::cases;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::json::Document;
use sidecarset_core::normalize::normalize;
use sidecarset_core::revision::Revision;

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

fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

/// A set with a member of a container that is nested so deep, as text.
fn deep_set(levels: usize) -> String {
    let set = sidecar_set().source().to_string();
    set.replacen(r#""name":"agent""#, &format!(r#""name":"agent","x":{}"#, nested(levels)), 1)
}

#[test]
fn a_set_as_deep_as_may_be_can_be_read_in_everything_that_holds_it() {
    let text = deep_set(60);

    let set = normalize(&serde_json::from_str(&text).unwrap()).unwrap();

    let review = format!(r#"{{"request":{{"object":{text},"oldObject":{text}}}}}"#);
    assert!(Document::parse(&review).is_ok());
    let metadata = json!({"name": "log-sc-1", "labels": {"kruise.io/sidecarset-name": "log-sc"}});
    let revision = format!(r#"{{"metadata":{metadata},"revision":1,"data":{}}}"#, set.draft.data);
    let list = format!(r#"{{"items":[{revision}]}}"#);
    assert!(serde_json::from_str::<Value>(&list).is_ok());
    let revision = Revision::read(&serde_json::from_str(&revision).unwrap()).unwrap();
    assert_eq!(revision.fingerprint(), Some(set.fingerprint));
    assert!(revision.definition().unwrap().containers.unwrap()[0].container.contains_key("x"));
}

#[test]
fn a_deeper_set_is_refused_with_the_path_however_deep_it_is() {
    for levels in [61, 100, 120] {
        let Err(violations) = normalize(&serde_json::from_str(&deep_set(levels)).unwrap()) else { panic!("{levels}") };

        let path = format!("spec.containers[0].x{}", ".a".repeat(60));
        assert_eq!(violations.to_string(), format!("{path}: must not be nested more than 64 levels deep"));
    }
}
