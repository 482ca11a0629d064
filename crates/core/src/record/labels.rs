//! The labels of a Pod, in hardly more memory than their texts take: anybody may put as many of them onto a Pod as it can hold.

use crate::selection::Labels;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The labels of a Pod.
// Keys and values one after the other, in the order of the keys, and where each of them ends. Texts of their own, and pointers to
// them, would take ten times as much as a short label has letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodLabels {
    texts: Box<str>,
    ends: Box<[End]>,
}

/// Where a key and its value end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    key: u32,
    value: u32,
}

impl PodLabels {
    /// Returns those of an object. What is beyond 4 GiB, which no object has, is left out.
    #[must_use]
    pub fn of(labels: Option<&BTreeMap<String, String>>) -> Self {
        let Some(labels) = labels else { return Self::default() };
        let mut texts = String::with_capacity(labels.iter().map(|(key, value)| key.len() + value.len()).sum());
        let mut ends = Vec::with_capacity(labels.len());
        for (key, value) in labels {
            texts.push_str(key);
            let key = u32::try_from(texts.len());
            texts.push_str(value);
            let (Ok(key), Ok(value)) = (key, u32::try_from(texts.len())) else { break };
            ends.push(End { key, value });
        }
        Self { texts: texts.into(), ends: ends.into() }
    }

    fn pair(&self, at: usize) -> Option<(&str, &str)> {
        let end = self.ends.get(at)?;
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |before| before.value);
        let text = |from: u32, to: u32| self.texts.get(from as usize..to as usize);
        Some((text(begin, end.key)?, text(end.key, end.value)?))
    }
}

impl Labels for PodLabels {
    fn value(&self, key: &str) -> Option<&str> {
        let (mut from, mut to) = (0, self.ends.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            let (known, value) = self.pair(middle)?;
            match known.cmp(key) {
                Ordering::Equal => return Some(value),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        (0..self.ends.len()).filter_map(|at| self.pair(at)).map(|(key, value)| (key.into(), value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> PodLabels {
        let map = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        PodLabels::of(Some(&map))
    }

    #[test]
    fn each_label_is_found_by_its_key_and_no_other_is() {
        let pairs = [("a", "1"), ("ab", ""), ("b", "a"), ("bb", "ä"), ("c", "")];

        for count in 0..=pairs.len() {
            let known = labels(&pairs[..count]);
            assert!(known.pairs().eq(pairs[..count].iter().map(|(key, value)| ((*key).into(), (*value).into()))));
            assert!(pairs[..count].iter().all(|(key, value)| known.value(key) == Some(value)));
            for other in ["", "0", "aa", "a1", "ba", "cc", "z"] {
                assert_eq!(known.value(other), None, "{other} of {count}");
            }
        }
    }

    #[test]
    fn labels_that_are_divided_otherwise_are_other_labels() {
        assert_ne!(labels(&[("ab", "c")]), labels(&[("a", "bc")]));
        assert_eq!(labels(&[("b", "1"), ("a", "2")]), labels(&[("a", "2"), ("b", "1")]));
        assert_eq!(PodLabels::of(None), labels(&[]));
    }
}
