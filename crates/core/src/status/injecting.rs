//! Whether new Pods are injected.

use super::condition::{self, Condition};
use crate::annotations::Seconds;
use crate::catalog::Entry;
use crate::registration::InForce;
use sidecarset_api::v1beta1::SidecarSetStatus;

/// Whether the new Pods that a set selects get its sidecars, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injecting {
    /// They do: the API server asks about them.
    Registered,
    /// The API server does not know of the set yet.
    NotRegistered,
    /// The set says that they do not.
    Paused,
    /// The set cannot be acted on: they are refused.
    InvalidSpec,
}

impl Injecting {
    /// Says how it is with a set, where that is known.
    #[must_use]
    pub fn of(entry: &Entry, in_force: &InForce) -> Option<Self> {
        match (entry, entry.interest()) {
            (Entry::Invalid(_), _) => Some(Self::InvalidSpec),
            (Entry::Valid(_), None) => Some(Self::Paused),
            (Entry::Valid(_), Some(interest)) => in_force
                .covers(&interest)
                .map(|is_covered| if is_covered { Self::Registered } else { Self::NotRegistered }),
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Registered => "Registered",
            Self::NotRegistered => "NotRegistered",
            Self::Paused => "Paused",
            Self::InvalidSpec => "InvalidSpec",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Registered => "new pods that the set selects get its sidecars",
            Self::NotRegistered => "the API server does not ask about the pods of this set yet",
            Self::Paused => "new pods get no sidecars: injectionStrategy.paused is true",
            Self::InvalidSpec => "new pods that the set selects are refused: see the condition Ready",
        }
    }
}

/// Adds the condition to what a status says of the generation that it observed.
#[must_use]
pub fn with_injecting(status: SidecarSetStatus, injecting: Injecting, now: Seconds) -> SidecarSetStatus {
    let condition = Condition {
        kind: "Injecting",
        is_true: injecting == Injecting::Registered,
        reason: injecting.reason(),
        message: injecting.message().to_owned(),
    };
    let generation = status.observed_generation.unwrap_or_default();
    let mut conditions = condition::update(&status.conditions, &[condition], generation, now);
    // It comes after those of the rollout, where it stays when these are updated.
    conditions.rotate_left(1);
    SidecarSetStatus { conditions, ..status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn entry(spec: Value) -> Entry {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"}, "spec": spec,
        });
        Entry::new(&serde_json::from_value(set).unwrap())
    }

    fn valid() -> Entry {
        entry(json!({"containers": [{"name": "a", "image": "i"}]}))
    }

    #[test]
    fn new_pods_are_injected_once_the_api_server_knows_what_the_set_selects() {
        let in_force = InForce::new(valid().interest().into_iter().collect());
        let elsewhere = entry(json!({"containers": [{"name": "a", "image": "i"}], "namespace": "shop"}));

        assert_eq!(Injecting::of(&valid(), &in_force), Some(Injecting::Registered));
        assert_eq!(Injecting::of(&elsewhere, &in_force), Some(Injecting::NotRegistered));
        assert_eq!(Injecting::of(&valid(), &InForce::new(BTreeSet::new())), Some(Injecting::NotRegistered));
    }

    #[test]
    fn before_anything_is_registered_nothing_is_said_of_a_set_that_an_earlier_run_may_have_registered() {
        assert_eq!(Injecting::of(&valid(), &InForce::default()), None);
    }

    #[test]
    fn a_set_says_why_new_pods_are_not_injected() {
        let paused = json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"paused": true}});

        assert_eq!(Injecting::of(&entry(paused), &InForce::default()), Some(Injecting::Paused));
        let invalid = entry(json!({"containers": []}));
        assert_eq!(Injecting::of(&invalid, &InForce::default()), Some(Injecting::InvalidSpec));
    }

    #[test]
    fn the_condition_stands_after_the_others_and_speaks_of_what_was_observed() {
        let now = Seconds::from(jiff::Timestamp::UNIX_EPOCH);
        let conditions = ["Injecting", "Ready", "Other"].map(|kind| {
            let condition = json!({
                "type": kind, "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z",
            });
            serde_json::from_value(condition).unwrap()
        });
        let status = SidecarSetStatus {
            observed_generation: Some(4),
            conditions: conditions.to_vec(),
            ..SidecarSetStatus::default()
        };

        let told = with_injecting(status, Injecting::Registered, now);

        let kinds: Vec<_> = told.conditions.iter().map(|condition| condition.type_.as_str()).collect();
        let condition = &told.conditions[2];
        assert_eq!(kinds, ["Ready", "Other", "Injecting"]);
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "Registered"));
        assert_eq!(condition.observed_generation, Some(4));
        assert_eq!(condition.last_transition_time.0.to_string(), "2026-01-02T03:04:05Z");
    }
}
