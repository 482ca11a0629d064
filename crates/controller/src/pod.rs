//! The part of a Pod that is parsed at all: the rest is skipped while it is read, which takes a tenth of the
//! memory and half of the time of the whole Pod.

use crate::watch::Watched;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sidecarset_api::item::readable_metadata;
use sidecarset_core::annotations::{Seconds, may_tell_of_sets};
use sidecarset_core::record::{ObservedPhase, ObservedPod, ObservedSpec, ObservedStatus};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

/// A Pod without what nobody here asks about. Of the status of a Pod without sidecars only the phase is read.
#[derive(Debug, Clone, Deserialize, Resource)]
#[resource(inherit = Pod)]
#[serde(from = "SplitPod")]
pub struct PodLite {
    pub(crate) metadata: ObjectMeta,
    spec: ObservedSpec,
    status: ObservedStatus,
    /// Why a part of it could not be read, which says nothing then.
    fault: Option<Arc<serde_json::Error>>,
}

// One Pod that cannot be read would fail the list that it is on, again and again. `RawValue` can be taken from the
// text alone, which works because the API server writes the type of a watch event in front of its object.
#[derive(Deserialize)]
struct SplitPod {
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
    #[serde(default)]
    status: Option<Box<RawValue>>,
}

// `managedFields` alone decodes into nested trees of 20 KB.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SlimMetadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Moment>,
    deletion_timestamp: Option<Moment>,
}

/// A time, or one that can be written in its place.
#[derive(Deserialize)]
#[serde(transparent)]
struct Moment(Seconds);

impl Watched for PodLite {
    fn fault(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.as_deref().map(|fault| fault as &(dyn Error + 'static))
    }
}

impl PodLite {
    /// Returns what there is of it.
    #[must_use]
    pub fn observed(&self) -> ObservedPod<'_> {
        ObservedPod { metadata: &self.metadata, spec: &self.spec, status: &self.status }
    }
}

impl From<SplitPod> for PodLite {
    fn from(pod: SplitPod) -> Self {
        let mut fault = None;
        let metadata = match pod.metadata {
            None => ObjectMeta::default(),
            Some(text) => match serde_json::from_str::<SlimMetadata>(text.get()) {
                Ok(slim) => slim.into(),
                Err(error) => {
                    fault = Some(error);
                    readable_metadata(&text)
                }
            },
        };
        let has_sidecars = metadata.annotations.as_ref().is_some_and(may_tell_of_sets);
        let spec = parsed(pod.spec.as_deref(), &mut fault);
        let status = if has_sidecars {
            parsed(pod.status.as_deref(), &mut fault)
        } else {
            let phase: ObservedPhase = parsed(pod.status.as_deref(), &mut fault);
            phase.into()
        };
        Self { metadata, spec, status, fault: fault.map(Arc::new) }
    }
}

impl From<SlimMetadata> for ObjectMeta {
    fn from(slim: SlimMetadata) -> Self {
        Self {
            name: slim.name,
            namespace: slim.namespace,
            uid: slim.uid,
            resource_version: slim.resource_version,
            generation: slim.generation,
            labels: slim.labels,
            annotations: slim.annotations,
            creation_timestamp: slim.creation_timestamp.map(|moment| Time(moment.0.into())),
            deletion_timestamp: slim.deletion_timestamp.map(|moment| Time(moment.0.into())),
            ..Self::default()
        }
    }
}

/// Reads a part of a Pod; one that cannot be read says nothing, and is the fault if there was none before.
fn parsed<T: Default + DeserializeOwned>(text: Option<&RawValue>, fault: &mut Option<serde_json::Error>) -> T {
    let read = text.map(|text| serde_json::from_str::<Option<T>>(text.get())).transpose();
    read.map(Option::flatten)
        .unwrap_or_else(|error| {
            fault.get_or_insert(error);
            None
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::WatchEvent;
    use serde_json::json;
    use sidecarset_core::record::{Interner, Phase, PodRecord};

    #[test]
    fn managed_fields_are_never_materialised() {
        let pod: PodLite = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "web-0", "namespace": "shop", "uid": "u1", "resourceVersion": "7",
                "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
            },
            "spec": {"containers": [{"name": "agent", "image": "a:1", "env": [{"name": "A", "value": "1"}]}]},
            "status": {"phase": "Running"},
        }))
        .unwrap();

        assert_eq!(pod.metadata.managed_fields, None);
        assert_eq!(pod.metadata.resource_version.as_deref(), Some("7"));
    }

    #[test]
    fn a_pod_of_nothing_but_a_name_is_read() {
        let pod: PodLite = serde_json::from_value(json!({"metadata": {"name": "web-0", "labels": null}})).unwrap();

        assert_eq!(pod.metadata.name.as_deref(), Some("web-0"));
    }

    #[test]
    fn of_a_pod_without_sidecars_it_is_known_whether_it_has_ended() {
        let has_not_ended = |status: serde_json::Value| {
            let pod = json!({"metadata": {"name": "web-0"}, "spec": {"containers": 7}, "status": status});
            serde_json::from_value::<PodLite>(pod).unwrap().observed().may_lack_sets()
        };

        assert!(has_not_ended(json!({"phase": "Running", "containerStatuses": 7})));
        assert!(has_not_ended(json!(null)));
        assert!(!has_not_ended(json!({"phase": "Succeeded"})));
        assert!(!has_not_ended(json!({"phase": "Failed"})));
    }

    #[test]
    fn a_status_that_cannot_be_read_does_not_take_the_pod_away() {
        let event: WatchEvent<PodLite> = serde_json::from_str(
            r#"{"type": "ADDED", "object": {
                "metadata": {
                    "name": "web-0", "namespace": "shop",
                    "annotations": {"kruise.io/sidecarset-injected-list": "log-sc"}
                },
                "spec": {"containers": [{"name": "agent", "image": "a:1"}]},
                "status": {"phase": 7}
            }}"#,
        )
        .unwrap();

        let WatchEvent::Added(pod) = event else { panic!("{event:?}") };
        let record = PodRecord::read(pod.observed(), &mut Interner::default()).unwrap();
        assert_eq!(&*record.containers[0].spec.image, "a:1");
        assert_eq!(record.phase, Phase::Pending);
    }
}
