//! The Pod condition `SidecarSetUpgradable`: which sets can be upgraded in a Pod where it is, and which wait for a new one.

mod change;

pub use change::{Change, of_matched, of_stranger};

use crate::sorted::SortedMap;
use sidecarset_api::markers;

/// What the condition of a Pod says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upgradable {
    /// Of each set that has an entry, whether it can be upgraded in the Pod. None where nobody can read the message.
    pub sets: SortedMap<bool>,
    /// The status of the condition.
    pub is_true: bool,
}

impl Upgradable {
    /// Reads the condition. A message that cannot be read says nothing: it is replaced when there is something to say.
    #[must_use]
    pub fn read(status: &str, message: &str) -> Self {
        Self { sets: serde_json::from_str(message).unwrap_or_default(), is_true: status == "True" }
    }

    fn says_all(sets: &SortedMap<bool>) -> bool {
        sets.iter().all(|(_, is_upgradable)| *is_upgradable)
    }
}

/// Returns whether a condition of a Pod is the one of this module.
pub(crate) fn is_kind(kind: &str) -> bool {
    kind == markers::UPGRADABLE
}
