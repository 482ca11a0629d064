//! Scattering step by step, with whole lists and floating-point numbers.

use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

fn has(labels: &Labels, (key, value): &(String, String)) -> bool {
    labels.get(key) == Some(value)
}

/// Returns terms without wildcards, each once.
fn expanded(terms: &[(String, String)], matched: &[Labels]) -> Vec<(String, String)> {
    let mut expanded: Vec<(String, String)> = Vec::new();
    for (key, value) in terms {
        let mut values: Vec<&String> = matched.iter().filter_map(|labels| labels.get(key)).collect();
        values.sort();
        let values = if value == "*" { values } else { vec![value] };
        for value in values {
            let term = (key.clone(), value.clone());
            if !expanded.contains(&term) {
                expanded.push(term);
            }
        }
    }
    expanded
}

fn number_and_sizes(x: usize, y: usize) -> (usize, usize, usize) {
    let number = x.min(y);
    let size = |count: usize| (count as f64 / number as f64).round() as usize;
    (number, size(x), size(y))
}

/// Spreads one term over the waiting Pods.
fn apply(term: &(String, String), matched: &[Labels], waiting: Vec<usize>) -> Vec<usize> {
    let (mut matching, mut others): (Vec<usize>, Vec<usize>) =
        waiting.iter().partition(|pod| has(&matched[**pod], term));
    if matching.len() <= 1 || others.len() <= 1 {
        return waiting;
    }
    let reserved = matching.pop().unwrap();
    let all_matching = matched.iter().filter(|labels| has(labels, term)).count();
    let (all_matching, all_others) = (all_matching - 1, matched.len() - all_matching);
    let (m, n) = (matching.len(), others.len());
    let mut order = Vec::new();
    let (number, of_matching, of_others) = if all_others as f64 / all_matching as f64 >= n as f64 / m as f64 {
        number_and_sizes(m, n)
    } else {
        let (_, of_matching, of_others) = number_and_sizes(all_matching, all_others);
        let number = (m / of_matching).min(n / of_others);
        order.extend(others.drain(..n - number * of_others));
        (number, of_matching, of_others)
    };
    for _ in 0..number {
        order.extend(matching.drain(..of_matching.min(matching.len())));
        order.extend(others.drain(..of_others.min(others.len())));
    }
    order.extend(matching);
    order.extend(others);
    order.push(reserved);
    order
}

/// Returns the Pods that wait, by their places in `matched`, spread over the order in which they are.
pub fn scatter(terms: &[(String, String)], matched: &[Labels], waiting: Vec<usize>) -> Vec<usize> {
    let mut terms = expanded(terms, matched);
    if terms.len() > 1 {
        let count = |term: &(String, String)| waiting.iter().filter(|pod| has(&matched[**pod], term)).count();
        terms.retain(|term| count(term) > 0);
        terms.sort_by_key(|term| std::cmp::Reverse(count(term)));
    }
    terms.iter().fold(waiting, |waiting, term| apply(term, matched, waiting))
}
