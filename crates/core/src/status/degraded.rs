//! What a person should look at.

use super::condition::Condition;
use super::failing::Failing;
use super::names::{beginning, names, pods};
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};
use crate::rollout::{self, Hold, Plan, RolloutPhase};
use std::collections::{BTreeMap, BTreeSet};

/// What is told of the API server's answer at most, in bytes.
const LONGEST_ANSWER: usize = 300;

/// What is wrong, the most important first: one variant for each reason of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The operator has a defect, which ends each reconcile of the set.
    ReconcilePanicked,
    /// The set cannot be acted on, and new Pods are refused.
    InvalidSpec,
    /// The past revision for new Pods is gone or cannot be injected, and they are refused.
    RevisionUnusable,
    /// The cluster does not allow the annotations of the set: new Pods and upgrades are refused.
    NotAllowed,
    /// As many Pods have failed as end the rollout.
    FailureThresholdReached,
    /// Pods hang in their init containers: native sidecars have lost `restartPolicy`.
    RestartPolicyLost,
    /// Images of sidecars cannot be pulled.
    ImagePullFailing,
    /// Sidecars cannot be started.
    ContainersNotStarting,
    /// Sidecars end again and again.
    ContainersCrashing,
    /// Nodes can never give changed cpu and memory.
    ResizeInfeasible,
    /// Kubelets fail to change cpu and memory.
    ResizeFailing,
    /// Upgrades cannot be written.
    UpgradesNotTaken,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Reason {
    /// Returns why a person should look at Pods that are held, where a person should.
    fn of(phase: RolloutPhase) -> Option<Self> {
        match phase {
            RolloutPhase::UpgradesNotTaken => Some(Self::UpgradesNotTaken),
            RolloutPhase::ResizeInfeasible => Some(Self::ResizeInfeasible),
            RolloutPhase::ResizeFailing => Some(Self::ResizeFailing),
            // What is wrong there is told of the set, not of its Pods.
            RolloutPhase::Halted | RolloutPhase::RollingBack | RolloutPhase::RolledBack | RolloutPhase::NotAllowed => {
                None
            }
            RolloutPhase::Upgrading
            | RolloutPhase::ResizeDeferred
            | RolloutPhase::MaxUnavailableReached
            | RolloutPhase::WaitingForPods
            | RolloutPhase::Paused
            | RolloutPhase::NotUpdate
            | RolloutPhase::PartitionReached
            | RolloutPhase::NotSelected
            | RolloutPhase::NotUpgradable
            | RolloutPhase::Complete => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::ReconcilePanicked => "ReconcilePanicked",
            Self::InvalidSpec => "InvalidSpec",
            Self::RevisionUnusable => "RevisionUnusable",
            Self::NotAllowed => "NotAllowed",
            Self::FailureThresholdReached => "FailureThresholdReached",
            Self::RestartPolicyLost => "RestartPolicyLost",
            Self::ImagePullFailing => "ImagePullFailing",
            Self::ContainersNotStarting => "ContainersNotStarting",
            Self::ContainersCrashing => "ContainersCrashing",
            Self::ResizeInfeasible => "ResizeInfeasible",
            Self::ResizeFailing => "ResizeFailing",
            Self::UpgradesNotTaken => "UpgradesNotTaken",
        }
    }
}

/// Finds everything that is wrong with a set that can be acted on.
pub(super) fn troubles(set: &CanonicalSet, matched: &[&PodRecord], plan: &Plan, failing: &Failing<'_>) -> Vec<Trouble> {
    let pin = Condition::unusable_pin(set);
    let pin = pin.map(|ready| Trouble { reason: Reason::RevisionUnusable, message: ready.message });
    let forbidden = Condition::forbidden(set);
    let forbidden = forbidden.map(|ready| Trouble { reason: Reason::NotAllowed, message: ready.message });
    let of_pods = stripped(set, matched).into_iter().chain(failing.troubles());
    pin.into_iter().chain(forbidden).chain(of_pods).chain(in_vain(plan)).collect()
}

/// Says that a defect of the operator ended the reconcile of a set.
pub(super) fn panicked(panic: &str) -> Trouble {
    let message = format!(
        "a defect of the operator ended the reconcile of this set, which is retried: {}",
        beginning(panic, LONGEST_ANSWER)
    );
    Trouble { reason: Reason::ReconcilePanicked, message }
}

/// Says which Pods hang in their init containers because of native sidecars that are none any more.
fn stripped(set: &CanonicalSet, matched: &[&PodRecord]) -> Option<Trouble> {
    let stripped = matched.iter().filter_map(|pod| Some((&pod.key, &*rollout::stripped(set, pod)?.name)));
    let (mut hanging, containers): (Vec<&PodKey>, BTreeSet<&str>) = stripped.unzip();
    hanging.sort();
    (!hanging.is_empty()).then(|| Trouble {
        reason: Reason::RestartPolicyLost,
        message: format!(
            "{} cannot get past init container {} ({}): restartPolicy Always is missing there, which another webhook may have \
             dropped after the injection",
            pods(hanging.len()),
            containers.into_iter().collect::<Vec<_>>().join(", "),
            names(&hanging)
        ),
    })
}

/// Makes the condition: its reason is the most important one, and its message tells all.
pub(super) fn degraded(mut troubles: Vec<Trouble>) -> Condition {
    troubles.sort_by_key(|trouble| trouble.reason);
    let Some(worst) = troubles.first() else {
        let message = "nothing is known to be wrong with the pods of this set".to_owned();
        return Condition { kind: "Degraded", is_true: false, reason: "AsExpected", message };
    };
    let reason = worst.reason.text();
    let messages: Vec<String> = troubles.into_iter().map(|trouble| trouble.message).collect();
    Condition { kind: "Degraded", is_true: true, reason, message: messages.join("; ") }
}

/// Says which upgrades are in vain, one trouble for each reason of the condition.
fn in_vain(plan: &Plan) -> impl Iterator<Item = Trouble> {
    let mut clauses: BTreeMap<Reason, Vec<String>> = BTreeMap::new();
    for hold in plan.reasons().into_keys() {
        if let Some(reason) = Reason::of(hold.meaning().phase) {
            clauses.entry(reason).or_default().push(held(plan, hold));
        }
    }
    clauses.into_iter().map(|(reason, clauses)| {
        let answer = plan.answer.as_deref().filter(|_| reason == Reason::UpgradesNotTaken);
        let answer = answer.map(|answer| format!(": {}", beginning(answer, LONGEST_ANSWER)));
        Trouble { reason, message: format!("{}{}", clauses.join("; "), answer.unwrap_or_default()) }
    })
}

fn held(plan: &Plan, hold: Hold) -> String {
    let held: Vec<&PodKey> = plan.held_pods(hold).collect();
    format!("{} cannot be upgraded: {} ({})", pods(held.len()), hold.meaning().why, names(&held))
}
