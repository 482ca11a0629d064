//! Random histories of a small cluster, with everything that goes wrong on a real one, around the driver,
//! which is the very one that the operator drives: what must hold at each step does, and whatever happened, the rollout ends
//! once it is over.
//!
//! `SIMULATION_HISTORIES` says how many histories are tried, and `SIMULATION_SEED` tries a single one.

mod api_server;
mod chance;
mod history;
mod kubelet;
mod release;
mod truth;
mod world;

use chance::Chance;
use history::{Chaos, History};
use release::Release;
use serde_json::Value;
use sidecarset_core::rollout::{self, Hold};
use std::time::Duration;
use truth::{Outcome, allowed, ensure, is_matched, record};
use world::World;

/// Where all Pods are.
const NAMESPACE: &str = "shop";

const MINUTES: Duration = Duration::from_secs(180);

fn asked(variable: &str) -> Option<u64> {
    let number = std::env::var(variable).ok()?;
    Some(number.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Tries a claim on many histories. One that breaks it is made shorter and told with all that happened in it.
fn on_many_histories(few: u64, claim: impl Fn(&History, &mut World) -> Outcome) {
    let seeds = match asked("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("SIMULATION_HISTORIES").unwrap_or(few),
    };
    for seed in seeds {
        let history = History::of(seed);
        let is_broken = |history: &History| claim(history, &mut World::new(history, false)).is_err();
        if is_broken(&history) {
            let history = shortened(history, is_broken);
            let mut world = World::new(&history, true);
            let broken = claim(&history, &mut world).expect_err("the same history does the same");
            let trace = world.trace.take().unwrap_or_default().join("\n");
            panic!("SIMULATION_SEED={seed}: {broken}\n{} pods, {:?}\n{trace}", history.pods, history.first);
        }
    }
}

/// Leaves out what can be left out.
fn shortened(mut history: History, is_broken: impl Fn(&History) -> bool) -> History {
    let mut length = history.events.len();
    while length > 0 {
        let mut at = 0;
        while at + length <= history.events.len() {
            let shorter = history.without(at, at + length);
            if is_broken(&shorter) { history = shorter } else { at += 1 }
        }
        length /= 2;
    }
    history
}

fn last_release(history: &History) -> &Release {
    let releases = history.events.iter().rev().filter_map(|(_, chaos)| match chaos {
        Chaos::Release(release) => Some(release),
        _ => None,
    });
    releases.into_iter().next().unwrap_or(&history.first)
}

fn matched(world: &World) -> Vec<&Value> {
    world.api.pods().filter(|pod| is_matched(pod)).collect()
}

fn condition(world: &World, kind: &str) -> (String, String) {
    let mut conditions = world.object.status.iter().flat_map(|status| &status.conditions);
    let condition = conditions.find(|condition| condition.type_ == kind);
    condition.map(|it| (it.status.clone(), it.reason.clone())).unwrap_or_default()
}

/// Whatever is outdated has a reason that only a person can end.
fn everything_is_done_or_waits_for_a_person(world: &mut World) -> Outcome {
    let set = &world.set;
    let records: Vec<_> = matched(world).into_iter().filter_map(record).collect();
    let plan = rollout::plan(set, &records.iter().collect::<Vec<_>>(), world.wall());
    ensure(plan.upgrades.is_empty() && plan.flips.is_empty(), || format!("{plan:?} is not done"))?;
    for (pod, hold) in &plan.holds {
        ensure(!hold.is_passing(), || format!("{pod} waits for ever: {hold:?}"))?;
    }
    let kept = set.rollout.partition.rounded_up(u32::try_from(records.len()).unwrap_or(u32::MAX)) as usize;
    ensure(plan.held(Hold::Partition) <= kept, || format!("more than {kept} stay behind the partition"))?;
    let status = world.object.status.clone().unwrap_or_default();
    ensure(status.observed_generation == world.object.metadata.generation, || "the status is of the past".to_owned())?;
    let updated = records.iter().filter(|pod| rollout::is_updated(set, pod)).count();
    let counts = (status.matched_pods, status.updated_pods);
    ensure(counts == (as_count(records.len()), as_count(updated)), || {
        format!("the status says {counts:?}, and not {updated} of {}", records.len())
    })
}

fn as_count(pods: usize) -> i32 {
    i32::try_from(pods).unwrap_or(i32::MAX)
}

/// Every Pod that can be upgraded is, is ready, and the status says so.
fn everything_is_upgraded(world: &mut World) -> Outcome {
    everything_is_done_or_waits_for_a_person(world)?;
    let records: Vec<_> = matched(world).into_iter().filter_map(record).collect();
    let (mut updated, mut waits) = (0, 0);
    for pod in &records {
        updated += usize::from(rollout::is_updated(&world.set, pod) && rollout::is_ready(&world.set, pod));
        waits += usize::from(!rollout::is_updated(&world.set, pod));
    }
    ensure(updated + waits == records.len(), || format!("{updated} of {} are updated and ready", records.len()))?;
    let status = world.object.status.clone().unwrap_or_default();
    let counts = (status.updated_ready_pods, status.not_upgradable_pods);
    ensure(counts == (as_count(updated), as_count(waits)), || {
        format!("the status says {counts:?}, and not {:?}", (updated, waits))
    })?;
    let (progressing, reason) = condition(world, "Progressing");
    let expected = if waits > 0 { "NotUpgradable" } else { "Complete" };
    ensure(progressing == "False" && reason == expected, || format!("the status says {reason}"))
}

#[test]
fn whatever_happened_a_rollout_ends_and_nothing_was_done_on_its_way_that_must_not_be() {
    on_many_histories(200, |history, world| {
        let last = last_release(history);
        world.run()?;
        world.calm(MINUTES)?;
        if !last.is_bad() {
            everything_is_done_or_waits_for_a_person(world)?;
        }
        world.release(&last.mended(&mut Chance::new(history.seed)));
        world.calm(MINUTES)?;
        everything_is_upgraded(world)?;

        let writes = world.writes;
        world.calm(MINUTES)?;
        ensure(world.writes == writes, || "there are writes although everything is done".to_owned())
    });
}

#[test]
fn an_image_that_never_starts_stops_a_rollout_within_its_budget_and_the_next_good_one_repairs_it() {
    on_many_histories(100, |history, world| {
        let chance = &mut Chance::new(history.seed);
        let last = last_release(history);
        world.run()?;
        world.calm(MINUTES)?;
        let good = last.mended(chance);
        world.release(&good);
        world.calm(MINUTES)?;

        let bad = good.broken(chance);
        world.release(&bad);
        world.calm(MINUTES)?;
        let pods = matched(world);
        let is_updated = |pod: &Value| record(pod).is_some_and(|record| rollout::is_updated(&world.set, &record));
        let touched = pods.iter().filter(|pod| is_updated(pod) && !kubelet::is_undisturbed(pod)).count();
        let allowed = allowed(&world.set, pods.len());
        ensure(touched <= allowed, || format!("{touched} pods have the bad image, {allowed} may"))?;

        world.release(&bad.mended(chance));
        world.calm(MINUTES)?;
        everything_is_upgraded(world)
    });
}
