//! The Pods that there are, as far as whoever writes a set should know of them.

use sidecarset_core::normalize::CanonicalSet;
use std::fmt::Debug;
use std::sync::Arc;

/// Who knows the Pods that there are.
pub trait PodSource: Debug + Send + Sync {
    /// Says what a set takes from the Pods that it selects: each with its field and how many Pods it is.
    fn survey(&self, set: &Arc<CanonicalSet>) -> Vec<String>;
}
