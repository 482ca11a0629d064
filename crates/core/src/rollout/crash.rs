//! Containers that end again and again. Each of their starts looks like success for a moment, and no one of them must be
//! believed: a rollout would go from Pod to Pod with them.

use super::consistency::{sidecars, upgraded_at};
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Ailment, PodRecord, ShortRun};
use std::time::Duration;

/// For how long a container has to run after a short run before it counts as running.
const SETTLED: Duration = Duration::from_secs(30);

/// Returns for how long a Pod still counts as unavailable because a sidecar has ended soon after it had started, and runs
/// again.
pub(super) fn unsettled_for(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Option<Duration> {
    let ailments = sidecars(set, pod).filter_map(|container| container.status.as_ref()?.ailment.as_ref());
    let runs = ailments.filter_map(|ailment| match ailment {
        Ailment::Restarts(run) => Some(&**run),
        Ailment::Fails(_) => None,
    });
    runs.filter_map(|run| left(set, pod, run, now)).max()
}

/// Says whether a container that runs is between two of its crashes, as far as anybody knows.
#[must_use]
pub fn is_unsettled(set: &CanonicalSet, pod: &PodRecord, run: &ShortRun, now: Seconds) -> bool {
    left(set, pod, run, now).is_some()
}

fn left(set: &CanonicalSet, pod: &PodRecord, run: &ShortRun, now: Seconds) -> Option<Duration> {
    // An upgrade ends a run, too, and that one says nothing of the present image. One that began within the second of the
    // upgrade may be either; if it crashes, the next one tells.
    let is_of_present_image = Some(run.began) > upgraded_at(set, pod);
    let left = SETTLED.checked_sub(now.since(run.since)).filter(|left| !left.is_zero());
    left.filter(|_| is_of_present_image)
}
