//! The tables of what was measured of the controller.

use super::{Changes, Results, Start, What, World};
use crate::paths::growth;
use crate::report::{Section, Table};
use std::time::Duration;

/// With fewer Pods, what does not depend on them is all that there is.
const FEW: usize = 500;

const MIB: f64 = 1024.0 * 1024.0;

/// Tells what was measured.
#[must_use]
pub fn sections(results: &Results) -> Vec<Section> {
    let tables =
        vec![starts(results), memory(results), changes(results), idle(results), rollouts(results), growing(results)];
    vec![Section { name: "controller", tables, charts: Vec::new() }]
}

fn starts(results: &Results) -> Table {
    let mut table = Table::new(
        "The controller: start",
        ["Pods, sets", "ready ms", "CPU ms", "CPU µs per Pod", "resident MiB", "peak MiB"],
    );
    for start in &results.starts {
        table.row(vec![
            name(start.world),
            millis(start.ready),
            millis(start.cpu),
            format!("{:.1}", start.cpu.as_secs_f64() * 1e6 / start.world.pods.max(1) as f64),
            format!("{:.1}", start.resident as f64 / MIB),
            format!("{:.1}", start.peak as f64 / MIB),
        ]);
    }
    table
}

fn memory(results: &Results) -> Table {
    let mut table = Table::new(
        "The controller: memory after three more lists",
        ["Pods, sets", "resident MiB", "peak MiB", "bytes per Pod"],
    );
    let none = results.starts.iter().find(|start| start.world.pods == 0);
    for start in &results.starts {
        let bytes = none.and_then(|none| bytes_per_pod(start, none));
        table.row(vec![
            name(start.world),
            format!("{:.1}", start.resident_after_lists as f64 / MIB),
            format!("{:.1}", start.peak_after_lists as f64 / MIB),
            bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes:.0}")),
        ]);
    }
    table
}

fn changes(results: &Results) -> Table {
    let mut table = Table::new(
        "The controller: a hundred Pods change in a second",
        ["Pods, sets", "what changes", "CPU µs per change", "status writes per second"],
    );
    for change in &results.changes {
        table.row(vec![
            name(change.world),
            what(change).to_owned(),
            format!("{:.0}", change.cpu.as_secs_f64() * 1e6),
            format!("{:.2}", change.writes_per_second),
        ]);
    }
    table
}

fn idle(results: &Results) -> Table {
    let idle = results.idle;
    let title = format!("The controller: nothing happens, {}", name(idle.world));
    let mut table = Table::new(title, ["millicores", "wake-ups per second", "requests"]);
    table.row(vec![
        format!("{:.2}", idle.millicores),
        format!("{:.1}", idle.wakeups_per_second),
        idle.requests.to_string(),
    ]);
    table
}

fn rollouts(results: &Results) -> Table {
    let mut table = Table::new(
        "The controller: all Pods are upgraded",
        ["Pods, sets", "CPU µs per Pod", "requests per Pod", "seconds", "peak MiB"],
    );
    for rollout in &results.rollouts {
        table.row(vec![
            name(rollout.world),
            format!("{:.0}", rollout.cpu.as_secs_f64() * 1e6),
            format!("{:.2}", rollout.requests),
            format!("{:.1}", rollout.time.as_secs_f64()),
            format!("{:.1}", rollout.peak as f64 / MIB),
        ]);
    }
    table
}

/// With which power of the number of Pods in one set each cost grows.
fn growing(results: &Results) -> Table {
    let mut table = Table::new("The controller: growth with the Pods of one set", ["what", "exponent"]);
    let is_meant = |world: World| world.sets == 1 && world.pods >= FEW;
    let starts = || results.starts.iter().filter(|start| is_meant(start.world));
    let at_start = |cost: fn(&Start) -> f64| starts().map(|it| (it.world.pods as f64, cost(it))).collect::<Vec<_>>();
    let changes = results.changes.iter().filter(|it| is_meant(it.world) && it.what == What::Readiness);
    let rows = [
        ("CPU of a start", at_start(|start| start.cpu.as_secs_f64())),
        ("resident memory", at_start(|start| start.resident_after_lists as f64)),
        ("CPU of a change", changes.map(|it| (it.world.pods as f64, it.cpu.as_secs_f64())).collect()),
    ];
    for (what, points) in rows {
        table.row(vec![
            what.to_owned(),
            growth::exponent(&points).map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
        ]);
    }
    table
}

/// Returns how much more memory each Pod took than where there are none.
fn bytes_per_pod(start: &Start, none: &Start) -> Option<f64> {
    let more = start.resident_after_lists.checked_sub(none.resident_after_lists)?;
    (start.world.pods > 0).then(|| more as f64 / start.world.pods as f64)
}

fn name(world: World) -> String {
    match world.sets {
        0 => format!("{}, of no set", world.pods),
        sets => format!("{}, {sets}", world.pods),
    }
}

fn what(changes: &Changes) -> &'static str {
    match changes.what {
        What::Readiness => "readiness",
        What::Irrelevant => "nothing asked about",
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(pods: usize, bytes: u64) -> Start {
        Start {
            world: World { pods, sets: 1 },
            ready: Duration::ZERO,
            resident: 0,
            peak: 0,
            cpu: Duration::ZERO,
            resident_after_lists: bytes,
            peak_after_lists: bytes,
        }
    }

    #[test]
    fn a_pod_takes_what_there_is_more_than_without_pods() {
        assert_eq!(bytes_per_pod(&start(1_000, 11_000_000), &start(0, 10_000_000)), Some(1_000.0));
    }

    #[test]
    fn without_pods_nothing_is_said_of_one() {
        assert_eq!(bytes_per_pod(&start(0, 10), &start(0, 10)), None);
    }
}
