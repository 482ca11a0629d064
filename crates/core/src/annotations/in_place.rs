//! The annotation about upgrades in place: what each container ran before.

use super::{ParseAnnotationError, Seconds, entries};
use crate::sorted::SortedMap;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sidecarset_api::markers;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The value of the annotation: from a set's name to the state of its last upgrade.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InPlaceAnnotation(pub SortedMap<InPlaceState>);

/// The state of the last upgrade in place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct InPlaceState {
    /// The hash of the set at the first upgrade of the Pod.
    pub revision: Arc<str>,
    /// When the first upgrade of the Pod was.
    pub update_timestamp: Option<Seconds>,
    /// What each container ran before its last upgrade.
    pub last_container_statuses: Option<SortedMap<LastStatus>>,
    /// Since when the Pod was not ready, where it was not at its last upgrade, for a reason that has nothing to do with upgrades.
    /// Kruise has no such member.
    pub not_ready_since: Option<Seconds>,
    // The type is shared with other workloads of Kruise, whose members must survive: as an object of JSON, or nothing where there
    // are none. Read as values, they would take many times as much memory as they have letters.
    others: Box<str>,
}

/// The members that are read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(default)]
    revision: Arc<str>,
    #[serde(default)]
    update_timestamp: Option<Seconds>,
    #[serde(default)]
    last_container_statuses: Option<SortedMap<LastStatus>>,
    #[serde(default)]
    not_ready_since: Option<Seconds>,
}

const REVISION: &str = "revision";
const UPDATE_TIMESTAMP: &str = "updateTimestamp";
const LAST_CONTAINER_STATUSES: &str = "lastContainerStatuses";
const NOT_READY_SINCE: &str = "notReadySince";
const MEMBERS: [&str; 4] = [REVISION, UPDATE_TIMESTAMP, LAST_CONTAINER_STATUSES, NOT_READY_SINCE];

/// What a container ran before.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LastStatus {
    /// The image's identity as the container runtime reported it.
    #[serde(rename = "imageID", default, skip_serializing_if = "is_empty")]
    pub image_id: Arc<str>,
}

impl InPlaceAnnotation {
    /// Reads the annotation. An entry that does not have its form says nothing, and no more does it of other sets.
    ///
    /// # Errors
    /// The value is not a JSON object.
    pub fn parse(value: &str) -> Result<Self, ParseAnnotationError> {
        let sets = serde_json::from_str(value).or_else(|_| entries::read(value, |_, entry| InPlaceState::read(entry)));
        sets.map(Self).map_err(|source| ParseAnnotationError { key: markers::IN_PLACE_STATE, source })
    }

    /// Returns the text of the annotation.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and timestamps of Kubernetes can be written as JSON")
    }
}

impl InPlaceState {
    /// Returns the state of a first upgrade.
    #[must_use]
    pub fn begun(revision: Arc<str>, at: Seconds) -> Self {
        Self {
            revision,
            update_timestamp: Some(at),
            last_container_statuses: Some(SortedMap::default()),
            not_ready_since: None,
            others: Box::default(),
        }
    }

    fn read(entry: Value) -> Option<Self> {
        match entry {
            Value::Null => Some(Self::default()),
            Value::Object(members) => entries::as_in_go(members, &MEMBERS),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }
}

impl Serialize for InPlaceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry(REVISION, &self.revision)?;
        object.serialize_entry(UPDATE_TIMESTAMP, &self.update_timestamp)?;
        object.serialize_entry(LAST_CONTAINER_STATUSES, &self.last_container_statuses)?;
        if let Some(since) = &self.not_ready_since {
            object.serialize_entry(NOT_READY_SINCE, since)?;
        }
        let others: BTreeMap<String, &RawValue> = serde_json::from_str(&self.others).unwrap_or_default();
        for (member, value) in &others {
            object.serialize_entry(member, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for InPlaceState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let read: Members = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let mut others: BTreeMap<String, &RawValue> = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        others.retain(|member, _| !MEMBERS.contains(&&**member));
        let others = (!others.is_empty()).then(|| serde_json::to_string(&others)).transpose();
        Ok(Self {
            revision: read.revision,
            update_timestamp: read.update_timestamp,
            last_container_statuses: read.last_container_statuses,
            not_ready_since: read.not_ready_since,
            others: others.map_err(D::Error::custom)?.unwrap_or_default().into(),
        })
    }
}

fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"log-sc":{"revision":"h2","updateTimestamp":"2026-01-02T03:04:05Z","lastContainerStatuses":{"agent":{"imageID":"docker.io/library/busybox@sha256:aa"}}}}"#;

    #[test]
    fn the_annotation_is_written_as_it_was_read() {
        assert_eq!(InPlaceAnnotation::parse(TEXT).unwrap().to_text(), TEXT);
    }

    #[test]
    fn an_unknown_image_id_is_left_out() {
        let text = r#"{"s":{"revision":"h","updateTimestamp":null,"lastContainerStatuses":{"agent":{}}}}"#;

        assert_eq!(InPlaceAnnotation::parse(text).unwrap().to_text(), text);
    }

    #[test]
    fn members_of_other_workloads_take_no_more_memory_than_they_have_letters() {
        let numbers = format!("[{}0]", "0,".repeat(10_000));

        let state: InPlaceState = serde_json::from_str(&format!(r#"{{"a":{numbers},"revision":"h"}}"#)).unwrap();

        assert_eq!(state.others.len(), r#"{"a":}"#.len() + numbers.len());
    }

    #[test]
    fn an_entry_is_read_whatever_those_of_other_sets_are() {
        for other in [r#""n":null"#, r#""n":7"#, r#""n":{"lastContainerStatuses":[]}"#] {
            let parsed = InPlaceAnnotation::parse(&TEXT.replacen('{', &format!("{{{other},"), 1)).unwrap();

            assert_eq!(&*parsed.0.get("log-sc").unwrap().revision, "h2", "{other}");
        }
    }

    #[test]
    fn an_entry_is_read_beside_what_means_nothing_to_anybody() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for other in [&*deep, "1e999", r#""\ud800""#, r#"{"revision":"\ud800"}"#] {
            let text = TEXT.replacen('{', &format!(r#"{{"n":{other},"#), 1);

            assert_eq!(InPlaceAnnotation::parse(&text).unwrap().to_text(), TEXT, "{other:.20}");
        }
    }

    #[test]
    fn members_of_other_workloads_survive() {
        let text = r#"{"s":{"revision":"h","updateTimestamp":null,"lastContainerStatuses":{},"nextContainerImages":{"a":"b"}}}"#;

        assert_eq!(InPlaceAnnotation::parse(text).unwrap().to_text(), text);
    }
}
