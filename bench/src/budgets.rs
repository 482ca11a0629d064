//! What was promised, and what was measured.

use crate::injection::{Pass, Webhook};
use crate::report::{Section, Table};
use crate::results::Results;

/// The combination that the budgets of reviews speak of.
const SETS: usize = 50;
const POD: usize = 20_000;
const CONNECTIONS: usize = 16;

/// One promise.
#[derive(Debug)]
struct Budget {
    what: &'static str,
    limit: Limit,
    unit: &'static str,
    measured: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// Returns what was promised, and what was measured.
#[must_use]
pub fn section(results: &Results) -> Section {
    let mut table = Table::new("Budgets", ["what", "budget", "measured", "met"]);
    for budget in reviews(results).into_iter().chain(controller(results)).chain(cluster(results)) {
        table.row(budget.told());
    }
    Section { name: "budgets", tables: vec![table], charts: Vec::new() }
}

fn reviews(results: &Results) -> Vec<Budget> {
    let ratio = |of: fn(&crate::injection::Cell) -> f64, bytes| {
        let injection = results.injection.as_ref()?;
        let ours = injection.cell(Webhook::Ours { sets: SETS }, Pass::First, bytes, CONNECTIONS)?;
        Some(of(ours) / of(injection.null(ours)?))
    };
    vec![
        Budget {
            what: "CPU of a review: 20 KB Pod, 50 sets, 16 connections",
            limit: Limit::AtMost(2.0),
            unit: "× null webhook",
            measured: ratio(crate::injection::Cell::cpu_per_review, POD),
        },
        Budget {
            what: "CPU of a review: 2 KB Pod, 50 sets, 16 connections",
            limit: Limit::AtMost(2.0),
            unit: "× null webhook",
            measured: ratio(crate::injection::Cell::cpu_per_review, POD / 10),
        },
        Budget {
            what: "p99 of a review: 20 KB Pod, 50 sets, 16 connections",
            limit: Limit::AtMost(2.0),
            unit: "× null webhook",
            measured: ratio(|cell| cell.latency.p99, POD),
        },
    ]
}

fn controller(results: &Results) -> Vec<Budget> {
    let controller = results.controller.as_ref();
    let starts = || controller.into_iter().flat_map(|controller| &controller.starts);
    let idle = controller.map(|controller| &controller.idle);
    let empty = starts().find(|start| start.world.pods == 0);
    let largest = starts().filter(|start| start.world.sets == 1).max_by_key(|start| start.world.pods);
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2⁵² bytes")]
    let per_pod = largest
        .zip(empty)
        .filter(|(largest, _)| largest.world.pods > 0)
        .map(|(largest, empty)| (largest.resident as f64 - empty.resident as f64) / largest.world.pods as f64);
    vec![
        Budget {
            what: "memory for each matched Pod, controller alone",
            limit: Limit::AtMost(1024.0),
            unit: "bytes",
            measured: per_pod,
        },
        Budget {
            what: "CPU while nothing happens, controller alone",
            limit: Limit::AtMost(1.0),
            unit: "millicores",
            measured: idle.map(|idle| idle.millicores),
        },
        Budget {
            what: "requests while nothing happens, controller alone",
            limit: Limit::AtMost(0.0),
            unit: "requests",
            #[expect(clippy::cast_precision_loss, reason = "a run has far fewer requests than 2⁵²")]
            measured: idle.map(|idle| idle.requests as f64),
        },
    ]
}

fn cluster(results: &Results) -> Vec<Budget> {
    let cluster = results.cluster.as_ref();
    let starts = || cluster.into_iter().flat_map(|cluster| &cluster.starts);
    let start = |pods| starts().find(|start| start.pods == pods);
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2⁵² bytes")]
    let empty = start(0).map(|start| start.memory.resident as f64 / (1024.0 * 1024.0));
    let idle = cluster.and_then(|cluster| cluster.idle.as_ref());
    // The first rollout of a Pod's life writes a condition too, so the second one is meant.
    let usual = cluster.and_then(|cluster| {
        let rollouts = cluster.rollouts.iter().filter(|rollout| rollout.sets == 1 && rollout.max_unavailable == "100%");
        rollouts.max_by_key(|rollout| (rollout.pods, rollout.requests.pod_conditions == 0))
    });
    let bare = cluster.map(|cluster| cluster.bare.iter().sum::<f64>() / count(cluster.bare.len()));
    let rate = usual.zip(bare).map(|(rollout, bare)| 100.0 * rollout.rate / bare);
    // Those that came after a write of the kubelet changed nothing, and were sent again.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer requests than 2⁵²")]
    let patches = usual.map(|rollout| (rollout.requests.pods - rollout.requests.refused) as f64 / count(rollout.pods));
    vec![
        Budget {
            what: "resident memory with no Pods, operator",
            limit: Limit::AtMost(20.0),
            unit: "MiB",
            measured: empty,
        },
        Budget {
            what: "start to ready with 10,000 Pods, operator",
            limit: Limit::AtMost(3.0),
            unit: "s",
            measured: start(10_000).map(|start| start.seconds),
        },
        Budget {
            what: "rate of a rollout, maxUnavailable 100 %",
            limit: Limit::AtLeast(90.0),
            unit: "% of a bare client's",
            measured: rate,
        },
        Budget {
            what: "accepted patches for each upgraded Pod",
            limit: Limit::AtMost(1.0),
            unit: "patches",
            measured: patches,
        },
        Budget {
            what: "CPU while nothing happens, operator",
            limit: Limit::AtMost(1.0),
            unit: "millicores",
            measured: idle.map(|idle| idle.millicores),
        },
    ]
}

#[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2⁵² of anything")]
fn count(things: usize) -> f64 {
    things as f64
}

impl Limit {
    fn is_kept(self, measured: f64) -> bool {
        match self {
            Self::AtMost(limit) => measured <= limit,
            Self::AtLeast(limit) => measured >= limit,
        }
    }

