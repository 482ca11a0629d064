//! The tables and charts that are made of what was measured.

use super::idle::number;
use super::rollout::{Rollout, count};
use super::start::mebibytes;
use super::{Creation, Failing, Idle, Results, Start};
use crate::report::{Chart, Section, Series, Table};

/// Returns what is told of a run.
#[must_use]
pub fn sections(results: &Results) -> Vec<Section> {
    vec![
        Section { name: "creation", tables: vec![creations(&results.creations)], charts: Vec::new() },
        Section {
            name: "rollouts",
            tables: [rollouts(results), requests(results)]
                .into_iter()
                .chain(results.failing.iter().map(failing))
                .chain(failures(&results.failures))
                .collect(),
            charts: vec![progress(results)],
        },
        Section {
            name: "memory",
            tables: [starts(results)].into_iter().chain(results.idle.iter().map(idle)).collect(),
            charts: vec![memory(results)],
        },
    ]
}

/// Returns what could not be measured, where there is such a thing: a gap in a table is none to be overlooked.
fn failures(failures: &[String]) -> Option<Table> {
    let mut table = Table::new("What failed, and is missing above", ["scenario"]);
    for failure in failures {
        table.row(vec![failure.replace('|', "/")]);
    }
    (!failures.is_empty()).then_some(table)
}

fn creations(creations: &[Creation]) -> Table {
    let head = ["webhook", "p99 of the null webhook's", "Pod, KB", "at once", "Pods/s", "p50, ms", "p99, ms"];
    let mut table = Table::new("New Pods, end to end", head);
    let null = |to: &Creation| {
        let is_like = |it: &&Creation| it.webhook == "null" && it.kilobytes == to.kilobytes && it.at_once == to.at_once;
        creations.iter().find(is_like).map_or(f64::NAN, |null| to.p99 / null.p99)
    };
    for creation in creations {
        table.row(vec![
            creation.webhook.clone(),
            format!("{:.2} ×", null(creation)),
            creation.kilobytes.to_string(),
            creation.at_once.to_string(),
            format!("{:.0}", creation.rate),
            format!("{:.1}", creation.median),
            format!("{:.1}", creation.p99),
        ]);
    }
    table
}

fn rollouts(results: &Results) -> Table {
    let bare = mean(&results.bare);
    let title = format!("Rollouts, beside a bare client that patches {bare:.0} Pods/s");
    let head =
        ["rollout", "of the bare client's rate", "Pods/s", "last Pod patched, s", "all ready, s", "most unavailable"];
    let mut table = Table::new(title, head);
    for rollout in &results.rollouts {
        table.row(vec![
            label(rollout),
            format!("{:.0} %", 100.0 * rollout.rate / bare),
            format!("{:.0}", rollout.rate),
            format!("{:.1}", rollout.patched_after),
            format!("{:.1}", rollout.ready_after),
            rollout.most_unready.to_string(),
        ]);
    }
    table
}

fn requests(results: &Results) -> Table {
    let head = [
        "rollout",
        "requests/Pod",
        "image patches/Pod",
        "condition patches/Pod",
        "refused, of all",
        "status patches/s and set",
        "CPU/Pod, ms",
        "bytes out + in/Pod",
        "peak, MiB",
    ];
    let mut table = Table::new("What they cost", head);
    for rollout in &results.rollouts {
        let per_pod = |requests| format!("{:.2}", number(requests) / count(rollout.pods));
        let statuses = number(rollout.requests.set_statuses) / rollout.told_after / count(rollout.sets);
        table.row(vec![
            label(rollout),
            per_pod(rollout.requests.all),
            per_pod(rollout.requests.pods),
            per_pod(rollout.requests.pod_conditions),
            rollout.requests.refused.to_string(),
            format!("{statuses:.2}"),
            format!("{:.2}", rollout.cpu_per_pod),
            rollout.bytes_per_pod.map_or("-".to_owned(), |(sent, received)| format!("{sent:.0} + {received:.0}")),
            format!("{:.1}", mebibytes(rollout.memory.peak)),
        ]);
    }
    table
}

fn failing(failing: &Failing) -> Table {
    let mut table = Table::new("An image that does not exist", ["Pods", "budget", "broken", "repaired after, s"]);
    table.row(vec![
        failing.pods.to_string(),
        failing.max_unavailable.clone(),
        failing.broken.to_string(),
        format!("{:.1}", failing.repaired_after),
    ]);
    table
}

fn starts(results: &Results) -> Table {
    let head = ["Pods", "KiB/Pod", "start to ready, s", "resident, MiB", "after listing again, MiB", "peak, MiB"];
    let mut table = Table::new("Starts", head);
    let empty = empty(results);
    for start in &results.starts {
        let more = start.memory.resident.saturating_sub(empty);
        table.row(vec![
            start.pods.to_string(),
            if start.pods == 0 { "-".to_owned() } else { format!("{:.2}", number(more) / 1024.0 / count(start.pods)) },
            format!("{:.2}", start.seconds),
            format!("{:.1}", mebibytes(start.memory.resident)),
            start.later.map_or("-".to_owned(), |later| format!("{:.1}", mebibytes(later.resident))),
            format!("{:.1}", mebibytes(start.later.unwrap_or(start.memory).peak)),
        ]);
    }
    table
}

fn idle(idle: &Idle) -> Table {
    let mut table = Table::new("While nothing happens", ["Pods", "millicores", "wake-ups/s", "requests/min"]);
    table.row(vec![
        idle.pods.to_string(),
        format!("{:.2}", idle.millicores),
        format!("{:.1}", idle.wakeups),
        format!("{:.1}", idle.requests),
    ]);
    table
}

fn progress(results: &Results) -> Chart {
    // Those to the same Pods, which are the fewest.
    let of_one_set = || results.rollouts.iter().filter(|rollout| rollout.sets == 1 && rollout.name.is_empty());
    let pods = of_one_set().map(|rollout| rollout.pods).min().unwrap_or_default();
    let series = of_one_set().filter(|rollout| rollout.pods == pods).map(|rollout| Series {
        name: format!("maxUnavailable {}", rollout.max_unavailable),
        points: rollout.marks.iter().map(|mark| (mark.seconds, count(mark.ready))).collect(),
    });
    Chart {
        name: "rollout".to_owned(),
        title: format!("Pods upgraded over time, of {pods}"),
        across: "time, s".to_owned(),
        up: "Pods ready with the new image".to_owned(),
        is_logarithmic: false,
        series: series.collect(),
    }
}

fn memory(results: &Results) -> Chart {
    let line = |name: &str, of: fn(&Start) -> u64| Series {
        name: name.to_owned(),
        points: results.starts.iter().map(|start| (count(start.pods), mebibytes(of(start)))).collect(),
    };
    Chart {
        name: "memory".to_owned(),
        title: "Memory against Pods".to_owned(),
        across: "Pods".to_owned(),
        up: "MiB".to_owned(),
        is_logarithmic: false,
        series: vec![
            line("resident", |start| start.memory.resident),
            line("peak, also of later lists", |start| start.later.unwrap_or(start.memory).peak),
        ],
    }
}

fn label(rollout: &Rollout) -> String {
    let Rollout { name, sets, pods, max_unavailable, .. } = rollout;
    let what = if *sets == 1 { format!("{pods} Pods, {max_unavailable}") } else { format!("{pods} Pods, {sets} sets") };
    if name.is_empty() { what } else { format!("{what}: {name}") }
}

fn empty(results: &Results) -> u64 {
    results.starts.iter().find(|start| start.pods == 0).map_or(0, |start| start.memory.resident)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len()).max(1.0)
}
