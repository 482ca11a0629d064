//! What is said of a set: numbers, and conditions with their reasons.

mod blocked;
mod condition;
mod degraded;
mod failing;
mod failure;
mod held;
mod injecting;
mod names;
mod not_injected;

pub(crate) use failure::told;
pub use injecting::{Injecting, with_injecting};
pub use not_injected::with_not_injected;

use crate::annotations::Seconds;
use crate::catalog::InvalidSet;
use crate::normalize::CanonicalSet;
use crate::record::PodRecord;
use crate::revision::Failure;
use crate::rollout::{Hold, Plan, Upgrade, is_ready, is_time_over, is_updated, spends_budget};
use condition::{Condition, Standing, Verdict};
use degraded::{Reason, Trouble, degraded};
use failing::Failing;
use sidecarset_api::v1beta1::SidecarSetStatus;

/// The numbers of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    matched: usize,
    updated: usize,
    ready: usize,
    updated_ready: usize,
    // Updated, but stopped in the middle of a hot upgrade.
    stopped: usize,
    // Updated and ready, but for how long nobody knows.
    unsettled: usize,
    not_upgradable: usize,
}

/// Sums up the matched Pods of a set. What a status says beyond that, and the times of conditions that stay as
/// they are, are taken over from the previous one.
#[must_use]
pub fn summarize(
    set: &CanonicalSet,
    matched: &[&PodRecord],
    plan: &Plan,
    previous: Option<&SidecarSetStatus>,
    now: Seconds,
) -> SidecarSetStatus {
    let previous = previous.cloned().unwrap_or_default();
    let counts = count(set, matched, plan, now);
    let verdict = failure::verdict(set, matched, plan, &previous).unwrap_or_else(|| judge(counts, plan));
    // What the plan waited for, and that is one of the past where Pods return to it.
    let target = set.failure.as_ref().and_then(Failure::rollback).map_or(set, AsRef::as_ref);
    let standing = Standing::of(target, matched, (counts, verdict), now);
    let failing = Failing::of(set, matched, &previous, now);
    let ready = Condition::unusable_pin(set).unwrap_or_else(|| Condition::ready(&standing));
    let troubles = degraded::troubles(set, plan, &failing).into_iter().chain(failure::trouble(set, matched, plan));
    let conditions = [ready, Condition::progressing(plan, &standing), degraded(troubles.collect())];
    // It stays while another definition is rolled out: that may have to be taken back.
    let is_over = failure::is_over(set, plan, verdict) && is_time_over(set, matched, now);
    let completed = set.revision.as_deref().filter(|_| is_over);
    SidecarSetStatus {
        observed_generation: Some(set.generation),
        matched_pods: on_the_wire(counts.matched),
        updated_pods: on_the_wire(counts.updated),
        ready_pods: on_the_wire(counts.ready),
        updated_ready_pods: on_the_wire(counts.updated_ready),
        not_upgradable_pods: on_the_wire(counts.not_upgradable),
        not_upgradable_fields: blocked::fields(set, matched, plan),
        failing_pods: failing.on_the_wire(),
        completed_revision: completed.map(str::to_owned).or_else(|| previous.completed_revision.clone()),
        failure: failure::kept(set, verdict, &previous),
        conditions: condition::update(&previous.conditions, &conditions, set.generation, now),
        ..previous
    }
}

/// Adds the name of the newest revision, and how often the name of a revision was another object's.
#[must_use]
pub fn with_revisions(status: SidecarSetStatus, newest: Option<&str>, collisions: u32) -> SidecarSetStatus {
    // It never falls: the names that it led to are in use.
    let collisions = status.collision_count.unwrap_or_default().max(on_the_wire(collisions as usize));
    SidecarSetStatus { latest_revision: newest.map(str::to_owned), collision_count: Some(collisions), ..status }
}

/// Says of a set that it cannot be acted on. The numbers are those that were last known.
#[must_use]
pub fn invalid(set: &InvalidSet, previous: Option<&SidecarSetStatus>, now: Seconds) -> SidecarSetStatus {
    let previous = previous.cloned().unwrap_or_default();
    let conditions = [
        Condition { kind: "Ready", is_true: false, reason: "InvalidSpec", message: set.violations.to_string() },
        Condition { kind: "Progressing", is_true: false, reason: "InvalidSpec", message: set.violations.to_string() },
        degraded(vec![Trouble {
            reason: Reason::InvalidSpec,
            message: "pods that the set selects are refused: see the condition Ready".to_owned(),
        }]),
    ];
    SidecarSetStatus {
        observed_generation: Some(set.generation),
        conditions: condition::update(&previous.conditions, &conditions, set.generation, now),
        ..previous
    }
}

fn count(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan, now: Seconds) -> Counts {
    let mut counts =
        Counts { matched: matched.len(), not_upgradable: plan.held(Hold::NeedsNewPod), ..Counts::default() };
    for pod in matched {
        let (is_updated, is_ready) = (is_updated(set, pod), is_ready(set, pod));
        counts.updated += usize::from(is_updated);
        counts.ready += usize::from(is_ready);
        counts.updated_ready += usize::from(is_updated && is_ready);
        let is_stopped = matches!(plan.holds.get(&pod.key), Some(Hold::Paused | Hold::NotUpdate));
        counts.unsettled += usize::from(is_updated && is_ready && spends_budget(set, pod, now));
        counts.stopped += usize::from(is_updated && is_stopped);
    }
    counts
}

/// Finds the one reason that tells best where a rollout stands: first what is going on, then what is waited for,
/// then what somebody has to do.
fn judge(counts: Counts, plan: &Plan) -> Verdict {
    let is_held = |hold| plan.held(hold) > 0;
    // What is tried again is still held by what kept it before: nobody knows yet whether it is taken now.
    let is_new = |step: &Upgrade| !plan.holds.contains_key(&step.pod);
    let goes_on = plan.upgrades.iter().chain(&plan.flips).any(is_new);
    if goes_on || is_held(Hold::InFlight) || is_held(Hold::Resizing) || is_held(Hold::Changed) {
        Verdict::Upgrading
    } else if is_held(Hold::NotTaken) || is_held(Hold::NotMerged) || is_held(Hold::ResizeRefused) {
        Verdict::UpgradesNotTaken
    } else if is_held(Hold::ResizeInfeasible) {
        Verdict::ResizeInfeasible
    } else if is_held(Hold::ResizeFailing) {
        Verdict::ResizeFailing
    } else if is_held(Hold::ResizeDeferred) {
        Verdict::ResizeDeferred
    } else if is_held(Hold::BudgetSpent) {
        Verdict::MaxUnavailableReached
    } else if counts.updated + counts.unsettled > counts.updated_ready + counts.stopped {
        Verdict::WaitingForPods
    } else if is_held(Hold::Paused) {
        Verdict::Paused
    } else if is_held(Hold::NotUpdate) {
        Verdict::NotUpdate
    } else if is_held(Hold::Partition) {
        Verdict::PartitionReached
    } else if is_held(Hold::NotSelected) {
        Verdict::NotSelected
    } else if is_held(Hold::NeedsNewPod) {
        Verdict::NotUpgradable
    } else {
        Verdict::Complete
    }
}

fn on_the_wire(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
