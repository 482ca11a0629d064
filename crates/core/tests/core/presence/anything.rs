//! Anything that somebody may make of a sidecar.

use super::{injected, patched, set, with};
use crate::build::now;
use crate::trials::trials;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use sidecarset_core::injection::{Injection, inject};

/// Returns the place of each value within another one.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let each: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, value) in each {
        let at = format!("{at}/{key}");
        places(value, &at, found);
        found.push(at);
    }
}

proptest! {
    #![proptest_config(trials(128))]

    #[test]
    fn whatever_somebody_makes_of_a_sidecar_it_is_one_again_after_one_call(place in any::<Index>(), value in 0..7_usize) {
        let values = [json!(null), json!("x"), json!(7), json!(true), json!([]), json!({}), json!([{"name": "LEVEL"}])];
        let mut found = Vec::new();
        for list in ["initContainers", "containers"] {
            places(&injected()["spec"][list], &format!("/spec/{list}"), &mut found);
        }
        found.retain(|place| !place.starts_with("/spec/containers/3"));
        let pod = with(injected(), &found[place.index(found.len())], values[value].clone());

        // A list that is none is refused.
        if let Ok(injection) = inject(&pod, &set(), now()) {
            let once = patched(&pod, &injection);
            prop_assert_eq!(inject(&once, &set(), now()).unwrap(), Injection::default());
        }
    }
}
