//! Whether the paths still cost what was recorded.

use super::{CATALOGUE, Cost, Fit, Record};
use std::collections::BTreeSet;
use std::fmt;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Instructions of the processor.
    Instructions,
    /// How often memory is asked for.
    Allocations,
    /// How many bytes that is.
    Bytes,
    /// The bytes that are kept of a Pod.
    Kept,
}

/// Something that is not as it was recorded, or not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// A path costs more, or less, than the tolerance allows.
    Changed {
        /// Which, with its size.
        what: String,
        /// What was counted.
        measure: Measure,
        /// How much that was.
        recorded: u64,
        /// How much it is.
        measured: u64,
    },
    /// Nothing was recorded of a path.
    Unrecorded(String),
    /// There is no such path any more.
    Gone(String),
    /// The cost of a path grows faster than it may.
    Grows {
        /// Which.
        path: &'static str,
        /// The exponent of its whole cost.
        exponent: f64,
        /// The exponent of what is added.
        marginal: Option<f64>,
        /// How it may grow.
        allowed: &'static str,
    },
}

impl Measure {
    /// Returns the parts in a thousand by which it may differ, and by how much in any case.
    // Allocations are exact. Instructions depend a little on where things lie in memory.
    fn tolerance(self) -> (u64, u64) {
        match self {
            Self::Instructions => (20, 100),
            Self::Allocations => (10, 1),
            Self::Bytes | Self::Kept => (20, 16),
        }
    }

    fn is_near(self, recorded: u64, measured: u64) -> bool {
        let (share, least) = self.tolerance();
        recorded.abs_diff(measured) <= (recorded * share / 1000).max(least)
    }

    fn of(self, cost: Cost) -> u64 {
        match self {
            Self::Instructions => cost.instructions,
            Self::Allocations => cost.allocations,
            Self::Bytes | Self::Kept => cost.bytes,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Bytes => "bytes allocated",
            Self::Kept => "bytes kept",
        }
    }
}

impl Finding {
    /// Says whether a path costs less than was recorded.
    #[must_use]
    pub fn is_improvement(&self) -> bool {
        match self {
            Self::Changed { recorded, measured, .. } => measured < recorded,
            Self::Unrecorded(_) | Self::Gone(_) | Self::Grows { .. } => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { what, measure, recorded, measured } => {
                let (unit, change) = (measure.unit(), change(*recorded, *measured));
                write!(out, "{what}: {measured} {unit}, where {recorded} were recorded ({change})")
            }
            Self::Unrecorded(what) => write!(out, "{what}: nothing was recorded of it"),
            Self::Gone(what) => write!(out, "{what}: it was recorded and is not measured any more"),
            Self::Grows { path, exponent, marginal, allowed } => {
                write!(out, "{path}: its cost grows with the exponent {exponent:.2}")?;
                if let Some(marginal) = marginal {
                    write!(out, " ({marginal:.2} without its fixed part)")?;
                }
                write!(out, ", and should be {allowed}")
            }
        }
    }
}

/// Returns a change in percent, with its sign.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "nothing is counted to sixteen digits")]
pub fn change(before: u64, after: u64) -> String {
    format!("{:+.1} %", (after as f64 / before.max(1) as f64 - 1.0) * 100.0)
}

/// Compares what was measured with what was recorded. Instructions are those of a compiler: with another one they are not
/// compared.
#[must_use]
pub fn compare(recorded: &Record, measured: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, size) in places(recorded).union(&places(measured)) {
        let what = format!("{path} at {size}");
        match (recorded.cost(path, *size), measured.cost(path, *size)) {
            (Some(before), Some(now)) => {
                let is_comparable = recorded.compiler == measured.compiler;
                let instructions = is_comparable.then_some(Measure::Instructions);
                let measures = instructions.into_iter().chain([Measure::Allocations, Measure::Bytes]);
                findings.extend(measures.filter_map(|it| changed(&what, it, it.of(before), it.of(now))));
            }
            (None, Some(_)) => findings.push(Finding::Unrecorded(what)),
            (Some(_), None) => findings.push(Finding::Gone(what)),
            (None, None) => {}
        }
    }
    findings.extend(compare_records(recorded, measured));
    findings
}

/// Returns the paths whose cost grows faster than it may.
#[must_use]
pub fn growing(measured: &Record) -> Vec<Finding> {
    let fits = CATALOGUE.iter().filter_map(|path| Some((path, Fit::of(&measured.instructions(path.name))?)));
    let growing = fits.filter(|(path, fit)| !path.growth.is_met(fit));
    let finding = growing.map(|(path, fit)| Finding::Grows {
        path: path.name,
        exponent: fit.exponent,
        marginal: fit.marginal,
        allowed: path.growth.word(),
    });
    finding.collect()
}

