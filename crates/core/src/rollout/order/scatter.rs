//! Spreads the Pods of a label over the order, so that they are not all upgraded one after the other.

mod recipe;
mod sequence;

use crate::normalize::{ScatteredLabel, ScatteredValue};
use crate::record::PodRecord;
use crate::selection::Labels;
use recipe::{Counts, Recipe};
use sequence::Sequence;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The Pods with one value of one label.
#[derive(Debug, Default)]
struct Term {
    /// How many there are among all matched Pods.
    matched: usize,
    /// The places of those that wait, before anything was spread.
    waiting: Vec<usize>,
}

/// Spreads the Pods of each label in turn over the order in which Pods wait.
pub(super) fn spread<'a>(labels: &[ScatteredLabel], matched: &[&'a PodRecord], waiting: &mut Vec<&'a PodRecord>) {
    let terms = terms(labels, matched, waiting);
    if terms.is_empty() {
        return;
    }
    let mut sequence = Sequence::new(waiting.len());
    for term in terms {
        // As in Kruise: the last one stays behind all others, and is left out of the counts.
        let all = Counts { matching: term.matched - 1, others: matched.len() - term.matched };
        let rest = Counts { matching: term.waiting.len() - 1, others: waiting.len() - term.waiting.len() };
        let recipe = Recipe::of(all, rest);
        sequence.relocate(&term.waiting, |at| if at < rest.matching { recipe.before(at) } else { rest.others });
    }
    *waiting = sequence.into_order().map(|at| waiting[at]).collect();
}

/// Returns the terms that move anything, those with the most waiting Pods first, else as they were written, the
/// values that `*` stands for in their order.
fn terms(labels: &[ScatteredLabel], matched: &[&PodRecord], waiting: &[&PodRecord]) -> Vec<Term> {
    let mut of_key: BTreeMap<&str, BTreeMap<&str, Term>> = BTreeMap::new();
    let mut terms = Vec::new();
    for label in labels {
        // A value is taken out, so that one that is named beside `*` counts once.
        let values = of_key.entry(&label.key).or_insert_with_key(|key| by_value(key, matched, waiting));
        match &label.value {
            ScatteredValue::Each => terms.extend(std::mem::take(values).into_values()),
            ScatteredValue::One(value) => terms.extend(values.remove(value.as_str())),
        }
    }
    // As in Kruise: nothing is spread among nothing, and one Pod is not spread.
    terms.retain(|term| term.waiting.len() > 1 && waiting.len() - term.waiting.len() > 1);
    terms.sort_by_key(|term| Reverse(term.waiting.len()));
    terms
}

fn by_value<'a>(key: &str, matched: &[&'a PodRecord], waiting: &[&'a PodRecord]) -> BTreeMap<&'a str, Term> {
    let mut values: BTreeMap<&str, Term> = BTreeMap::new();
    for value in matched.iter().filter_map(|pod| pod.labels.value(key)) {
        values.entry(value).or_default().matched += 1;
    }
    for (at, pod) in waiting.iter().enumerate() {
        if let Some(value) = pod.labels.value(key) {
            values.entry(value).or_default().waiting.push(at);
        }
    }
    values
}
