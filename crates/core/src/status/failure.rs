//! What is said of a rollout that has failed.

use super::degraded::{Reason, Trouble};
use super::names::names;
use crate::normalize::{CanonicalSet, FailureLimit, OnFailure};
use crate::record::PodRecord;
use crate::revision::Failure;
use crate::rollout::{Hold, Plan, RolloutPhase, is_ready, is_updated};
use sidecarset_api::v1beta1::{RolloutFailure, SidecarSetStatus};

/// Says that a rollout has failed. `target` is the definition to which the Pods can return.
pub(crate) fn told(
    set: &CanonicalSet,
    limit: FailureLimit,
    failed: &[&PodRecord],
    matched: usize,
    target: Option<&CanonicalSet>,
) -> RolloutFailure {
    let revision = set.revision.as_deref().unwrap_or(&set.draft.name);
    let mut message = format!(
        "{} of {matched} pods did not become ready within {} s of their upgrade to {revision} ({})",
        failed.len(),
        limit.deadline.as_secs(),
        names(&failed.iter().map(|pod| &pod.key).collect::<Vec<_>>()),
    );
    if limit.on_failure == OnFailure::Rollback && target.is_none() {
        message.push_str("; there is no past revision to return to that differs in nothing but images");
    }
    RolloutFailure {
        generation: set.generation,
        revision: Some(revision.to_owned()),
        failed_pods: super::on_the_wire(failed.len()),
        rollback_revision: target.and_then(|target| target.revision.as_deref()).map(str::to_owned),
        message,
    }
}

/// Says where a set stands whose rollout has failed.
pub(super) fn phase(
    set: &CanonicalSet,
    matched: &[&PodRecord],
    plan: &Plan,
    previous: &SidecarSetStatus,
) -> Option<RolloutPhase> {
    let Some(past) = set.failure.as_ref()?.rollback() else {
        return Some(RolloutPhase::Halted);
    };
    let are_ready = || matched.iter().filter(|pod| is_updated(past, pod)).all(|pod| is_ready(past, pod));
    // What breaks later is not on its way back.
    let was_back = previous.conditions.iter().any(|it| {
        it.reason == RolloutPhase::RolledBack.reason()
            && it.type_ == "Progressing"
            && it.observed_generation == Some(set.generation)
    });
    let is_back = returning(set, matched, plan) == 0 && (was_back || are_ready());
    Some(if is_back { RolloutPhase::RolledBack } else { RolloutPhase::RollingBack })
}

/// Says whether a rollout has nothing left to do but to see how the last Pods fare. Where it could have failed and has
/// not, Pods that are not ready are too few to matter.
pub(super) fn is_over(set: &CanonicalSet, plan: &Plan, phase: RolloutPhase) -> bool {
    let is_done = plan.upgrades.is_empty() && plan.flips.is_empty();
    let is_left = |hold: &Hold| matches!(hold, Hold::NeedsNewPod | Hold::HandOver);
    let could_fail = set.rollout.limit_in_force().is_some() && set.failure.is_none() && !set.rollout.is_paused;
    phase == RolloutPhase::Complete || (could_fail && is_done && plan.holds.values().all(is_left))
}

/// Returns the failure that a status keeps: that of the present rollout, or of an earlier one until a rollout completes.
pub(super) fn kept(set: &CanonicalSet, phase: RolloutPhase, previous: &SidecarSetStatus) -> Option<RolloutFailure> {
    match &set.failure {
        Some(failure) => Some(failure.told.clone()),
        None => previous.failure.clone().filter(|_| phase != RolloutPhase::Complete),
    }
}

/// Says that the rollout has failed, and what follows from that.
pub(super) fn trouble(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan) -> Option<Trouble> {
    let failure = set.failure.as_ref()?;
    let message = format!("{}; {}", failure.told.message, consequence(failure, returning(set, matched, plan)));
    Some(Trouble { reason: Reason::FailureThresholdReached, message })
}

fn consequence(failure: &Failure, returning: usize) -> String {
    let name = failure.told.rollback_revision.as_deref().unwrap_or_default();
    match (&failure.past, returning) {
        (None, _) => "the rollout is halted until the spec changes".to_owned(),
        (Some(Err(why)), _) => format!("it cannot return to {name}, and is halted until the spec changes: {why}"),
        (Some(Ok(_)), 0) => format!("rolled back to {name}; set a new image to go on"),
        (Some(Ok(_)), pods) => format!("returning {pods} pods to {name}"),
    }
}

/// Counts the Pods that still have to return.
fn returning(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan) -> usize {
    let can_return = |pod: &PodRecord| plan.holds.get(&pod.key) != Some(&Hold::NeedsNewPod);
    matched.iter().filter(|pod| is_updated(set, pod) && can_return(pod)).count()
}
