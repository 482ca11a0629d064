//! Containers that end again and again. Each of their starts looks like success for a moment, and no one of them must be
//! believed: a rollout would go from Pod to Pod with them.

use super::consistency::{sidecars, upgraded_at};
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Ailment, ContainerRecord, PodRecord, ShortRun};
use std::time::Duration;

/// For how long a container has to run after a short run before it counts as running.
const SETTLED: Duration = Duration::from_secs(30);

/// By how much a clock may be behind that of a node. A start that is further in the future than that was told before a clock
/// jumped back, and nobody knows when it was.
pub(super) const BEHIND: Duration = Duration::from_secs(300);

/// Says whether a Pod still counts as unavailable because a sidecar has ended soon after it had started, and runs again.
#[must_use]
pub fn has_unsettled(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> bool {
    unsettled_for(set, pod, now).is_some()
}

/// Returns for how long a Pod still counts as unavailable because a sidecar has ended soon after it had started, and runs
/// again.
fn unsettled_for(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Option<Duration> {
    let ailments = sidecars(set, pod).filter_map(ContainerRecord::ailment);
    ailments.filter_map(short_run).filter_map(|run| left(set, pod, run, now)).max()
}

/// Returns after which time a container of a Pod counts as running that has ended soon after it had started. Also of one
/// that runs before the others and makes no Pod unavailable: what is said of it changes with time alone.
pub(super) fn settles_after(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Option<Duration> {
    let runs = pod.ailing_init.iter().filter_map(|container| short_run(&container.ailment));
    runs.filter_map(|run| left(set, pod, run, now)).chain(unsettled_for(set, pod, now)).min()
}

/// Says whether a container that runs is between two of its crashes, as far as anybody knows.
#[must_use]
pub fn is_unsettled(set: &CanonicalSet, pod: &PodRecord, run: &ShortRun, now: Seconds) -> bool {
    left(set, pod, run, now).is_some()
}

fn short_run(ailment: &Ailment) -> Option<&ShortRun> {
    match ailment {
        Ailment::Restarts(run) => Some(run),
        Ailment::Fails(_) | Ailment::Runs(_) => None,
    }
}

fn left(set: &CanonicalSet, pod: &PodRecord, run: &ShortRun, now: Seconds) -> Option<Duration> {
    // An upgrade ends a run, too, and that one says nothing of the present image. One that began within the second of the
    // upgrade may be either; if it crashes, the next one tells.
    let is_of_present_image = Some(run.began) > upgraded_at(set, pod);
    // One in the future counts as one of just now: looked at again and again, the Pod would wait for as long as a clock has jumped.
    let is_known = run.since.since(now) <= BEHIND;
    let left = SETTLED.checked_sub(now.since(run.since)).filter(|left| !left.is_zero());
    left.filter(|_| is_of_present_image && is_known)
}
