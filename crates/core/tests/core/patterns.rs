//! Regular expressions, compared with what Go makes of them.

use sidecarset_core::normalize::ContainerNames;

/// Names of which each regular expression matches some.
const NAMES: [&str; 16] =
    ["", "a", "b", "ab", "ba", "A", "web", "WEB-1", "web_2", "x.y/z", "k", "s", "7", " ", "a{2}", "a-b\\c]^$"];

/// Each line is an expression and, where Go takes it, which of the names it matches: one bit for each, the first one the
/// lowest. The expressions are random, and the answers those of Go's `regexp`.
const VECTORS: &str = include_str!("../vectors/patterns.tsv");

#[test]
fn an_expression_is_read_as_go_reads_it() {
    let mut others = Vec::new();
    for line in VECTORS.lines() {
        let (expression, expected) = line.split_once('\t').unwrap();

        let found = ContainerNames::parse(expression).map(|pattern| {
            let bits = NAMES.iter().enumerate().map(|(at, name)| u32::from(pattern.matches(name)) << at);
            bits.sum::<u32>().to_string()
        });

        if found.as_deref().unwrap_or("-") != expected {
            others.push(format!("{expression}: {found:?}, and not {expected}"));
        }
    }
    assert!(others.is_empty(), "{}\n{}", others.len(), others[..others.len().min(20)].join("\n"));
    assert!(VECTORS.lines().count() >= 3000);
}
