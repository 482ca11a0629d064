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
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

/// A moment with the precision of Kubernetes' timestamps: seconds, in UTC.
// With the sign bit turned, which keeps the order and leaves a value that no timestamp has: that of none, where there may
// be none. So an optional moment, of which a Pod has several, takes no more memory than a moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(NonZeroU64);

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

/// Returns the names of the sets that were injected into a Pod, given its annotations.
///
/// Pods from before Kruise 0.9 have no list. They carry each set of which the flat form of their hashes tells.
#[must_use]
pub fn injected(annotations: &BTreeMap<String, String>) -> BTreeSet<&str> {
    let annotation = |key| annotations.get(key).map(String::as_str);
    match annotation(markers::INJECTED_LIST) {
        Some(list) => injected_list(list),
        None => annotation(markers::HASH).map(hash::names_in_flat_form).unwrap_or_default(),
    }
}

/// Says whether the annotations of a Pod may tell of a set, without reading them.
#[must_use]
pub fn may_tell_of_sets(annotations: &BTreeMap<String, String>) -> bool {
    [markers::INJECTED_LIST, markers::HASH].iter().any(|key| annotations.contains_key(*key))
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
        Self::at(moment.as_second())
    }
}

impl Seconds {
    /// The beginning of 1970: before anything that a cluster remembers.
    pub const EPOCH: Self = Self::at(0);

    const SIGN: u64 = 1 << 63;

    const fn at(second: i64) -> Self {
        match NonZeroU64::new(second.cast_unsigned() ^ Self::SIGN) {
            Some(turned) => Self(turned),
            // Earlier than every timestamp.
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn since_epoch(self) -> i64 {
        (self.0.get() ^ Self::SIGN).cast_signed()
    }

    /// Returns the moment that is so much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self::at(self.since_epoch().saturating_add(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Returns how much time is from another moment to this one; none where that is later.
    #[must_use]
    pub fn since(self, other: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.since_epoch().saturating_sub(other.since_epoch())).unwrap_or_default())
    }
}

impl fmt::Debug for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Seconds({})", self.since_epoch())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = Timestamp::from_second(self.since_epoch()).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&moment)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: i64) -> Seconds {
        Timestamp::from_second(second).unwrap().into()
    }

    const KEYS: [&str; 2] = ["kruise.io/sidecarset-injected-list", "kruise.io/sidecarset-hash"];

    fn names(list: Option<&str>, hashes: Option<&str>) -> String {
        let annotations = KEYS.into_iter().zip([list, hashes]);
        let annotations = annotations.filter_map(|(key, text)| Some((key.to_owned(), text?.to_owned()))).collect();
        injected(&annotations).into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_pod_without_a_list_carries_the_sets_of_its_flat_hashes() {
        assert_eq!(names(None, Some(r#"{"mesh":"h2","log-sc":"h1"}"#)), "log-sc mesh");
        assert_eq!(names(Some("log-sc"), Some(r#"{"mesh":"h2","log-sc":"h1"}"#)), "log-sc");
        assert_eq!(names(Some(""), Some(r#"{"log-sc":"h1"}"#)), "");
    }

    #[test]
    fn a_list_that_was_taken_away_is_no_sign_of_an_old_release() {
        assert_eq!(names(None, Some(r#"{"log-sc":{"hash":"h1","sidecarSetName":"log-sc"}}"#)), "");
        assert_eq!(names(None, Some("[")), "");
        assert_eq!(names(None, None), "");
    }

    #[test]
    fn moments_before_and_after_1970_are_in_order() {
        let seconds = [-62_135_596_800, -1, 0, 1, 1_767_323_045];

        let moments = seconds.map(moment);

        assert!(moments.is_sorted());
        assert_eq!(moments.map(Seconds::since_epoch), seconds);
        assert_eq!(moment(0), Seconds::EPOCH);
    }

    #[test]
    fn a_moment_that_there_may_be_takes_no_more_memory() {
        assert_eq!(size_of::<Option<Seconds>>(), size_of::<i64>());
    }
}
