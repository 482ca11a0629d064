//! Where a SidecarSet says that something is paused: in the older spelling or in today's, as the set itself has it, so that it
//! does not say the same thing twice.

use serde_json::{Value, json};

const OLDER: &str = "/spec/paused";
const TODAYS: &str = "/spec/updateStrategy/paused";
const INJECTION: &str = "/spec/injectionStrategy/paused";

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// The rollout to running Pods.
    Rollout,
    /// The injection into new Pods.
    Injection,
}

impl Paused {
    /// Says whether it is.
    pub fn is_so(self, set: &Value) -> bool {
        let said = |path: &str| set.pointer(path).and_then(Value::as_bool);
        let said = match self {
            Self::Rollout => said(TODAYS).or_else(|| said(OLDER)),
            Self::Injection => said(INJECTION),
        };
        said.unwrap_or_default()
    }

    /// Returns the set with it said.
    pub fn set(self, set: &Value, value: bool) -> Value {
        let mut set = set.clone();
        for path in self.paths(&set) {
            let mut place = &mut set;
            for member in path.split('/').skip(1) {
                if place.is_null() {
                    *place = json!({});
                }
                place = &mut place[member];
            }
            *place = value.into();
        }
        set
    }

    fn paths(self, set: &Value) -> Vec<&'static str> {
        let is_said = |path: &str| set.pointer(path).is_some_and(|value| !value.is_null());
        match self {
            Self::Injection => vec![INJECTION],
            Self::Rollout => match (is_said(OLDER), is_said(TODAYS)) {
                // They have to say the same.
                (true, true) => vec![OLDER, TODAYS],
                (true, false) => vec![OLDER],
                (false, true) => vec![TODAYS],
                // As the guide has it, beside `spec.strategy.rollingUpdate`.
                (false, false) if is_said("/spec/strategy") => vec![OLDER],
                (false, false) => vec![TODAYS],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(spec: &Value) -> Value {
        Paused::Rollout.set(&json!({"spec": spec}), true)["spec"].take()
    }

    #[test]
    fn a_set_is_paused_in_todays_spelling() {
        assert_eq!(paused(&json!({})), json!({"updateStrategy": {"paused": true}}));
        assert_eq!(
            paused(&json!({"updateStrategy": {"partition": 1}})),
            json!({"updateStrategy": {"partition": 1, "paused": true}})
        );
    }

    #[test]
    fn a_set_in_the_older_spelling_is_paused_in_that() {
        assert_eq!(paused(&json!({"paused": false})), json!({"paused": true}));
        let strategy = json!({"rollingUpdate": {"maxUnavailable": 2}});
        // What the webhook fills in is not what the author has written.
        let filled_in = json!({"type": "RollingUpdate", "partition": 0});
        assert_eq!(
            paused(&json!({"strategy": strategy, "updateStrategy": filled_in})),
            json!({"strategy": strategy, "updateStrategy": filled_in, "paused": true})
        );
    }

    #[test]
    fn a_set_that_says_it_in_both_spellings_never_contradicts_itself() {
        let set = json!({"spec": {"paused": true, "updateStrategy": {"paused": true}}});

        assert!(Paused::Rollout.is_so(&set));
        let resumed = Paused::Rollout.set(&set, false);
        assert_eq!(resumed, json!({"spec": {"paused": false, "updateStrategy": {"paused": false}}}));
        assert!(!Paused::Rollout.is_so(&resumed));
    }

    #[test]
    fn injection_is_paused_for_itself() {
        let set = Paused::Injection.set(&json!({"spec": {}}), true);

        assert_eq!(set, json!({"spec": {"injectionStrategy": {"paused": true}}}));
        assert!(Paused::Injection.is_so(&set) && !Paused::Rollout.is_so(&set));
    }
}
