//! The members of a container's status that are read.

use crate::annotations::{Seconds, lenient};
use serde::Deserialize;
use std::collections::BTreeMap;

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
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::record) started_at: Option<Seconds>,
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
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::record) started_at: Option<Seconds>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::record) finished_at: Option<Seconds>,
}

impl ObservedTerminated {
    /// Says whether the container runtime did not even start it.
    pub(in crate::record) fn has_never_run(&self) -> bool {
        ["StartError", "ContainerCannotRun"].contains(&self.reason.as_str())
    }
}

/// So many are looked through one by one.
const FEW: usize = 16;

/// The statuses of containers, by the names of these.
pub(super) enum Statuses<'a> {
    Few(&'a [ObservedContainerStatus]),
    Many(BTreeMap<&'a str, &'a ObservedContainerStatus>),
}

impl<'a> Statuses<'a> {
    pub(super) fn of(statuses: &'a [ObservedContainerStatus]) -> Self {
        if statuses.len() <= FEW {
            return Self::Few(statuses);
        }
        // The first of a name counts.
        Self::Many(statuses.iter().rev().map(|status| (&*status.name, status)).collect())
    }

    pub(super) fn of_container(&self, name: &str) -> Option<&'a ObservedContainerStatus> {
        match self {
            Self::Few(statuses) => statuses.iter().find(|status| status.name == name),
            Self::Many(statuses) => statuses.get(name).copied(),
        }
    }
}
