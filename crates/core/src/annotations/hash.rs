//! The two hash annotations: which definition of each set a Pod carries.

use super::{ParseAnnotationError, Seconds, SidecarList, entries};
use crate::normalize::CanonicalSet;
use crate::sorted::SortedMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The value of a hash annotation: from a set's name to what was injected of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HashAnnotation(pub SortedMap<InjectedSet>);

/// What was injected of one set.
// The order of the members is the order on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectedSet {
    /// When the Pod was injected or upgraded.
    #[serde(default)]
    pub update_timestamp: Option<Seconds>,
    /// The hash of the set's containers then.
    #[serde(default)]
    pub hash: Arc<str>,
    /// The name of the set.
    #[serde(default)]
    pub sidecar_set_name: Arc<str>,
    /// The names of the set's containers then, sorted.
    #[serde(default)]
    pub sidecar_list: Option<SidecarList>,
    /// The revision of the set then, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_revision: Option<Arc<str>>,
}

/// The members, as they are spelled on the wire.
const FIELDS: [&str; 5] = ["updateTimestamp", "hash", "sidecarSetName", "sidecarList", "controllerRevision"];

/// Returns the names of the sets in a text that has the flat form; none where it has another one.
pub(super) fn names_in_flat_form(text: &str) -> BTreeSet<&str> {
    // Names and hashes have no characters that JSON would escape.
    let flat: BTreeMap<&str, &str> = serde_json::from_str(text).unwrap_or_default();
    flat.into_keys().collect()
}

impl HashAnnotation {
    /// Reads an annotation: each entry in today's form, or in the flat one of releases before 0.9. An entry that has neither
    /// form says nothing, and no more does it of other sets. `key` is named in the error.
    ///
    /// # Errors
    /// The value is not a JSON object.
    pub fn parse(key: &'static str, value: &str) -> Result<Self, ParseAnnotationError> {
        let sets = serde_json::from_str(value).or_else(|_| entries::read(value, InjectedSet::read));
        sets.map(Self).map_err(|source| ParseAnnotationError { key, source })
    }

    /// Returns the text of the annotation.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and timestamps of Kubernetes can be written as JSON")
    }
}

impl InjectedSet {
    /// Returns what is recorded in the annotation that counts images: the full hash, and the revision.
    #[must_use]
    pub fn with_image(set: &CanonicalSet, now: Seconds) -> Self {
        let controller_revision = set.revision.clone();
        Self { controller_revision, ..Self::of(set, Arc::clone(&set.hashes.full), now) }
    }

    /// Returns what is recorded in the annotation that does not. As in Kruise, it names no revision.
    #[must_use]
    pub fn without_image(set: &CanonicalSet, now: Seconds) -> Self {
        Self::of(set, Arc::clone(&set.hashes.without_image), now)
    }

    // As in Kruise: null is an entry that says nothing.
    fn read(set: &Arc<str>, entry: Value) -> Option<Self> {
        match entry {
            Value::Null => Some(Self::default()),
            Value::String(hash) => {
                Some(Self { hash: hash.into(), sidecar_set_name: Arc::clone(set), ..Self::default() })
            }
            Value::Object(members) => entries::as_in_go(members, &FIELDS),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        }
    }

    fn of(set: &CanonicalSet, hash: Arc<str>, now: Seconds) -> Self {
        Self {
            update_timestamp: Some(now),
            hash,
            sidecar_set_name: Arc::clone(&set.name),
            sidecar_list: Some(set.listed.clone()),
            controller_revision: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":"h1","sidecarSetName":"log-sc","sidecarList":["agent","envoy"],"controllerRevision":"log-sc-5f6d95f777"}}"#;

    #[test]
    fn an_annotation_is_written_as_it_was_read() {
        let parsed = HashAnnotation::parse("k", TODAY).unwrap();

        assert_eq!(parsed.to_text(), TODAY);
    }

    #[test]
    fn a_missing_timestamp_and_list_are_written_as_null() {
        let text = r#"{"a":{"updateTimestamp":null,"hash":"h","sidecarSetName":"a","sidecarList":null}}"#;

        assert_eq!(HashAnnotation::parse("k", text).unwrap().to_text(), text);
    }

    #[test]
    fn the_flat_form_is_understood() {
        let parsed = HashAnnotation::parse("k", r#"{"log-sc":"h1"}"#).unwrap();

        assert_eq!(&*parsed.0.get("log-sc").unwrap().hash, "h1");
        assert_eq!(parsed.0.get("log-sc").unwrap().sidecar_list, None);
    }

    #[test]
    fn an_entry_is_read_whatever_those_of_other_sets_are() {
        for other in
            [r#""n":null"#, r#""n":{"hash":null}"#, r#""n":5"#, r#""n":["x"]"#, r#""n":{"updateTimestamp":"x"}"#]
        {
            let parsed = HashAnnotation::parse("k", &TODAY.replacen('{', &format!("{{{other},"), 1)).unwrap();

            assert_eq!(parsed.0.get("log-sc"), HashAnnotation::parse("k", TODAY).unwrap().0.get("log-sc"), "{other}");
        }
    }

    #[test]
    fn an_entry_is_read_beside_what_means_nothing_to_anybody() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for other in [&*deep, "1e999", r#""\ud800""#, r#"{"hash":"\ud800"}"#] {
            let text = TODAY.replacen('{', &format!(r#"{{"n":{other},"#), 1);

            assert_eq!(HashAnnotation::parse("k", &text).unwrap().to_text(), TODAY, "{other:.20}");
        }
    }

    // `json.Unmarshal` of Go does both.
    #[test]
    fn the_case_of_members_does_not_count_and_null_is_an_entry_without_a_hash() {
        let parsed = HashAnnotation::parse("k", r#"{"a":{"HASH":"h1","sidecarlist":["x"]},"b":null}"#).unwrap();

        assert_eq!(
            parsed.to_text(),
            r#"{"a":{"updateTimestamp":null,"hash":"h1","sidecarSetName":"","sidecarList":["x"]},"b":{"updateTimestamp":null,"hash":"","sidecarSetName":"","sidecarList":null}}"#
        );
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_annotation() {
        let error = HashAnnotation::parse("kruise.io/sidecarset-hash", "[1]").unwrap_err();

        assert_eq!(error.to_string(), "annotation kruise.io/sidecarset-hash is not valid");
    }
}
