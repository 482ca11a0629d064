//! Which Pods have failed their upgrade, and whether these are too many.

use super::availability::took_from_service;
use super::consistency::{self, is_consistent, is_healthy, is_ready, sidecars};
use super::is_updated;
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Ailment, Carried, ContainerRecord, PodRecord, Readiness};
use sidecarset_api::v1beta1::SidecarSetStatus;
use std::time::Duration;

/// How a rollout goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// The Pods that have failed, in the order in which they were given.
    pub failed: Vec<&'a PodRecord>,
    /// Whether these are as many as end the rollout.
    pub is_reached: bool,
    /// When it may be found to go otherwise, if nothing happens until then.
    pub next: Option<Seconds>,
}

/// What became of the upgrade of a Pod.
enum Fate {
    /// It was not upgraded, or not in vain.
    Fine,
    /// It has to be ready then.
    Open {
        due: Seconds,
        is_ready: bool,
    },
    Failed,
}

/// Judges the upgrades of the present rollout. Nothing is judged where the set does not ask for it, while the rollout is
/// paused, and once it has failed or come to its end: what breaks later has not failed its upgrade.
#[must_use]
pub fn judge<'a>(
    set: &CanonicalSet,
    matched: &[&'a PodRecord],
    status: Option<&SidecarSetStatus>,
    now: Seconds,
) -> Judgement<'a> {
    let mut judgement = Judgement::default();
    let Some(limit) = set.rollout.limit_in_force().filter(|_| is_under_way(set, status)) else {
        return judgement;
    };
    // Ready Pods need no look one by one. But when the last of them has had its time, the rollout is over.
    let (mut may_fail, mut is_over) = (None, None);
    for pod in matched {
        match fate(set, pod, limit.deadline, now) {
            Fate::Fine => {}
            Fate::Open { due, is_ready: false } => may_fail = [may_fail, Some(due)].into_iter().flatten().min(),
            Fate::Open { due, is_ready: true } => is_over = is_over.max(Some(due)),
            Fate::Failed => judgement.failed.push(*pod),
        }
    }
    judgement.next = may_fail.into_iter().chain(is_over).min();
    judgement.is_reached = judgement.failed.len() >= limit.pods(matched.len());
    judgement
}

/// Says whether each upgrade of the present rollout has had its time, where the set gives one.
#[must_use]
pub fn is_time_over(set: &CanonicalSet, matched: &[&PodRecord], now: Seconds) -> bool {
    let is_open =
        |deadline: Duration, pod: &PodRecord| upgraded_at(set, pod).is_some_and(|it| now < it.after(deadline));
    set.rollout.limit_in_force().is_none_or(|limit| !matched.iter().any(|pod| is_open(limit.deadline, pod)))
}

fn is_under_way(set: &CanonicalSet, status: Option<&SidecarSetStatus>) -> bool {
    let completed = status.and_then(|status| status.completed_revision.as_deref());
    let is_over = completed.is_some() && completed == set.revision.as_deref();
    !is_over && !set.rollout.is_paused && set.failure.is_none()
}

fn fate(set: &CanonicalSet, pod: &PodRecord, deadline: Duration, now: Seconds) -> Fate {
    let Some(upgraded) = upgraded_at(set, pod) else {
        return Fate::Fine;
    };
    let (due, is_ready) = (upgraded.after(deadline), is_ready(set, pod));
    if now < due {
        return Fate::Open { due, is_ready };
    }
    let has_failed = was_not_ready_in_time(set, pod, due) || sidecars(set, pod).any(cannot_start);
    if !is_ready && has_failed { Fate::Failed } else { Fate::Fine }
}

/// Returns when a Pod was upgraded to the present definition; nothing where it was created with it.
fn upgraded_at(set: &CanonicalSet, pod: &PodRecord) -> Option<Seconds> {
    let was_upgraded = is_updated(set, pod) && pod.carried.get(&set.name).is_some_and(Carried::was_upgraded);
    consistency::upgraded_at(set, pod).filter(|_| was_upgraded)
}

fn was_not_ready_in_time(set: &CanonicalSet, pod: &PodRecord, due: Seconds) -> bool {
    // A Pod that was broken before, and whose sidecars are well, is broken for another reason.
    let is_our_doing = || took_from_service(set, pod) || !sidecars(set, pod).all(|it| is_healthy(set, pod, it));
    match pod.readiness {
        // With what ran before: the kubelet has not even begun.
        Readiness::Ready(_) => !is_consistent(set, pod),
        Readiness::Unknown => took_from_service(set, pod),
        Readiness::NotReady(since) => since <= due && is_our_doing(),
    }
}

// It is ready for a moment with each start, so the time at which it last was says nothing.
fn cannot_start(container: &ContainerRecord) -> bool {
    matches!(container.ailment(), Some(Ailment::Fails(_)))
}
