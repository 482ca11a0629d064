//! What a person should look at.

use super::condition::Condition;
use super::failing::Failing;
use super::names::{beginning, names, pods};
use crate::normalize::CanonicalSet;
use crate::record::PodKey;
use crate::rollout::{Hold, Plan};

/// What is told of the API server's answer at most, in bytes.
const LONGEST_ANSWER: usize = 300;

/// What is wrong, the most important first: one variant for each reason of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The set cannot be acted on, and new Pods are refused.
    InvalidSpec,
    /// The past revision for new Pods is gone or cannot be injected, and they are refused.
    RevisionUnusable,
    /// As many Pods have failed as end the rollout.
    FailureThresholdReached,
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
    fn text(self) -> &'static str {
        match self {
            Self::InvalidSpec => "InvalidSpec",
            Self::RevisionUnusable => "RevisionUnusable",
            Self::FailureThresholdReached => "FailureThresholdReached",
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
pub(super) fn troubles(set: &CanonicalSet, plan: &Plan, failing: &Failing<'_>) -> Vec<Trouble> {
    let pin = Condition::unusable_pin(set);
    let pin = pin.map(|ready| Trouble { reason: Reason::RevisionUnusable, message: ready.message });
    pin.into_iter().chain(failing.troubles()).chain(not_resized(plan)).chain(not_taken(plan)).collect()
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

fn not_taken(plan: &Plan) -> Option<Trouble> {
    let refused = [
        (Hold::NotTaken, "the API server does not take it"),
        (Hold::ResizeRefused, "the API server does not take their cpu and memory"),
        (Hold::NotMerged, "patchPodMetadata cannot be merged into an annotation"),
    ];
    let all: Vec<String> = refused.into_iter().filter_map(|(hold, why)| held(plan, hold, why)).collect();
    let answer = plan.answer.as_deref().map(|answer| format!(": {}", beginning(answer, LONGEST_ANSWER)));
    let message = format!("{}{}", all.join("; "), answer.unwrap_or_default());
    (!all.is_empty()).then_some(Trouble { reason: Reason::UpgradesNotTaken, message })
}

fn not_resized(plan: &Plan) -> impl Iterator<Item = Trouble> {
    let all = [
        (Hold::ResizeInfeasible, Reason::ResizeInfeasible, "the node can never give the cpu and memory"),
        (Hold::ResizeFailing, Reason::ResizeFailing, "the kubelet fails to change the cpu and memory"),
    ];
    all.into_iter().filter_map(|(hold, reason, why)| held(plan, hold, why).map(|message| Trouble { reason, message }))
}

fn held(plan: &Plan, hold: Hold, why: &str) -> Option<String> {
    let held: Vec<&PodKey> = plan.held_pods(hold).collect();
    (!held.is_empty()).then(|| format!("{} cannot be upgraded: {why} ({})", pods(held.len()), names(&held)))
}
