//! What a Pod's annotations say about the SidecarSets injected into it, in the form that Kruise reads and writes.

mod entries;
mod hash;
mod hot;
mod in_place;
mod list;

pub use hash::{HashAnnotation, InjectedSet};
pub use hot::HotAnnotations;
pub use in_place::{InPlaceAnnotation, InPlaceState, LastStatus};
pub use list::SidecarList;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sidecarset_api::markers;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

/// A moment with the precision of Kubernetes' timestamps: seconds, in UTC, from [`Self::EARLIEST`] to [`Self::LATEST`]. What is
/// earlier or later counts as the first or the last of them, so that every moment can be written, whatever it was computed from.
// With the sign bit turned, which keeps the order and leaves a value that no timestamp has: that of none, where there may
// be none. So an optional moment, of which a Pod has several, takes no more memory than a moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(NonZeroU64);

// That of 0000-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_167_219_200;
// That of 9999-12-30T22:00:00Z, the last one that `Timestamp` has.
const LAST_SECOND: i64 = 253_402_207_200;

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

    /// The beginning of the year 0: a client written in Go reads no earlier year.
    pub const EARLIEST: Self = Self::at(FIRST_SECOND);

    /// The end of the year 9999, but for the hours in which that year is over somewhere on earth.
    pub const LATEST: Self = Self::at(LAST_SECOND);

    const SIGN: u64 = 1 << 63;

    const fn at(second: i64) -> Self {
        let second = match second {
            ..FIRST_SECOND => FIRST_SECOND,
            FIRST_SECOND..=LAST_SECOND => second,
            _ => LAST_SECOND,
        };
        match NonZeroU64::new(second.cast_unsigned() ^ Self::SIGN) {
            Some(turned) => Self(turned),
            // Only that of `i64::MIN` is zero.
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Reads a timestamp as an API server writes it. One beyond the years that can be written counts as the first or the last
    /// moment; nothing is returned where the text is no timestamp.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().map(Self::from).ok().or_else(|| beyond(text))
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

impl From<Seconds> for Timestamp {
    fn from(moment: Seconds) -> Self {
        Self::from_second(moment.since_epoch()).unwrap_or(Self::MAX)
    }
}

/// Reads a timestamp of a year that has more or fewer than the four digits that [`Timestamp`] reads, or of the last hours of 9999:
/// Go's encoder writes those too.
fn beyond(text: &str) -> Option<Seconds> {
    let (date, _) = text.split_once('T')?;
    let (is_before, year) = date.strip_prefix('-').map_or((false, date), |date| (true, date));
    let (year, _) = year.split_once('-').filter(|(year, _)| year.len() >= 4)?;
    if !year.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match (is_before, year.len() > 4 || year == "9999") {
        (true, _) => Some(Seconds::EARLIEST),
        (false, true) => Some(Seconds::LATEST),
        (false, false) => None,
    }
}

/// Reads a timestamp that there may be. One that is none says nothing: the object that it stands in is read nevertheless.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(Seconds::parse))
}

impl fmt::Debug for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Seconds({})", self.since_epoch())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Timestamp::from(*self))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format_args!("expected a timestamp, got {text:?}")))
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
    fn a_moment_beyond_all_years_that_can_be_written_is_the_first_or_the_last() {
        let last = "9999-12-30T22:00:00Z";
        for (text, written) in [
            ("9999-12-30T22:00:00Z", last),
            ("9999-12-31T23:59:59Z", last),
            ("10000-01-01T00:59:59Z", last),
            ("292277026596-12-04T15:30:07Z", last),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("-0001-12-31T01:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            let moment = Seconds::parse(text).unwrap();
            assert_eq!(serde_json::to_value(moment).unwrap(), written, "{text}");
            assert_eq!(serde_json::from_value::<Seconds>(text.into()).unwrap(), moment);
        }
        for text in ["", "T", "-T", "2026-13-01T00:00:00Z", "999-01-01T00:00:00Z", "1e999T", "10000T"] {
            assert_eq!(Seconds::parse(text), None, "{text}");
        }
    }

    #[test]
    fn time_that_is_added_or_taken_away_never_leads_out_of_the_years() {
        for moment in [Seconds::EARLIEST, Seconds::EPOCH, Seconds::LATEST] {
            for wait in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
                let later = moment.after(wait);
                assert!(later >= moment && later <= Seconds::LATEST);
                assert!(serde_json::to_string(&later).is_ok());
            }
        }
        assert_eq!(Seconds::LATEST.since(Seconds::EARLIEST).as_secs(), 315_569_426_400);
        assert_eq!(Seconds::EARLIEST.since(Seconds::LATEST), Duration::ZERO);
    }

    #[test]
    fn a_moment_that_there_may_be_takes_no_more_memory() {
        assert_eq!(size_of::<Option<Seconds>>(), size_of::<i64>());
    }
}
