//! What is watched, and why a watch breaks off, in words that are counted.

use sidecarset_metrics::label;

label! {
    /// What is watched.
    pub enum Kind: "kind" {
        /// SidecarSets.
        Set = "sidecarset",
        /// Their past definitions.
        Revision = "revision",
        /// Namespaces.
        Namespace = "namespace",
        /// Pods.
        Pod = "pod",
        /// The white list of annotations.
        Configuration = "configmap",
    }
}

impl Kind {
    /// Returns it as it is written.
    pub(crate) fn word(self) -> &'static str {
        super::value(self)
    }
}

label! {
    /// Why a watch or a list breaks off.
    pub enum Interruption: "reason" {
        /// The API server does not remember as much of the past: the objects are listed again.
        Expired = "expired",
        /// The API server answered with an error.
        Refused = "refused",
        /// There was no answer, or none that can be read.
        Failed = "failed",
        /// The next part of a list took too long.
        Silent = "silent",
        /// A list began again before it was complete.
        BrokeOff = "broke_off",
    }
}
