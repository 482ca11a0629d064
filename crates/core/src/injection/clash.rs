//! What a Pod brings itself, and a set too.

use crate::normalize::CanonicalSet;
use std::sync::Arc;

/// A set and a Pod, or another set, have something of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The name of the set.
    pub set: Arc<str>,
    /// Which object of that name.
    pub uid: Option<Arc<str>>,
    /// What both have.
    pub kind: ClashKind,
    /// What comes of it, for the author of either.
    pub message: String,
}

/// What both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClashKind {
    /// A container: the Pod's own is replaced.
    Container,
    /// A volume: that of the set is not used.
    Volume,
}

impl Clash {
    pub(super) fn of(set: &CanonicalSet, kind: ClashKind, message: String) -> Self {
        Self { set: Arc::clone(&set.name), uid: set.uid.clone(), kind, message }
    }
}
