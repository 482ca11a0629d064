//! JSON merge patches (RFC 7386) of JSON that stands in a text. What is not patched keeps its text: a number may have more
//! digits than any type holds.

mod raw;

use crate::json::write_as_go;
use raw::{Members, is_null, members, pruned, write_object};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How deep a patch may be nested: each level is a call.
const DEEPEST: usize = 127;

/// A merge patch.
#[derive(Debug, Clone, PartialEq)]
pub struct MergePatch(Patch);

#[derive(Debug, Clone, PartialEq)]
enum Patch {
    /// What becomes of each member: nothing takes it away.
    Object(BTreeMap<String, Option<Patch>>),
    /// The JSON that takes the place of what is there.
    Text(String),
}

/// A text that is no merge patch.
#[derive(Debug, thiserror::Error)]
pub enum ParseMergePatchError {
    /// It is not JSON.
    #[error("is not JSON: {0}")]
    Json(String),
    /// It is of a type that could only ever replace everything.
    #[error("must be a JSON object or a JSON list")]
    Type,
    /// Lists and objects stand too deep in one another.
    #[error("is nested more than {DEEPEST} deep")]
    Depth,
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
        let json: &RawValue =
            serde_json::from_str(text).map_err(|error| ParseMergePatchError::Json(error.to_string()))?;
        if !json.get().starts_with(['{', '[']) {
            return Err(ParseMergePatchError::Type);
        }
        Patch::read(json.get(), DEEPEST).map(Self).ok_or(ParseMergePatchError::Depth)
    }

    /// Returns what the patch makes of a text: compact JSON, in which the keys of each object are sorted that the patch
    /// reaches. Doing it twice changes nothing more.
    ///
    /// # Errors
    /// The text is not JSON, or is null.
    pub fn apply(&self, text: &str) -> Result<String, MergeError> {
        let json: &RawValue = serde_json::from_str(text).map_err(|error| MergeError::Json(error.to_string()))?;
        if is_null(json.get()) {
            return Err(MergeError::Null);
        }
        let mut out = String::with_capacity(text.len());
        self.0.write_over(Some(json.get()), &mut out);
        Ok(out)
    }
}

impl Patch {
    /// Reads a patch from JSON; nothing is returned where it is nested too deep.
    fn read(json: &str, depth: usize) -> Option<Self> {
        let Some(members) = members(json) else { return pruned(json, depth).map(Self::Text) };
        let depth = depth.checked_sub(1)?;
        let read =
            |json: &RawValue| Some(if is_null(json.get()) { None } else { Some(Self::read(json.get(), depth)?) });
        let changes = members.into_iter().map(|(key, json)| Some((key, read(json)?)));
        changes.collect::<Option<_>>().map(Self::Object)
    }

    /// Writes what the patch makes of JSON. Of what is no object nothing stays.
    fn write_over(&self, present: Option<&str>, out: &mut String) {
        let changes = match self {
            Self::Text(text) => return out.push_str(text),
            Self::Object(changes) => changes,
        };
        let present: Members<'_> = present.and_then(members).unwrap_or_default();
        let taken_away = |key: &str| matches!(changes.get(key), Some(None));
        let keys: BTreeMap<&str, Option<&str>> = changes
            .keys()
            .map(|key| (key.as_str(), None))
            .chain(present.iter().map(|(key, json)| (key.as_str(), Some(json.get()))))
            .filter(|(key, _)| !taken_away(key))
            .collect();
        write_object(out, keys, |out, key, present| match changes.get(key) {
            Some(Some(change)) => change.write_over(present, out),
            Some(None) | None => write_as_go(out, present.unwrap_or("null")),
        });
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
    fn the_result_is_compact_with_sorted_keys_where_the_patch_reached() {
        assert_eq!(
            merged(r#" { "z" : 1 , "a" : { "y": 2, "b": "ä<" } } "#, r#"{"m":3}"#).as_deref(),
            Ok(r#"{"a":{"y":2,"b":"ä\u003c"},"m":3,"z":1}"#)
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
    fn a_patch_may_be_as_deep_as_a_set_and_what_it_is_merged_into_as_deep_as_it_likes() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);

        assert_eq!(MergePatch::parse(&nested(128)).unwrap_err().to_string(), "is nested more than 127 deep");
        assert_eq!(
            merged(&format!(r#"{{"a":{}}}"#, nested(10_000)), &format!(r#"{{"b":{}}}"#, nested(126))),
            Ok(format!(r#"{{"a":{},"b":{}}}"#, nested(10_000), nested(126)))
        );
    }

    #[test]
    fn what_is_not_patched_keeps_its_text() {
        assert_eq!(
            merged(r#"{"id":123456789012345678901234567890,"a":{"price": 1.50, "x":"\u00e9"}}"#, r#"{"a":{"y":2.0}}"#),
            Ok(r#"{"a":{"price":1.50,"x":"\u00e9","y":2.0},"id":123456789012345678901234567890}"#.to_owned())
        );
    }

    #[test]
    fn json_that_is_nested_without_end_is_refused() {
        let deep = "[".repeat(100_000);

        assert_eq!(
            MergePatch::parse(&deep).unwrap_err().to_string(),
            "is not JSON: EOF while parsing a list at line 1 column 100000"
        );
    }
}
