//! What is told when the status of a set changes.

use super::{Event, EventKind, Subject, shortened};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use sidecarset_api::v1beta1::SidecarSetStatus;

/// The reasons of a rollout's conditions that a person should know of, whichever of the conditions has them.
const BAD: [&str; 4] = ["InvalidSpec", "RevisionUnusable", "NotAllowed", "UpgradesNotTaken"];

const ACTION: &str = "Rollout";

/// Tells the story of a set's rollout, from one status to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Narrator {
    // Pods that come and go are no rollout: its end is told only where there were outdated ones.
    is_rolling: bool,
}

impl Narrator {
    /// Takes note of a status, whether it is written or not: a small rollout may be over before the next one is.
    pub fn note(&mut self, status: &SidecarSetStatus) {
        self.is_rolling |= status.updated_pods < status.matched_pods;
    }

    /// Returns what is news in a status that was written.
    pub fn tell(&mut self, set: &Subject, before: Option<&SidecarSetStatus>, after: &SidecarSetStatus) -> Vec<Event> {
        let event = |kind, reason: &str, note: String| Event {
            subject: set.clone(),
            kind,
            reason: reason.to_owned(),
            action: ACTION,
            note: shortened(note),
        };
        let mut events: Vec<Event> = Vec::new();
        for condition in after.conditions.iter().filter(|condition| is_bad(condition)) {
            let is_told = events.iter().any(|event| event.reason == condition.reason);
            if !is_told && !before.is_some_and(|before| says_same(before, condition)) {
                events.push(event(EventKind::Warning, &condition.reason, condition.message.clone()));
            }
        }
        // As in Kruise, but once and not with every round. A number that falls is no news: Pods were created anew.
        let pods = after.not_upgradable_pods;
        if pods > before.map_or(0, |before| before.not_upgradable_pods) {
            let note = format!(
                "SidecarSet in-place update detected {pods} not upgradable pod(s) in this round, will skip them."
            );
            events.push(event(EventKind::Normal, "NotUpgradablePods", note));
        }
        if let Some(complete) = self.completion(before, after) {
            events.push(event(EventKind::Normal, "Complete", complete.message.clone()));
        }
        events
    }

    fn completion<'a>(
        &mut self,
        before: Option<&SidecarSetStatus>,
        after: &'a SidecarSetStatus,
    ) -> Option<&'a Condition> {
        before.into_iter().for_each(|before| self.note(before));
        self.note(after);
        let complete = after.conditions.iter().find(|it| it.type_ == "Progressing" && it.reason == "Complete")?;
        std::mem::take(&mut self.is_rolling).then_some(complete)
    }
}

fn is_bad(condition: &Condition) -> bool {
    match condition.type_.as_str() {
        "Degraded" => condition.status == "True",
        "Ready" | "Progressing" => BAD.contains(&condition.reason.as_str()),
        _ => false,
    }
}

fn says_same(status: &SidecarSetStatus, condition: &Condition) -> bool {
    let before = status.conditions.iter().find(|before| before.type_ == condition.type_);
    before.is_some_and(|before| before.status == condition.status && before.reason == condition.reason)
}
