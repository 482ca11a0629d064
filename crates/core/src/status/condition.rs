//! The conditions of a set.

use super::Counts;
use super::names::{beginning, names};
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};
use crate::rollout::{self, Hold, Plan, RolloutPhase};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as WireCondition, Time};
use std::fmt::Write;

/// How many bytes the message of a condition has at most: what is wrong with a set may take megabytes to say.
const LONGEST_MESSAGE: usize = 8 * 1024;

/// What is told of a rollout.
pub(super) struct StatusInput<'a> {
    counts: Counts,
    phase: RolloutPhase,
    // Those that spend the budget, sorted.
    not_ready: Vec<&'a PodKey>,
    max_unavailable: u32,
}

/// A condition before it has a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) kind: &'static str,
    pub(super) is_true: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl<'a> StatusInput<'a> {
    pub(super) fn of(
        set: &CanonicalSet,
        matched: &[&'a PodRecord],
        (counts, phase): (Counts, RolloutPhase),
        now: Seconds,
    ) -> Self {
        let spending = matched.iter().filter(|pod| rollout::counts_as_unavailable(set, pod, now));
        let mut not_ready: Vec<&PodKey> = spending.map(|pod| &pod.key).collect();
        not_ready.sort();
        let max_unavailable = rollout::max_unavailable(set, matched.len());
        Self { counts, phase, not_ready, max_unavailable }
    }

    fn not_ready(&self) -> Option<String> {
        let is = if self.not_ready.len() == 1 { "pod is" } else { "pods are" };
        let told = || format!("{} upgraded {is} not ready: {}", self.not_ready.len(), names(&self.not_ready));
        (!self.not_ready.is_empty()).then(told)
    }

    fn budget(&self) -> String {
        let max = format!("maxUnavailable is {}", self.max_unavailable);
        self.not_ready().map_or_else(|| max.clone(), |not_ready| format!("{max}, and {not_ready}"))
    }
}

impl Condition {
    /// Every matched Pod carries the present definition and is ready.
    pub(super) fn ready(standing: &StatusInput<'_>) -> Self {
        let counts = standing.counts;
        // Where the rollout has failed, those that were upgraded are not all that was to be upgraded.
        let has_failed =
            matches!(standing.phase, RolloutPhase::Halted | RolloutPhase::RollingBack | RolloutPhase::RolledBack);
        let is_true = counts.updated_ready == counts.matched && counts.unsettled == 0 && !has_failed;
        let reason = match (is_true, counts.matched) {
            (true, 0) => "NoPods",
            (true, _) => "AllPodsReady",
            (false, _) => standing.phase.reason(),
        };
        let mut message = format!("{} of {} pods are updated and ready", counts.updated_ready, counts.matched);
        if let Some(not_ready) = standing.not_ready() {
            write!(message, "; {not_ready}").expect("a String takes any text");
        }
        Self { kind: "Ready", is_true, reason, message }
    }

    /// New Pods cannot get the past revision that the set is pinned to, so they are refused.
    pub(super) fn unusable_pin(set: &CanonicalSet) -> Option<Self> {
        let unusable = set.pin.as_ref()?.past.as_ref().err()?;
        let message = format!("new pods are refused, because the set is pinned to {unusable}");
        Some(Self { kind: "Ready", is_true: false, reason: "RevisionUnusable", message })
    }

    /// New Pods may not get the annotations of the set, so they are refused.
    pub(super) fn forbidden(set: &CanonicalSet) -> Option<Self> {
        let forbidden = set.forbidden.as_ref()?;
        let message =
            format!("new pods and upgrades that would get the annotations of this set are rejected: {forbidden}");
        Some(Self { kind: "Ready", is_true: false, reason: "NotAllowed", message })
    }

    /// The rollout goes on without anybody's help.
    pub(super) fn progressing(plan: &Plan, standing: &StatusInput<'_>) -> Self {
        let StatusInput { counts, phase, .. } = standing;
        let mut clauses = vec![format!("{} of {} pods are updated", counts.updated, counts.matched)];
        let mut reasons: Vec<(Hold, usize)> = plan.reasons().into_iter().collect();
        reasons.sort_by_key(|(hold, _)| hold.meaning().phase);
        for (hold, held) in reasons {
            let meaning = hold.meaning();
            let text = if held == 1 { meaning.one } else { meaning.several };
            let budget = (hold == Hold::BudgetSpent).then(|| format!(" ({})", standing.budget()));
            clauses.push(format!("{held} {text}{}", budget.unwrap_or_default()));
        }
        if plan.held(Hold::BudgetSpent) == 0 {
            clauses.extend(standing.not_ready());
        }
        Self {
            kind: "Progressing",
            is_true: phase.is_progressing(),
            reason: phase.reason(),
            message: clauses.join("; "),
        }
    }

    fn on_the_wire(&self, previous: &[WireCondition], generation: i64, now: Seconds) -> WireCondition {
        let status = if self.is_true { "True" } else { "False" };
        let before = previous.iter().find(|before| before.type_ == self.kind && before.status == status);
        let now = Timestamp::from(now);
        WireCondition {
            type_: self.kind.to_owned(),
            status: status.to_owned(),
            reason: self.reason.to_owned(),
            message: beginning(&self.message, LONGEST_MESSAGE).to_owned(),
            observed_generation: Some(generation),
            last_transition_time: before.map_or(Time(now), |before| before.last_transition_time.clone()),
        }
    }
}

/// Returns the conditions for the wire: ours, and those of others as they were.
pub(super) fn update(
    previous: &[WireCondition],
    conditions: &[Condition],
    generation: i64,
    now: Seconds,
) -> Vec<WireCondition> {
    let is_ours = |kind: &str| conditions.iter().any(|condition| condition.kind == kind);
    let others = previous.iter().filter(|before| !is_ours(&before.type_)).cloned();
    conditions.iter().map(|condition| condition.on_the_wire(previous, generation, now)).chain(others).collect()
}
