//! What is remembered of a container.

use super::Ailment;
use crate::amounts::Amounts;
use crate::annotations::Seconds;
use std::sync::Arc;

/// Which list of the Pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerKind {
    /// `spec.containers`.
    Regular,
    /// `spec.initContainers`, kept running beside the application.
    Native,
}

/// What is remembered of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRecord {
    /// What the spec asks for. Kept once for all Pods in which it is the same.
    pub spec: Arc<ContainerSpec>,
    /// What the kubelet last said of it.
    pub status: Option<ContainerObservation>,
}

impl ContainerRecord {
    /// Returns what keeps it from running, or kept it a moment ago, where the kubelet says that something does.
    #[must_use]
    pub fn ailment(&self) -> Option<&Ailment> {
        self.status.as_ref()?.ailment.as_deref()
    }
}

/// What the spec of a Pod asks for in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The name.
    pub name: Arc<str>,
    /// The list it stands in.
    pub kind: ContainerKind,
    /// The image.
    pub image: Arc<str>,
    /// The cpu and memory.
    pub amounts: Amounts,
}

/// What the kubelet last said of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerObservation {
    /// The image it runs. Kept once for all containers that run it.
    pub runs: Arc<RunningImage>,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Since when it runs, where it does.
    pub started_at: Option<Seconds>,
    /// What keeps it from running, or kept it a moment ago. Nothing in most Pods.
    pub ailment: Option<Box<Ailment>>,
}

/// An image that a container runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningImage {
    /// The image, as the container runtime names it.
    pub name: Arc<str>,
    /// Its identity.
    pub id: Arc<str>,
}

/// What is remembered of an ordinary init container that does not do its work, or is still at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AilingContainer {
    /// The name.
    pub name: Arc<str>,
    /// The image that the spec asks for.
    pub image: Arc<str>,
    /// What keeps it from running, or kept it a moment ago.
    pub ailment: Ailment,
}
