//! The stored version of the API.

mod container;
mod status;
mod strategy;

pub use container::{
    FieldReference, ResourceExpressions, ResourceListExpressions, ResourcesPolicy, SharePolicy, SidecarContainer,
    SourceContainerName, TransferEnv, UpgradeStrategy,
};
pub use status::{BlockingField, FailingPods, RolloutFailure, SidecarSetStatus};
pub use strategy::{
    InjectionRevision, InjectionStrategy, LegacyRollingUpdate, LegacyStrategy, OrderPriority, PriorityStrategy,
    ScatterTerm, UpdateStrategy, WeightPriority,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The name of this version.
pub const VERSION: &str = "v1beta1";

// `kubectl explain` prints the documentation of this type and its members: it is written for users.
/// SidecarSetSpec describes the sidecars that selected Pods get when they are created, and how their images
/// are upgraded in running Pods.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[kube(
    group = "apps.kruise.io",
    version = "v1beta1",
    kind = "SidecarSet",
    plural = "sidecarsets",
    singular = "sidecarset",
    shortname = "scs",
    doc = "SidecarSet puts sidecar containers into the Pods that it selects when they are created, and upgrades their images in place later.",
    status = "SidecarSetStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"MATCHED","type":"integer","description":"Pods that carry this SidecarSet's containers","jsonPath":".status.matchedPods"}"#,
    printcolumn = r#"{"name":"UPDATED","type":"integer","description":"Matched Pods whose recorded hash is the present one","jsonPath":".status.updatedPods"}"#,
    printcolumn = r#"{"name":"READY","type":"integer","description":"Matched Pods that are ready","jsonPath":".status.readyPods"}"#,
    printcolumn = r#"{"name":"UPDATED-READY","type":"integer","description":"Matched Pods that are both updated and ready","jsonPath":".status.updatedReadyPods","priority":1}"#,
    printcolumn = r#"{"name":"NOT-UPGRADABLE","type":"integer","description":"Matched Pods that take the present definition when they are created anew","jsonPath":".status.notUpgradablePods","priority":1}"#,
    printcolumn = r#"{"name":"ROLLOUT","type":"string","description":"Why the rollout stands where it stands","jsonPath":".status.conditions[?(@.type==\"Progressing\")].reason","priority":1}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SidecarSetSpec {
    /// The labels of the Pods that get the sidecars. Required; an empty selector is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,

    /// Deprecated: use namespaceSelector. The one namespace whose Pods are selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,

    /// The labels of the namespaces whose Pods are selected. Absent or empty means every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,

    /// Init containers that a selected Pod gets when it is created, sorted by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_containers: Option<Vec<SidecarContainer>>,

    /// Containers that a selected Pod gets when it is created. A change of their image reaches running Pods in
    /// place; a change of anything else waits for a Pod's next creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<SidecarContainer>>,

    /// Volumes that the sidecars may mount. Only those that a sidecar mounts are merged into a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "list_of_anything")]
    pub volumes: Option<Vec<Map<String, Value>>>,

    /// How a change of an image reaches the Pods that run already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<UpdateStrategy>,

    /// Which definition newly created Pods get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injection_strategy: Option<InjectionStrategy>,

    /// References to Secrets that are merged into a Pod's imagePullSecrets when it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,

    /// How many past revisions are kept for a rollback. Defaults to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,

    /// Annotations that a selected Pod gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_pod_metadata: Option<Vec<PatchPodMetadata>>,

    /// The version that the author gives this definition; a past revision can be chosen by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_version: Option<String>,

    /// Deprecated: use updateStrategy.paused. Stops the rollout to running Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Deprecated: use updateStrategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<LegacyStrategy>,
}

/// A reference to an object of the Pod's own namespace.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct LocalObjectReference {
    /// The name of the object.
    #[serde(default)]
    pub name: String,
}

/// Annotations for a selected Pod, and what happens where it has them already.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PatchPodMetadata {
    /// The annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,

    /// Retain (the default) keeps a value that the Pod has, Overwrite replaces it, MergePatchJson merges both as
    /// JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_policy: Option<String>,
}

/// A list whose items the API server keeps as they are: a newer Kubernetes' fields must survive.
fn list_of_anything(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    })
}
