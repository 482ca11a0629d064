//! The part of a Pod that is parsed at all: the rest is skipped while it is read, which takes a tenth of the
//! memory and half of the time of the whole Pod.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sidecarset_core::annotations::may_tell_of_sets;
use sidecarset_core::record::{ObservedPhase, ObservedPod, ObservedSpec, ObservedStatus};
use std::collections::BTreeMap;
use std::error::Error;
use tracing::warn;

/// A Pod without what nobody here asks about. Of a Pod without sidecars only the metadata and the phase are read.
#[derive(Debug, Clone, Deserialize, Resource)]
#[resource(inherit = Pod)]
#[serde(from = "SplitPod")]
pub struct PodLite {
    pub(crate) metadata: ObjectMeta,
    spec: ObservedSpec,
    status: ObservedStatus,
}

// One Pod that cannot be read would fail the list that it is on, again and again. `RawValue` can be taken from the
// text alone, which works because the API server writes the type of a watch event in front of its object.
#[derive(Deserialize)]
struct SplitPod {
    #[serde(default)]
    metadata: SlimMetadata,
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
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
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
        let metadata = ObjectMeta::from(pod.metadata);
        let has_sidecars = metadata.annotations.as_ref().is_some_and(may_tell_of_sets);
        let status = pod.status.as_deref();
        if has_sidecars {
            Self { spec: parsed(&metadata, pod.spec.as_deref()), status: parsed(&metadata, status), metadata }
        } else {
            let phase: ObservedPhase = parsed(&metadata, status);
            Self { spec: ObservedSpec::default(), status: phase.into(), metadata }
        }
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
            creation_timestamp: slim.creation_timestamp,
            deletion_timestamp: slim.deletion_timestamp,
            ..Self::default()
        }
    }
}

fn parsed<T: Default + DeserializeOwned>(pod: &ObjectMeta, text: Option<&RawValue>) -> T {
    let read = text.map(|text| serde_json::from_str::<Option<T>>(text.get())).transpose();
    read.map(|part| part.flatten().unwrap_or_default()).unwrap_or_else(|error| {
        let (namespace, pod) = (pod.namespace.as_deref(), pod.name.as_deref());
        warn!(namespace, pod, error = &error as &dyn Error, "could not read a part of the pod");
        T::default()
    })
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
