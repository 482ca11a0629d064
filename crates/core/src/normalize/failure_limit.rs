//! When a rollout is given up, and what is done then.

use crate::amount::{Amount, ParseAmountError};
use crate::validation::Violations;
use sidecarset_api::v1beta1::UpdateStrategy;
use std::time::Duration;

/// When a rollout is given up, and what is done then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureLimit {
    /// How many Pods fail before it is.
    pub threshold: Amount,
    /// How long after its upgrade a Pod has to be ready.
    pub deadline: Duration,
    /// What is done then.
    pub on_failure: OnFailure,
}

/// What is done once too many Pods have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// No further Pod is upgraded.
    Halt,
    /// The upgraded Pods return to the definition before.
    Rollback,
}

/// Where a set says when its rollout is given up.
pub(crate) const THRESHOLD_PATH: &str = "spec.updateStrategy.failureThreshold";
/// Where it says how long a Pod may take.
pub(crate) const DEADLINE_PATH: &str = "spec.updateStrategy.progressDeadlineSeconds";
/// Where it says what is done then.
pub(crate) const ON_FAILURE_PATH: &str = "spec.updateStrategy.onFailure";

// As long as a Deployment waits for its Pods.
const DEFAULT_DEADLINE: Duration = Duration::from_mins(10);

impl FailureLimit {
    /// Reads what a strategy says. Nothing is returned where it sets no limit; all of it is checked in any case.
    pub(super) fn parse(strategy: &UpdateStrategy, violations: &mut Violations) -> Option<Self> {
        let threshold = strategy.failure_threshold.as_ref().map(Amount::parse);
        let threshold = threshold.and_then(|threshold| self::threshold(threshold, violations));
        let deadline = deadline(strategy.progress_deadline_seconds, violations);
        let on_failure = OnFailure::parse(strategy.on_failure.as_deref(), violations);
        Some(Self { threshold: threshold?, deadline: deadline?, on_failure: on_failure? })
    }

    /// Returns how many failures end a rollout over so many Pods.
    #[must_use]
    pub fn pods(self, matched: usize) -> usize {
        let total = u32::try_from(matched).unwrap_or(u32::MAX);
        // A share of no Pods is none, and none has failed.
        usize::try_from(self.threshold.rounded_up(total).max(1)).unwrap_or(usize::MAX)
    }
}

impl OnFailure {
    fn parse(text: Option<&str>, violations: &mut Violations) -> Option<Self> {
        match text {
            None | Some("" | "Halt") => Some(Self::Halt),
            Some("Rollback") => Some(Self::Rollback),
            Some(other) => {
                violations.add(ON_FAILURE_PATH, format!("{other:?} is not one of Halt, Rollback"));
                None
            }
        }
    }
}

fn threshold(parsed: Result<Amount, ParseAmountError>, violations: &mut Violations) -> Option<Amount> {
    match violations.take(THRESHOLD_PATH, parsed)? {
        Amount::Count(0) | Amount::Percent(0) => {
            let hint = "must be at least 1 or 1%: to stop a rollout, set spec.updateStrategy.paused";
            violations.add(THRESHOLD_PATH, hint);
            None
        }
        Amount::Percent(share) if share > 100 => {
            violations.add(THRESHOLD_PATH, "must be at most 100%");
            None
        }
        threshold @ (Amount::Count(_) | Amount::Percent(_)) => Some(threshold),
    }
}

fn deadline(seconds: Option<i32>, violations: &mut Violations) -> Option<Duration> {
    let Some(seconds) = seconds else {
        return Some(DEFAULT_DEADLINE);
    };
    match u64::try_from(seconds) {
        Ok(seconds @ 1..) => Some(Duration::from_secs(seconds)),
        Ok(0) | Err(_) => {
            violations.add(DEADLINE_PATH, "must be greater than or equal to 1");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(strategy: &Value) -> (Option<FailureLimit>, String) {
        let mut violations = Violations::default();
        let limit = FailureLimit::parse(&serde_json::from_value(strategy.clone()).unwrap(), &mut violations);
        (limit, violations.to_string())
    }

    #[test]
    fn without_a_threshold_there_is_no_limit() {
        assert_eq!(read(&json!({"progressDeadlineSeconds": 5, "onFailure": "Rollback"})), (None, String::new()));
    }

    #[test]
    fn a_threshold_alone_halts_after_ten_minutes() {
        let limit = FailureLimit {
            threshold: Amount::Percent(10),
            deadline: Duration::from_secs(600),
            on_failure: OnFailure::Halt,
        };

        assert_eq!(read(&json!({"failureThreshold": "10%"})), (Some(limit), String::new()));
    }

    #[test]
    fn everything_is_read() {
        let said = json!({"failureThreshold": 3, "progressDeadlineSeconds": 1, "onFailure": "Rollback"});
        let limit = FailureLimit {
            threshold: Amount::Count(3),
            deadline: Duration::from_secs(1),
            on_failure: OnFailure::Rollback,
        };

        assert_eq!(read(&said), (Some(limit), String::new()));
    }

    #[test]
    fn a_threshold_of_nothing_is_refused_with_a_hint() {
        let hint = "spec.updateStrategy.failureThreshold: must be at least 1 or 1%: to stop a rollout, set \
                    spec.updateStrategy.paused";

        assert_eq!(read(&json!({"failureThreshold": 0})), (None, hint.to_owned()));
        assert_eq!(read(&json!({"failureThreshold": "0%"})), (None, hint.to_owned()));
    }

    #[test]
    fn everything_wrong_is_told_with_its_path() {
        let wrong = json!({"failureThreshold": "101%", "progressDeadlineSeconds": 0, "onFailure": "Panic"});

        assert_eq!(
            read(&wrong).1,
            "spec.updateStrategy.failureThreshold: must be at most 100%, \
             spec.updateStrategy.progressDeadlineSeconds: must be greater than or equal to 1, \
             spec.updateStrategy.onFailure: \"Panic\" is not one of Halt, Rollback"
        );
        assert_eq!(
            read(&json!({"failureThreshold": "0"})).1,
            "spec.updateStrategy.failureThreshold: must be an integer or a percentage (such as 5 or \"10%\")"
        );
    }

    #[test]
    fn a_share_is_rounded_up_and_at_least_one() {
        let limit = read(&json!({"failureThreshold": "10%"})).0.unwrap();

        assert_eq!([0, 1, 10, 11].map(|matched| limit.pods(matched)), [1, 1, 1, 2]);
    }
}
