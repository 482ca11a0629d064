//! The annotation about upgrades in place: what each container ran before.

use super::{ParseAnnotationError, Seconds};
use crate::sorted::SortedMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sidecarset_api::markers;
use std::cmp::Ordering;
use std::sync::Arc;

/// The value of the annotation: from a set's name to the state of its last upgrade.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InPlaceAnnotation(pub SortedMap<InPlaceState>);

/// The state of the last upgrade in place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InPlaceState {
    /// The hash of the set at the first upgrade of the Pod.
    #[serde(default)]
    pub revision: Arc<str>,
    /// When the first upgrade of the Pod was.
    #[serde(default)]
    pub update_timestamp: Option<Seconds>,
    /// What each container ran before its last upgrade.
    #[serde(default)]
    pub last_container_statuses: Option<SortedMap<LastStatus>>,
    // The type is shared with other workloads of Kruise, whose members must survive.
    #[serde(flatten)]
    other: Others,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Others(Map<String, Value>);

/// What a container ran before.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LastStatus {
    /// The image's identity as the container runtime reported it.
    #[serde(rename = "imageID", default, skip_serializing_if = "is_empty")]
    pub image_id: Arc<str>,
}

impl InPlaceAnnotation {
    /// Reads the annotation.
    ///
    /// # Errors
    /// The value does not have its form.
    pub fn parse(value: &str) -> Result<Self, ParseAnnotationError> {
        serde_json::from_str(value).map_err(|source| ParseAnnotationError { key: markers::IN_PLACE_STATE, source })
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
            other: Others::default(),
        }
    }
}

impl Others {
    fn texts(&self) -> impl Iterator<Item = (&String, String)> {
        self.0.iter().map(|(member, value)| (member, value.to_string()))
    }
}

impl Ord for Others {
    fn cmp(&self, other: &Self) -> Ordering {
        self.texts().cmp(other.texts())
    }
}

impl PartialOrd for Others {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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
    fn members_of_other_workloads_survive() {
        let text = r#"{"s":{"revision":"h","updateTimestamp":null,"lastContainerStatuses":{},"nextContainerImages":{"a":"b"}}}"#;

        assert_eq!(InPlaceAnnotation::parse(text).unwrap().to_text(), text);
    }
}
