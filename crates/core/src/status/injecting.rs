//! Whether new Pods are injected.

use super::condition::{self, Condition};
use crate::annotations::Seconds;
use crate::catalog::Entry;
use crate::normalize::CanonicalSet;
use crate::registration::{Coverage, RegisteredScopes};
use crate::revision::choices;
use sidecarset_api::v1beta1::SidecarSetStatus;
use std::borrow::Cow;
use std::sync::Arc;

/// Whether the new Pods that a set selects get its sidecars, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injecting {
    /// They do: the API server calls the operator for them.
    Registered,
    /// They do: the API server calls the operator for them, and for others.
    RegisteredWidely,
    /// The API server does not know of the set yet.
    NotRegistered,
    /// The API server would pay too much for the selectors of the set.
    TooManyRequirements,
    /// All namespaces that the set is for are that of the operator.
    OperatorNamespace,
    /// The API server has rejected what it had to know of the set.
    RegistrationRejected {
        /// Why, in its words.
        message: Arc<str>,
    },
    /// The set says that they do not.
    Paused,
    /// The set cannot be acted on: they are refused.
    InvalidSpec,
    /// The cluster does not allow its annotations: they are refused.
    NotAllowed,
}

impl Injecting {
    /// Says how it is with a set, where that is known.
    #[must_use]
    pub fn of(entry: &Entry, in_force: &RegisteredScopes) -> Option<Self> {
        match (entry, entry.scope()) {
            (Entry::Invalid(_), _) => Some(Self::InvalidSpec),
            (Entry::Valid(_), None) => Some(Self::Paused),
            (Entry::Valid(set), Some(_)) if rejects_all(set) => Some(Self::NotAllowed),
            (Entry::Valid(_), Some(scope)) => in_force.is_known().then(|| match in_force.coverage(&scope) {
                Some(coverage) => Self::covered(coverage),
                None => Self::NotRegistered,
            }),
        }
    }

    fn covered(coverage: &Coverage) -> Self {
        match coverage {
            Coverage::Exact => Self::Registered,
            Coverage::Wide => Self::RegisteredWidely,
            Coverage::TooManyRequirements => Self::TooManyRequirements,
            Coverage::OperatorNamespace => Self::OperatorNamespace,
            Coverage::Rejected { message } => Self::RegistrationRejected { message: Arc::clone(message) },
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Self::Registered | Self::RegisteredWidely => true,
            Self::NotRegistered
            | Self::TooManyRequirements
            | Self::OperatorNamespace
            | Self::RegistrationRejected { .. }
            | Self::Paused
            | Self::InvalidSpec
            | Self::NotAllowed => false,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Registered => "Registered",
            Self::RegisteredWidely => "RegisteredWidely",
            Self::NotRegistered => "NotRegistered",
            Self::TooManyRequirements => "TooManyRequirements",
            Self::OperatorNamespace => "OperatorNamespace",
            Self::RegistrationRejected { .. } => "RegistrationRejected",
            Self::Paused => "Paused",
            Self::InvalidSpec => "InvalidSpec",
            Self::NotAllowed => "NotAllowed",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Registered => "new pods that the set selects get its sidecars",
            Self::RegisteredWidely => {
                "new pods that the set selects get its sidecars; the API server calls the operator for other pods, too, \
                 because all sets together have too many selectors"
            }
            Self::NotRegistered => "the API server does not call the operator for the pods of this set yet",
            Self::TooManyRequirements => {
                "new pods get no sidecars: spec.selector and spec.namespaceSelector have too many requirements for the API \
                 server"
            }
            Self::OperatorNamespace => {
                "new pods get no sidecars: the set is for the namespace of the operator alone, whose pods get none"
            }
            Self::RegistrationRejected { message } => {
                return Cow::Owned(format!(
                    "new pods get no sidecars: the API server rejects the registration of this set: {message}"
                ));
            }
            Self::Paused => "new pods get no sidecars: injectionStrategy.paused is true",
            Self::InvalidSpec | Self::NotAllowed => {
                "new pods that the set selects are refused: see the condition Ready"
            }
        })
    }
}

/// Says whether every new Pod is refused because the cluster does not allow the annotations that it would get.
fn rejects_all(set: &Arc<CanonicalSet>) -> bool {
    choices(set).is_ok_and(|choices| choices.iter().all(|definition| definition.forbidden.is_some()))
}

/// Adds the condition to what a status says of the generation that it observed.
#[must_use]
pub fn with_injecting(status: SidecarSetStatus, injecting: &Injecting, now: Seconds) -> SidecarSetStatus {
    let condition = Condition {
        kind: "Injecting",
        is_true: injecting.is_true(),
        reason: injecting.reason(),
        message: injecting.message().into_owned(),
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
    use std::collections::BTreeMap;

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

    fn in_force(entry: &Entry, coverage: &Coverage) -> RegisteredScopes {
        RegisteredScopes::new(entry.scope().into_iter().map(|scope| (scope, coverage.clone())).collect())
    }

    #[test]
    fn a_set_says_what_the_api_server_could_not_bear_or_did_not_take() {
        let of = |coverage: &Coverage| Injecting::of(&valid(), &in_force(&valid(), coverage)).unwrap();
        let told = |coverage| (of(coverage).is_true(), of(coverage).reason());
        let rejected = &Coverage::Rejected { message: "no".into() };

        assert_eq!(told(&Coverage::Wide), (true, "RegisteredWidely"));
        assert_eq!(told(&Coverage::TooManyRequirements), (false, "TooManyRequirements"));
        assert_eq!(told(&Coverage::OperatorNamespace), (false, "OperatorNamespace"));
        assert_eq!(told(rejected), (false, "RegistrationRejected"));
        assert!(of(rejected).message().ends_with("rejects the registration of this set: no"));
    }

    #[test]
    fn new_pods_are_injected_once_the_api_server_knows_what_the_set_selects() {
        let in_force = in_force(&valid(), &Coverage::Exact);
        let elsewhere = entry(json!({"containers": [{"name": "a", "image": "i"}], "namespace": "shop"}));

        assert_eq!(Injecting::of(&valid(), &in_force), Some(Injecting::Registered));
        assert_eq!(Injecting::of(&elsewhere, &in_force), Some(Injecting::NotRegistered));
        assert_eq!(Injecting::of(&valid(), &RegisteredScopes::new(BTreeMap::new())), Some(Injecting::NotRegistered));
    }

    #[test]
    fn before_anything_is_registered_nothing_is_said_of_a_set_that_an_earlier_run_may_have_registered() {
        assert_eq!(Injecting::of(&valid(), &RegisteredScopes::default()), None);
    }

    #[test]
    fn a_set_says_why_new_pods_are_not_injected() {
        let paused = json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"paused": true}});

        assert_eq!(Injecting::of(&entry(paused), &RegisteredScopes::default()), Some(Injecting::Paused));
        let invalid = entry(json!({"containers": []}));
        assert_eq!(Injecting::of(&invalid, &RegisteredScopes::default()), Some(Injecting::InvalidSpec));
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

        let told = with_injecting(status, &Injecting::Registered, now);

        let kinds: Vec<_> = told.conditions.iter().map(|condition| condition.type_.as_str()).collect();
        let condition = &told.conditions[2];
        assert_eq!(kinds, ["Ready", "Other", "Injecting"]);
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "Registered"));
        assert_eq!(condition.observed_generation, Some(4));
        assert_eq!(condition.last_transition_time.0.to_string(), "2026-01-02T03:04:05Z");
    }
}
