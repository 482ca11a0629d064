//! JSON merge patches (RFC 7386) of JSON that stands in a text.

use serde_json::Value;

/// A merge patch.
#[derive(Debug, Clone, PartialEq)]
pub struct MergePatch(Value);

/// A text that is no merge patch.
#[derive(Debug, thiserror::Error)]
pub enum ParseMergePatchError {
    /// It is not JSON.
    #[error("is not JSON: {0}")]
    Json(String),
    /// It is of a type that could only ever replace everything.
    #[error("must be a JSON object or a JSON list")]
    Type,
}

/// Why nothing can be merged into a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It is null.
    #[error("it is null")]
    Null,
}

impl MergePatch {
    /// Reads a patch.
    ///
    /// # Errors
    /// The text is not JSON, or is neither an object nor a list.
    pub fn parse(text: &str) -> Result<Self, ParseMergePatchError> {
        match serde_json::from_str(text).map_err(|error| ParseMergePatchError::Json(error.to_string()))? {
            mut patch @ (Value::Object(_) | Value::Array(_)) => {
                prune_lists(&mut patch);
                Ok(Self(patch))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(ParseMergePatchError::Type),
        }
    }

    /// Returns what the patch makes of a text: compact JSON with sorted keys. Doing it twice changes nothing more.
    ///
    /// # Errors
    /// The text is not JSON, or is null.
    pub fn apply(&self, text: &str) -> Result<String, MergeError> {
        let mut value = serde_json::from_str(text).map_err(|error| MergeError::Json(error.to_string()))?;
        if value == Value::Null {
            return Err(MergeError::Null);
        }
        json_patch::merge(&mut value, &self.0);
        Ok(value.to_string())
    }
}

// As in Kruise, and beyond the RFC: an object that stands in a list has nothing to take away from, so its nulls are
// left out.
fn prune_lists(patch: &mut Value) {
    match patch {
        Value::Array(items) => items.iter_mut().for_each(prune),
        Value::Object(members) => members.values_mut().for_each(prune_lists),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn prune(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(prune),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(prune);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(text: &str, patch: &str) -> Result<String, String> {
        MergePatch::parse(patch).unwrap().apply(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (text, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(text, patch).as_deref(), Ok(expected), "{text} {patch}");
        }
    }

    #[test]
    fn the_result_is_compact_with_sorted_keys() {
        assert_eq!(
            merged(r#" { "z" : 1 , "a" : { "y": 2, "b": "ä<" } } "#, r#"{"m":3}"#).as_deref(),
            Ok(r#"{"a":{"b":"ä<","y":2},"m":3,"z":1}"#)
        );
    }

    #[test]
    fn a_value_that_is_no_object_is_replaced() {
        assert_eq!(merged("5", r#"{"a":1,"b":null}"#).as_deref(), Ok(r#"{"a":1}"#));
        assert_eq!(merged(r#""text""#, "[1]").as_deref(), Ok("[1]"));
    }

    #[test]
    fn a_list_replaces_and_keeps_its_nulls_but_not_those_of_its_objects() {
        assert_eq!(
            merged(r#"{"a":1}"#, r#"[null,{"b":null,"c":[{"d":null}]}]"#).as_deref(),
            Ok(r#"[null,{"c":[{}]}]"#)
        );
        assert_eq!(merged("{}", r#"{"l":[{"b":null}]}"#).as_deref(), Ok(r#"{"l":[{}]}"#));
    }

    #[test]
    fn nothing_is_merged_into_null_or_into_what_is_not_json() {
        assert_eq!(merged("null", "{}"), Err("it is null".to_owned()));
        assert_eq!(merged("plain", "{}"), Err("it is not JSON: expected value at line 1 column 1".to_owned()));
    }

    #[test]
    fn a_patch_is_an_object_or_a_list() {
        let refused = |text: &str| MergePatch::parse(text).unwrap_err().to_string();

        for text in ["null", "5", "true", r#""a""#] {
            assert_eq!(refused(text), "must be a JSON object or a JSON list", "{text}");
        }
        assert_eq!(refused("plain"), "is not JSON: expected value at line 1 column 1");
        assert_eq!(refused(""), "is not JSON: EOF while parsing a value at line 1 column 0");
    }

    #[test]
    fn json_that_is_nested_without_end_is_refused() {
        let deep = "[".repeat(100_000);

        assert_eq!(
            MergePatch::parse(&deep).unwrap_err().to_string(),
            "is not JSON: recursion limit exceeded at line 1 column 128"
        );
    }
}
