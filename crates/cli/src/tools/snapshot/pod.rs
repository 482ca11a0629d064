//! A Pod, whole and as the operator looks at it.

use k8s_openapi::api::core::v1::Pod as Inherited;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sidecarset_core::record::{ObservedPod, ObservedSpec, ObservedStatus};

/// A Pod as the API server sends it. Members that cannot be read are as if they were not there, as in the operator.
#[derive(Debug, Clone, Deserialize, Resource)]
#[resource(inherit = Inherited)]
#[serde(from = "Value")]
pub struct Pod {
    metadata: ObjectMeta,
    spec: ObservedSpec,
    status: ObservedStatus,
    /// All of it, but for who wrote which field.
    pub object: Value,
}

impl Pod {
    /// Returns what the operator looks at.
    pub fn observed(&self) -> ObservedPod<'_> {
        ObservedPod { metadata: &self.metadata, spec: &self.spec, status: &self.status }
    }
}

impl From<Value> for Pod {
    fn from(mut object: Value) -> Self {
        if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Self {
            metadata: read(&object["metadata"]),
            spec: read(&object["spec"]),
            status: read(&object["status"]),
            object,
        }
    }
}

fn read<T: Default + DeserializeOwned>(part: &Value) -> T {
    T::deserialize(part).unwrap_or_default()
}