    fn told(self, unit: &str) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {} {unit}", rounded(limit)),
            Self::AtLeast(limit) => format!("≥ {} {unit}", rounded(limit)),
        }
    }
}

impl Budget {
    fn told(&self) -> Vec<String> {
        let (measured, met) = match self.measured {
            None => ("not measured".to_owned(), "–"),
            Some(measured) if self.limit.is_kept(measured) => (self.with_unit(measured), "yes"),
            Some(measured) => (self.with_unit(measured), "**no**"),
        };
        vec![self.what.to_owned(), self.limit.told(self.unit), measured, met.to_owned()]
    }

    fn with_unit(&self, measured: f64) -> String {
        format!("{} {}", rounded(measured), self.unit)
    }
}

/// Returns a number with as many digits as anybody looks at.
fn rounded(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= 100.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limit: Limit, measured: Option<f64>) -> [String; 3] {
        let [_, limit, measured, met] =
            Budget { what: "work", limit, unit: "× null", measured }.told().try_into().expect("there are four columns");
        [limit, measured, met]
    }

    #[test]
    fn a_budget_is_met_up_to_its_limit() {
        assert_eq!(told(Limit::AtMost(2.0), Some(2.0)), ["≤ 2 × null", "2 × null", "yes"]);
        assert_eq!(told(Limit::AtMost(2.0), Some(2.01)), ["≤ 2 × null", "2.01 × null", "**no**"]);
        assert_eq!(told(Limit::AtLeast(2.0), Some(2.0)), ["≥ 2 × null", "2 × null", "yes"]);
        assert_eq!(told(Limit::AtLeast(2.0), Some(1.5)), ["≥ 2 × null", "1.50 × null", "**no**"]);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert_eq!(told(Limit::AtMost(2.0), None), ["≤ 2 × null", "not measured", "–"]);
    }
}
