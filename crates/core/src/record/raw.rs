//! What the annotations of a Pod say of some sets, as it stands. Anybody may write anything of sets that there are not, so that is
//! kept in as many bytes: it is written back whole with an upgrade, and read when a set of one of these names comes.

use super::carried::Annotations;
use crate::annotations::injected_list;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What annotations say of some sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawEntries {
    // Names, joined with commas.
    listed: Box<str>,
    // JSON objects with an entry for each set, or nothing.
    hashes: Box<str>,
    hashes_without_image: Box<str>,
    in_place: Box<str>,
}

/// The entries of an annotation by the names of their sets, as they stand.
type Entries<'a> = BTreeMap<String, &'a RawValue>;

impl RawEntries {
    /// Keeps what annotations say of these sets; nothing where they say nothing of them.
    pub(super) fn of(annotations: &Annotations<'_>, is_meant: impl Fn(&str) -> bool) -> Option<Box<Self>> {
        let listed: Vec<&str> = annotations.injected.iter().copied().filter(|name| is_meant(name)).collect();
        let raw = Self {
            listed: listed.join(",").into(),
            hashes: of_sets(annotations.hashes, &is_meant),
            hashes_without_image: of_sets(annotations.hashes_without_image, &is_meant),
            in_place: of_sets(annotations.in_place, &is_meant),
        };
        (raw != Self::default()).then(|| Box::new(raw))
    }

    /// Says whether something may be said of a set.
    pub(super) fn may_contain(&self, set: &str) -> bool {
        [&self.listed, &self.hashes, &self.hashes_without_image, &self.in_place].iter().any(|text| text.contains(set))
    }

    /// Returns it as the annotations in which it stood.
    pub(super) fn annotations(&self) -> Annotations<'_> {
        Annotations {
            injected: self.listed(),
            hashes: &self.hashes,
            hashes_without_image: &self.hashes_without_image,
            in_place: &self.in_place,
        }
    }

    /// Returns the names of the sets that are listed.
    pub(super) fn listed(&self) -> BTreeSet<&str> {
        injected_list(&self.listed)
    }

    /// Returns the entries of the annotation with the hash of each set.
    pub(super) fn hashes(&self) -> &str {
        &self.hashes
    }

    /// Returns the entries of the annotation with the hash of each set without images.
    pub(super) fn hashes_without_image(&self) -> &str {
        &self.hashes_without_image
    }

    /// Returns the entries of the annotation with the last upgrade of each set.
    pub(super) fn in_place(&self) -> &str {
        &self.in_place
    }
}

/// Returns the text of an annotation with entries that were read, and others as they stand.
pub(super) fn with_others<'a, T: Serialize + 'a>(
    read: impl IntoIterator<Item = (&'a Arc<str>, &'a T)>,
    others: &str,
) -> String {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Entry<'a, T> {
        Read(&'a T),
        Other(&'a RawValue),
    }
    let others = entries(others);
    let mut all: BTreeMap<&str, Entry<'_, T>> =
        others.iter().map(|(set, entry)| (set.as_str(), Entry::Other(entry))).collect();
    all.extend(read.into_iter().map(|(set, entry)| (&**set, Entry::Read(entry))));
    serde_json::to_string(&all).unwrap_or_default()
}

/// Returns the entries of an annotation that are about some sets, as an annotation; nothing where none is.
fn of_sets(annotation: &str, is_meant: impl Fn(&str) -> bool) -> Box<str> {
    let mut entries = entries(annotation);
    entries.retain(|set, _| is_meant(set));
    let text = (!entries.is_empty()).then(|| serde_json::to_string(&entries).unwrap_or_default());
    text.unwrap_or_default().into()
}

// An annotation that nobody can read says nothing, and is replaced with the next upgrade.
fn entries(annotation: &str) -> Entries<'_> {
    serde_json::from_str(annotation).unwrap_or_default()
}
