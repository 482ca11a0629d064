//! What is said of a set: numbers, and conditions with their reasons.

mod blocked;
mod condition;
mod degraded;
mod failing;
mod failure;
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
use crate::rollout::{Hold, Plan, RolloutPhase, Upgrade, has_unsettled, is_ready, is_time_over, is_updated};
use condition::{Condition, StatusInput};
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
    // Updated and ready, but for how long nobody knows.
    unsettled: usize,
    // Updated, not ready or not yet for good, and not stopped in the middle of a hot upgrade.
    waiting: usize,
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
    let phase = failure::phase(set, matched, plan, &previous).unwrap_or_else(|| judge(counts, plan));
    // What the plan waited for, and that is one of the past where Pods return to it.
    let target = set.failure.as_ref().and_then(Failure::rollback).map_or(set, AsRef::as_ref);
    let standing = StatusInput::of(target, matched, (counts, phase), now);
    let failing = Failing::of(set, matched, &previous, now);
    let refused = Condition::unusable_pin(set).or_else(|| Condition::forbidden(set));
    let ready = refused.unwrap_or_else(|| Condition::ready(&standing));
    let troubles =
        degraded::troubles(set, matched, plan, &failing).into_iter().chain(failure::trouble(set, matched, plan));
    let conditions = [ready, Condition::progressing(plan, &standing), degraded(troubles.collect())];
    // It stays while another definition is rolled out: that may have to be taken back.
    let is_over = failure::is_over(set, plan, phase) && is_time_over(set, matched, now);
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
        failure: failure::kept(set, phase, &previous),
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

/// Says of a set that a defect of the operator ended its reconcile. Whatever else is said of it is as it was last known.
#[must_use]
pub fn panicked(generation: i64, panic: &str, previous: Option<&SidecarSetStatus>, now: Seconds) -> SidecarSetStatus {
    let previous = previous.cloned().unwrap_or_default();
    let condition = degraded(vec![degraded::panicked(panic)]);
    let mut conditions = condition::update(&previous.conditions, &[condition], generation, now);
    // It keeps the place that it has among the others.
    let place = previous.conditions.iter().position(|condition| condition.type_ == "Degraded");
    conditions.get_mut(..=place.unwrap_or_default()).into_iter().for_each(|before| before.rotate_left(1));
    SidecarSetStatus { conditions, ..previous }
}

fn count(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan, now: Seconds) -> Counts {
    let mut counts =
        Counts { matched: matched.len(), not_upgradable: plan.held(Hold::NeedsNewPod), ..Counts::default() };
    for pod in matched {
        let (is_updated, is_ready) = (is_updated(set, pod), is_ready(set, pod));
        counts.updated += usize::from(is_updated);
        counts.ready += usize::from(is_ready);
        counts.updated_ready += usize::from(is_updated && is_ready);
        let is_waited_for = is_updated && (!is_ready || has_unsettled(set, pod, now));
        let is_stopped = plan.holds.get(&pod.key).is_some_and(|hold| !hold.is_passing());
        counts.unsettled += usize::from(is_waited_for && is_ready);
        counts.waiting += usize::from(is_waited_for && !is_stopped);
    }
    counts
}

/// Finds the one phase that tells best where a rollout stands: that of the reason to hold a Pod that ranks first, unless
/// there is something to do, or something to wait for, that ranks before it.
fn judge(counts: Counts, plan: &Plan) -> RolloutPhase {
    // What is tried again is still held by what kept it before: nobody knows yet whether it is taken now.
    let is_new = |step: &Upgrade| !plan.holds.contains_key(&step.pod);
    let goes_on = plan.upgrades.iter().chain(&plan.flips).any(is_new);
    let held = plan.holds.values().map(|hold| hold.meaning().phase);
    let upgrading = goes_on.then_some(RolloutPhase::Upgrading);
    let waiting = (counts.waiting > 0).then_some(RolloutPhase::WaitingForPods);
    held.chain(upgrading).chain(waiting).min().unwrap_or(RolloutPhase::Complete)
}

fn on_the_wire(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
