//! What the controller says of a SidecarSet.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the controller has seen and done.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SidecarSetStatus {
    /// The generation of the spec that the rest of the status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// How many running Pods were injected from this SidecarSet.
    pub matched_pods: i32,

    /// How many matched Pods carry the present definition.
    pub updated_pods: i32,

    /// How many matched Pods are ready, their sidecars included.
    pub ready_pods: i32,

    /// How many matched Pods are both updated and ready. Absent means 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub updated_ready_pods: i32,

    /// How many matched Pods take the present definition only when they are created anew, because something
    /// other than an image changed. Absent means 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_upgradable_pods: i32,

    /// The fields that keep these Pods from being upgraded in place, and how many Pods each of them keeps: of more than
    /// 20 those that keep the most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["field"]))]
    pub not_upgradable_fields: Vec<BlockingField>,

    /// How many matched Pods fail because of the sidecars of this SidecarSet, by the kubelet's reasons. Each Pod counts
    /// once. Absent means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["reason"]))]
    pub failing_pods: Vec<FailingPods>,

    /// How many active Pods the SidecarSet selects that were created without its sidecars: before it, or while the operator was
    /// away. They get them when they are created anew. Absent means 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_injected_pods: i32,

    /// The name of the newest ControllerRevision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_revision: Option<String>,

    /// How often the name of a revision was taken by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,

    /// The ControllerRevision whose definition the last rollout that came to its end brought to the matched Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_revision: Option<String>,

    /// How the last rollout failed that did, until one comes to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RolloutFailure>,

    /// Where the rollout stands, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A field that keeps Pods from being upgraded in place.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BlockingField {
    /// The path of the field below spec, with containers by name: `containers[agent].env`. It is that of a container
    /// where Pods lack it, and "unknown" where the definition that Pods carry is not remembered.
    pub field: String,

    /// How many Pods it keeps.
    pub count: i32,
}

/// Pods that fail for one reason.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FailingPods {
    /// Why their sidecars do not run, in the kubelet's words: InvalidImageName, ErrImageNeverPull, ImagePullBackOff,
    /// CreateContainerConfigError, CreateContainerError, RunContainerError or CrashLoopBackOff.
    pub reason: String,

    /// How many Pods they are.
    pub count: i32,
}

/// A rollout that reached its failureThreshold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RolloutFailure {
    /// The generation of the spec that was rolled out. The failure is acted on while the spec has this generation.
    pub generation: i64,

    /// The ControllerRevision of the definition that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,

    /// How many Pods had failed then.
    #[serde(default)]
    pub failed_pods: i32,

    /// The ControllerRevision to which Pods return, and that new Pods get. Absent where the rollout is halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_revision: Option<String>,

    /// What happened, for people.
    #[serde(default)]
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &i32) -> bool {
    *count == 0
}
