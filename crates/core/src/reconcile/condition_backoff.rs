//! When conditions of Pods that could not be written are tried again. Each Pod waits for itself.

use super::Monotonic;
use super::attempts::WriteHold;
use crate::record::Uid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Writes that wait for another attempt, by the set that asks for them and the `uid` of the Pod.
#[derive(Debug, Default)]
pub struct ConditionBackoff {
    sets: BTreeMap<Arc<str>, BTreeMap<Uid, Pause>>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    failures: u32,
    until: Monotonic,
}

impl ConditionBackoff {
    /// Forgets the Pods of a set whose conditions are as they should be by now.
    pub fn keep(&mut self, set: &str, due: &BTreeSet<&Uid>) {
        if let Some(pauses) = self.sets.get_mut(set) {
            pauses.retain(|uid, _| due.contains(uid));
            if pauses.is_empty() {
                self.sets.remove(set);
            }
        }
    }

    /// Says whether a Pod waits.
    pub fn is_waiting(&self, set: &str, uid: &Uid, now: Monotonic) -> bool {
        self.pause(set, uid).is_some_and(|pause| now < pause.until)
    }

    /// Notes that a Pod could not be written.
    pub fn add(&mut self, set: &Arc<str>, uid: &Uid, hold: WriteHold, now: Monotonic) {
        let failures = self.pause(set, uid).map_or(1, |pause| pause.failures.saturating_add(1));
        let pause = Pause { failures, until: now + hold.wait(failures) };
        self.sets.entry(Arc::clone(set)).or_default().insert(uid.clone(), pause);
    }

    /// Notes that a Pod was written.
    pub fn remove(&mut self, set: &str, uid: &Uid) {
        if let Some(pauses) = self.sets.get_mut(set) {
            pauses.remove(uid);
            if pauses.is_empty() {
                self.sets.remove(set);
            }
        }
    }

    /// Returns when the next Pod of a set may be tried again.
    pub fn next(&self, set: &str) -> Option<Monotonic> {
        self.sets.get(set)?.values().map(|pause| pause.until).min()
    }

    fn pause(&self, set: &str, uid: &Uid) -> Option<&Pause> {
        self.sets.get(set)?.get(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_pod_waits_longer_after_each_failure_and_no_other_pod_does() {
        let now = Monotonic::START;
        let (set, uid) = (Arc::from("log-sc"), Uid::from("u1"));
        let mut pauses = ConditionBackoff::default();

        pauses.add(&set, &uid, WriteHold::Failed, now);
        pauses.add(&set, &uid, WriteHold::Failed, now);

        assert!(pauses.is_waiting("log-sc", &uid, now + Duration::from_millis(199)));
        assert!(!pauses.is_waiting("log-sc", &uid, now + Duration::from_millis(200)));
        assert!(!pauses.is_waiting("log-sc", &Uid::from("u2"), now));
        assert_eq!(pauses.next("log-sc"), Some(now + Duration::from_millis(200)));
    }

    #[test]
    fn a_pod_whose_condition_is_as_it_should_be_is_forgotten() {
        let now = Monotonic::START;
        let mut pauses = ConditionBackoff::default();
        pauses.add(&Arc::from("log-sc"), &Uid::from("u1"), WriteHold::Refused, now);

        pauses.keep("log-sc", &BTreeSet::new());

        assert!(pauses.sets.is_empty());
    }

    #[test]
    fn nothing_is_kept_of_a_set_whose_last_pod_was_written() {
        let mut pauses = ConditionBackoff::default();
        pauses.add(&Arc::from("log-sc"), &Uid::from("u1"), WriteHold::Refused, Monotonic::START);

        pauses.remove("log-sc", &Uid::from("u1"));

        assert!(pauses.sets.is_empty());
    }
}
