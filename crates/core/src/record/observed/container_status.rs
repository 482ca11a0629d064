//! The members of a container's status that are read.

use jiff::Timestamp;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::record) struct ObservedContainerStatus {
    pub(in crate::record) name: String,
    #[serde(default)]
    pub(in crate::record) image: String,
    #[serde(rename = "imageID", default)]
    pub(in crate::record) image_id: String,
    #[serde(default)]
    pub(in crate::record) ready: bool,
    #[serde(default)]
    pub(in crate::record) restart_count: i64,
    #[serde(default)]
    pub(in crate::record) state: Option<ObservedState>,
    #[serde(default)]
    pub(in crate::record) last_state: Option<ObservedState>,
}

#[derive(Debug, Clone, Deserialize)]
pub(in crate::record) struct ObservedState {
    #[serde(default)]
    pub(in crate::record) running: Option<ObservedRunning>,
    #[serde(default)]
    pub(in crate::record) waiting: Option<ObservedWaiting>,
    #[serde(default)]
    pub(in crate::record) terminated: Option<ObservedTerminated>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::record) struct ObservedRunning {
    #[serde(default)]
    pub(in crate::record) started_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(in crate::record) struct ObservedWaiting {
    #[serde(default)]
    pub(in crate::record) reason: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::record) struct ObservedTerminated {
    #[serde(default)]
    pub(in crate::record) exit_code: i64,
    #[serde(default)]
    pub(in crate::record) reason: String,
    #[serde(default)]
    pub(in crate::record) started_at: Option<Timestamp>,
    #[serde(default)]
    pub(in crate::record) finished_at: Option<Timestamp>,
}

impl ObservedTerminated {
    /// Says whether the container runtime did not even start it.
    pub(in crate::record) fn has_never_run(&self) -> bool {
        ["StartError", "ContainerCannotRun"].contains(&self.reason.as_str())
    }
}
