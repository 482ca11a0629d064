//! What a Pod's annotations say about the SidecarSets injected into it, in the form that Kruise reads and writes.

mod hash;
mod hot;
mod in_place;

pub use hash::{HashAnnotation, InjectedSet};
pub use hot::HotAnnotations;
pub use in_place::{InPlaceAnnotation, InPlaceState, LastStatus};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sidecarset_api::markers;
use std::collections::BTreeSet;
use std::time::Duration;

/// A moment with the precision of Kubernetes' timestamps: seconds, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(i64);

/// An annotation that is neither of the forms it may have.
#[derive(Debug, thiserror::Error)]
#[error("annotation {key} is not valid")]
pub struct ParseAnnotationError {
    key: &'static str,
    source: serde_json::Error,
}

/// Reads the list of injected sets: names joined with commas.
#[must_use]
pub fn injected_list(value: &str) -> BTreeSet<&str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// Says whether an annotation of a Pod is the operator's own.
#[must_use]
pub fn is_ours(key: &str) -> bool {
    let own = [
        markers::HASH,
        markers::HASH_WITHOUT_IMAGE,
        markers::INJECTED_LIST,
        markers::IN_PLACE_STATE,
        markers::WORKING_CONTAINER,
    ];
    own.contains(&key) || [markers::VERSION_PREFIX, markers::VERSION_ALT_PREFIX].iter().any(|own| key.starts_with(own))
}

impl From<Timestamp> for Seconds {
    fn from(moment: Timestamp) -> Self {
        Self(moment.as_second())
    }
}

impl Seconds {
    /// The beginning of 1970: before anything that a cluster remembers.
    pub const EPOCH: Self = Self(0);

    /// Returns the seconds since 1970.
    #[must_use]
    pub fn since_epoch(self) -> i64 {
        self.0
    }

    /// Returns the moment that is so much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Returns how much time is from another moment to this one; none where that is later.
    #[must_use]
    pub fn since(self, other: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(other.0)).unwrap_or_default())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = Timestamp::from_second(self.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&moment)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self::from)
    }
}
