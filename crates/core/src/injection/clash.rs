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
    /// The field of the set, with the name of a container in the place of its number.
    pub path: String,
    /// What comes of it, as a sentence about that field.
    pub consequence: String,
    /// The same for the author of a Pod.
    pub message: String,
}

/// What both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClashKind {
    /// A container: the one that the Pod brings is replaced.
    Container,
    /// A container that has lost fields since it was injected: they are put back.
    Stripped,
    /// A volume: that of the set is not used.
    Volume,
    /// A port, by its name or its number.
    Port,
    /// The class of the Pod: it was Guaranteed, and is not with the sidecar.
    Qos,
}

impl Clash {
    pub(super) fn of(set: &CanonicalSet, kind: ClashKind, (path, consequence): (String, String)) -> Self {
        let message = format!("{path} of SidecarSet {}: {consequence}", set.name);
        Self { set: Arc::clone(&set.name), uid: set.uid.clone(), kind, path, consequence, message }
    }

    /// Says it to the author of a Pod in other words.
    pub(super) fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }
}
