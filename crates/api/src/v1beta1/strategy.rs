//! How a change reaches running Pods, and which definition new ones get.

use k8s_openapi::apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a change of an image reaches the Pods that run already.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// RollingUpdate (the default) or NotUpdate, which leaves running Pods as they are.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,

    /// Stops the rollout to running Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Only Pods with these labels are upgraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,

    /// How many Pods stay on the old image, as a number or a percentage of the matched Pods (rounded up). Defaults
    /// to 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<IntOrString>,

    /// How many Pods may be unavailable during the rollout, as a number or a percentage of the matched Pods
    /// (rounded up). Defaults to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,

    /// How changed cpu and memory of sidecars reach running Pods. InPlace changes them in the Pods, together with images.
    /// OnRecreate (the default) waits until a Pod is created anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "resource_updates")]
    pub resources: Option<String>,

    /// How many Pods may fail before the rollout is given up, as a number or a percentage of the matched Pods (rounded
    /// up); at least 1. A Pod fails if it was upgraded in place and is not ready progressDeadlineSeconds later. What is
    /// done then is said by onFailure, and holds until the spec changes. Absent means that no number of failures ends a
    /// rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<IntOrString>,

    /// How many seconds after its upgrade a Pod has to be ready. Defaults to 600. Does nothing without
    /// failureThreshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,

    /// What is done once failureThreshold is reached. Halt (the default): no further Pod is upgraded. Rollback: besides,
    /// the upgraded Pods return to the revision before, as far at a time as maxUnavailable allows, and new Pods get that
    /// revision. Does nothing without failureThreshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "on_failure")]
    pub on_failure: Option<String>,

    /// Which Pods are upgraded first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_strategy: Option<PriorityStrategy>,

    /// Spreads the Pods that have a label evenly over the rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scatter_strategy: Option<Vec<ScatterTerm>>,
}

/// Which Pods are upgraded first: one of the two lists.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PriorityStrategy {
    /// Pods with the first of these labels come first, then those with the second, and so on; of one label those
    /// with the largest number at the end of its value. Pods without any of them come last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_priority: Option<Vec<OrderPriority>>,

    /// Pods with the largest sum of the weights of the terms that match them come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_priority: Option<Vec<WeightPriority>>,
}

/// A label whose value orders Pods.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OrderPriority {
    /// The key of the label.
    pub ordered_key: String,
}

/// A weight for the Pods that have certain labels.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WeightPriority {
    /// From 0 to 100.
    pub weight: i32,

    /// The labels.
    pub match_selector: LabelSelector,
}

/// A label that is spread evenly over the rollout.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct ScatterTerm {
    /// The key of the label.
    pub key: String,

    /// The value of the label; `*` stands for each value there is.
    pub value: String,
}

/// Which definition newly created Pods get.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct InjectionStrategy {
    /// Nothing is injected into new Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// New Pods get a past revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<InjectionRevision>,

    /// What becomes of a new Pod that this SidecarSet selects while the operator cannot be asked: Fail refuses it,
    /// Ignore creates it without its sidecars. A Pod that several SidecarSets select is refused if one of them says
    /// Fail. Defaults to what the operator was started with, which is Fail unless set otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "failure_policy")]
    pub failure_policy: Option<String>,

    /// The operating systems whose Pods get the sidecars: linux, windows, or both. A Pod is for Windows if its os, its
    /// nodeSelector, or the node affinity that it requires says so; any other Pod is for Linux. Defaults to windows if a
    /// container has windowsOptions, and to linux otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "operating_systems")]
    pub operating_systems: Option<Vec<String>>,
}

/// A past revision.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct InjectionRevision {
    /// The newest revision that had this custom version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_version: Option<String>,

    /// The name of the revision; it wins over customVersion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_name: Option<String>,

    /// Always: every new Pod gets that revision. Partial: those that the rollout would leave on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "injection_policy")]
    pub policy: Option<String>,
}

/// The strategy as the oldest form of the API spelled it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LegacyStrategy {
    /// Deprecated: use updateStrategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<LegacyRollingUpdate>,
}

/// The members of a rolling update as the oldest form of the API spelled them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LegacyRollingUpdate {
    /// Deprecated: use updateStrategy.maxUnavailable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
}

fn injection_policy(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["Always", "Partial"], "default": "Always"})
}

fn resource_updates(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["InPlace", "OnRecreate"]})
}

fn failure_policy(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["Fail", "Ignore"]})
}

fn operating_systems(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "items": {"type": "string", "enum": ["linux", "windows"]}})
}

fn on_failure(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["Halt", "Rollback"]})
}
