//! Values of a Pod that are found by a text each, such as containers by their names.

use crate::json::{Json, Place};
use std::borrow::Cow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// For how many values there is room before anybody has counted them.
const SOME: usize = 64;

/// A value by where it is. There may be as many as a Pod has room for, so each is noted in little space.
pub(super) trait Noted: Copy {
    /// Returns where it is.
    fn place(self) -> Place;

    /// Returns what it is found by. `document` is any value of the document in which it is.
    fn text(self, document: Json<'_>) -> Cow<'_, str>;
}

/// Values by their texts. However many there are and however long their texts, each text is read once, and again only where somebody
/// looks for just that.
#[derive(Debug)]
pub(super) struct Index<'a, T> {
    document: Json<'a>,
    // In the order of the hashes, and of one hash in that of the document.
    entries: Box<[Entry<T>]>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<T> {
    // Of the text. It is the same in every run, so that nothing depends on chance.
    hash: u64,
    value: T,
}

impl<'a, T: Noted> Index<'a, T> {
    /// Notes values of a document, of which there are at most so many.
    pub(super) fn of(document: Json<'a>, most: usize, values: impl Iterator<Item = T> + Clone) -> Self {
        // With room for all of them, and nothing beside. Of a list of very many few may be values.
        let mut entries = Vec::with_capacity(if most <= SOME { most } else { values.clone().count() });
        entries.extend(values.map(|value| Entry { hash: hash(&value.text(document)), value }));
        entries.sort_unstable_by_key(|entry| (entry.hash, entry.value.place()));
        Self { document, entries: entries.into_boxed_slice() }
    }

    /// Returns all values with their texts, in no order that says anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, T)> {
        self.entries.iter().map(|entry| (entry.value.text(self.document), entry.value))
    }

    /// Returns the values of a text in the order of the document.
    pub(super) fn find(&self, text: &str) -> impl DoubleEndedIterator<Item = T> {
        let of_hash = if self.entries.is_empty() { &[] } else { self.of_hash(hash(text)) };
        of_hash.iter().map(|entry| entry.value).filter(move |value| value.text(self.document) == text)
    }

    /// Returns the first value of each text, in the order of the document.
    pub(super) fn firsts(self) -> Box<[T]> {
        let text = |entry: &Entry<T>| entry.value.text(self.document);
        // More than one only if two texts have the same hash.
        let mut firsts_of_hash: Vec<Entry<T>> = Vec::new();
        let mut entries = self.entries.into_vec();
        entries.retain(|entry| {
            firsts_of_hash.retain(|first| first.hash == entry.hash);
            let is_first = !firsts_of_hash.iter().any(|first| text(first) == text(entry));
            if is_first {
                firsts_of_hash.push(*entry);
            }
            is_first
        });
        let mut firsts: Box<[T]> = entries.into_iter().map(|entry| entry.value).collect();
        firsts.sort_unstable_by_key(|value| value.place());
        firsts
    }

    fn of_hash(&self, hash: u64) -> &[Entry<T>] {
        let from = self.entries.partition_point(|entry| entry.hash < hash);
        let of_hash = self.entries.get(from..).unwrap_or_default();
        of_hash.get(..of_hash.partition_point(|entry| entry.hash == hash)).unwrap_or_default()
    }
}

fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