fn places(record: &Record) -> BTreeSet<(&str, usize)> {
    record.paths.iter().flat_map(|(path, costs)| costs.keys().map(|size| (path.as_str(), *size))).collect()
}

fn changed(what: &str, measure: Measure, recorded: u64, measured: u64) -> Option<Finding> {
    let is_near = measure.is_near(recorded, measured);
    (!is_near).then(|| Finding::Changed { what: what.to_owned(), measure, recorded, measured })
}

fn compare_records(recorded: &Record, measured: &Record) -> Vec<Finding> {
    let names: BTreeSet<&String> = recorded.pod_records.keys().chain(measured.pod_records.keys()).collect();
    let compared = names.into_iter().filter_map(|name| {
        let what = format!("the record of a Pod of {name}");
        match (recorded.pod_records.get(name), measured.pod_records.get(name)) {
            (Some(before), Some(now)) => changed(&what, Measure::Kept, *before, *now),
            (None, Some(_)) => Some(Finding::Unrecorded(what)),
            (Some(_), None) => Some(Finding::Gone(what)),
            (None, None) => None,
        }
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(instructions: u64, allocations: u64) -> Record {
        let mut record = Record { compiler: "rustc 1.95.0".to_owned(), ..Record::default() };
        *record.cost_mut("review/bytes", 20_000) = Cost { instructions, allocations, bytes: 4_000 };
        record
    }

    fn told(recorded: &Record, measured: &Record) -> Vec<String> {
        compare(recorded, measured).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_that_got_slower_is_told_with_how_much() {
        assert_eq!(
            told(&record(1_000_000, 500), &record(1_100_000, 500)),
            ["review/bytes at 20000: 1100000 instructions, where 1000000 were recorded (+10.0 %)"]
        );
    }

    #[test]
    fn a_path_that_got_faster_is_told_too_and_known_as_an_improvement() {
        let findings = compare(&record(1_000_000, 500), &record(900_000, 500));

        assert_eq!(findings.len(), 1);
        assert!(findings[0].is_improvement());
    }

    #[test]
    fn what_is_within_the_tolerance_is_not_told() {
        assert_eq!(told(&record(1_000_000, 500), &record(1_020_000, 505)), [""; 0]);
        assert_eq!(told(&record(1_000, 5), &record(1_100, 6)), [""; 0]);
    }

    #[test]
    fn a_few_more_allocations_are_told() {
        assert_eq!(
            told(&record(1_000_000, 500), &record(1_000_000, 506)),
            ["review/bytes at 20000: 506 allocations, where 500 were recorded (+1.2 %)"]
        );
    }

    #[test]
    fn instructions_of_another_compiler_are_not_compared_and_allocations_are() {
        let measured = Record { compiler: "rustc 1.96.0".to_owned(), ..record(2_000_000, 600) };

        assert_eq!(
            told(&record(1_000_000, 500), &measured),
            ["review/bytes at 20000: 600 allocations, where 500 were recorded (+20.0 %)"]
        );
    }

    #[test]
    fn a_path_that_is_new_or_gone_is_told() {
        let (mut recorded, mut measured) = (record(1_000, 5), record(1_000, 5));
        recorded.pod_records.insert("1 set".to_owned(), 700);
        measured.cost_mut("parse/bytes", 2_000);

        assert_eq!(
            told(&recorded, &measured),
            [
                "parse/bytes at 2000: nothing was recorded of it",
                "the record of a Pod of 1 set: it was recorded and is not measured any more"
            ]
        );
    }

    #[test]
    fn a_record_that_takes_more_of_memory_is_told() {
        let (mut recorded, mut measured) = (record(1_000, 5), record(1_000, 5));
        recorded.pod_records.insert("1 set".to_owned(), 700);
        measured.pod_records.insert("1 set".to_owned(), 770);

        assert_eq!(
            told(&recorded, &measured),
            ["the record of a Pod of 1 set: 770 bytes kept, where 700 were recorded (+10.0 %)"]
        );
    }

    #[test]
    fn a_path_that_grows_with_sets_that_do_not_match_is_told() {
        let mut measured = Record::default();
        for sets in [1, 10, 100, 500, 2_000] {
            measured.cost_mut("select/sets", sets).instructions = 1_000 + 50 * sets as u64;
        }

        let findings = growing(&measured);

        assert!(
            matches!(findings.as_slice(), [Finding::Grows { path: "select/sets", allowed: "independent", .. }]),
            "{findings:?}"
        );
    }
}
