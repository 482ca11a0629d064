//! A container of a SidecarSet: a core/v1 Container and what SidecarSet adds to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A container that is injected: any field of a Pod's container, and the ones below.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct SidecarContainer {
    // Kept as it was written, not as a struct: a field that this build does not know is never lost.
    /// The fields of core/v1 Container.
    #[serde(flatten)]
    #[schemars(skip)]
    pub container: Map<String, Value>,

    /// Where the container is put: BeforeAppContainer or AfterAppContainer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_inject_policy: Option<String>,

    /// How a new image reaches a running Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_strategy: Option<UpgradeStrategy>,

    /// Whether the volume mounts of the Pod's own containers are shared with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_volume_policy: Option<SharePolicy>,

    /// Whether the volume devices of the Pod's own containers are shared with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_volume_device_policy: Option<SharePolicy>,

    /// Environment variables that are copied from the Pod's own containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_env: Option<Vec<TransferEnv>>,

    /// Computes the resources of this container from those of the Pod's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_policy: Option<ResourcesPolicy>,
}

/// How a new image reaches a running Pod.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStrategy {
    /// ColdUpgrade (the default) restarts the container, HotUpgrade hands over between two of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_type: Option<String>,

    /// The image of the container that waits, in a HotUpgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_upgrade_empty_image: Option<String>,
}

/// Whether something of the Pod's own containers is shared with a sidecar.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct SharePolicy {
    /// enabled or disabled.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Environment variables that are copied from one of the Pod's own containers.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TransferEnv {
    /// The name of the container they are copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_container_name: Option<String>,

    /// Where the Pod says the name of the container they are copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_container_name_from: Option<SourceContainerName>,

    /// The name of one variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_name: Option<String>,

    /// The names of several variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_names: Option<Vec<String>>,
}

/// Where a Pod says the name of one of its containers.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SourceContainerName {
    /// A label or an annotation of the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldReference>,
}

/// A field of a Pod.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FieldReference {
    /// The version of the Pod that fieldPath is written for. Defaults to v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,

    /// metadata.annotations['KEY'] or metadata.labels['KEY'].
    pub field_path: String,
}

/// Computes a sidecar's resources from those of the Pod's own containers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesPolicy {
    /// sum or max: what is taken over the target containers.
    #[schemars(extend("enum" = ["sum", "max"]))]
    pub target_containers_mode: String,

    /// A regular expression for the names of the target containers.
    #[serde(default = "any_name")]
    pub target_containers_name_regex: String,

    /// The expressions.
    pub resources_expr: ResourceExpressions,
}

/// An expression for each resource of a container.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct ResourceExpressions {
    /// The limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceListExpressions>,

    /// The requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceListExpressions>,
}

/// An expression for cpu and one for memory, such as `max(cpu*50%, 50m)`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct ResourceListExpressions {
    /// The expression for cpu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,

    /// The expression for memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

fn any_name() -> String {
    ".*".to_owned()
}
