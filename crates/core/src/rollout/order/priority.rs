//! Which Pods come first where the set says so.

use crate::normalize::{Priority, Weight};
use crate::record::PodRecord;
use crate::selection::Labels;
use std::cmp::Reverse;

/// Sorts waiting Pods by their priority. Those of one priority stay in the order in which they are.
pub(super) fn sort(priority: &Priority, waiting: &mut [&PodRecord]) {
    match priority {
        Priority::Unset => {}
        Priority::Weights(weights) => waiting.sort_by_cached_key(|pod| Reverse(sum(weights, pod))),
        Priority::OrderedKeys(keys) => waiting.sort_by_cached_key(|pod| level(keys, pod)),
    }
}

fn sum(weights: &[Weight], pod: &PodRecord) -> u64 {
    let matching = weights.iter().filter(|term| term.selector.matches(&*pod.labels));
    matching.map(|term| u64::from(term.weight)).sum()
}

// Pods without any of the keys come last, as Kruise documents it; there they come first.
fn level<'a>(keys: &[String], pod: &'a PodRecord) -> (usize, Reverse<TrailingNumber<'a>>) {
    let labels = keys.iter().map(|key| pod.labels.value(key));
    let first = labels.enumerate().find_map(|(level, value)| Some((level, value?)));
    let (level, value) = first.unwrap_or((keys.len(), ""));
    (level, Reverse(TrailingNumber::of(value)))
}

/// The number at the end of a text, 0 where there is none. It may have as many digits as a label.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TrailingNumber<'a> {
    // Without leading zeros, of two numbers the one with more digits is larger.
    length: usize,
    digits: &'a str,
}

impl<'a> TrailingNumber<'a> {
    fn of(text: &'a str) -> Self {
        let prefix = text.trim_end_matches(|character: char| character.is_ascii_digit());
        let digits = text[prefix.len()..].trim_start_matches('0');
        Self { length: digits.len(), digits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_counts_and_nothing_before_it() {
        let ascending = ["", "7-x", "x-0", "1", "sts-2", "3x007", "10", "1099511627776", "99999999999999999999999999"];

        let numbers = ascending.map(TrailingNumber::of);

        assert!(numbers.is_sorted(), "{numbers:?}");
        assert_eq!(numbers[0], numbers[2]);
        assert_eq!(TrailingNumber::of("a-007"), TrailingNumber::of("7"));
    }
}
