//! What is told to people as an event, beside the status: what changed, once. Nothing depends on an event being written.

mod outcome;
mod rollout;

pub use outcome::{clashed, reset, reset_failed};
pub use rollout::Narrator;

use crate::record::{PodKey, Uid};
use std::sync::Arc;

/// An event before it has a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// What it is about.
    pub subject: Subject,
    /// Whether somebody should look.
    pub kind: EventKind,
    /// The reason, in one word of CamelCase.
    pub reason: String,
    /// What the operator was doing.
    pub action: &'static str,
    /// What a person reads.
    pub note: String,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A SidecarSet.
    Set {
        /// The name.
        name: Arc<str>,
        /// Which object of that name.
        uid: Option<Arc<str>>,
    },
    /// A Pod.
    Pod {
        /// The namespace and name.
        key: PodKey,
        /// Which object of that name.
        uid: Uid,
    },
}

/// Whether somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// It is as it should be.
    Normal,
    /// A person should look.
    Warning,
}
