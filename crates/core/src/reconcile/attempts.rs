//! Upgrades that are being written or could not be, and what follows from that for the next ones.

#[cfg(test)]
mod tests;

use super::Monotonic;
use super::Now;
use super::backoff;
use crate::normalize::CanonicalSet;
use crate::record::{PodRecord, ResourceVersion, Uid};
use crate::rollout::{self, Hold};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// For how long an upgrade counts as done of which nobody knows. A write that was done shows long before.
const DOUBT: Duration = Duration::from_secs(30);

/// Why an upgrade was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteHold {
    /// The Pod is no longer the one that was decided on. Ends when the watch shows the one it is now.
    Conflict,
    /// The API server, or an admission webhook, does not take it. Ends with a later attempt.
    Refused,
    /// The API server does not take the changed cpu and memory. Ends with a later attempt, or another change.
    ResizeRefused,
    /// A value of the set cannot be merged into an annotation of the Pod. Ends with a later attempt.
    NotMerged,
    /// The API server has too much to do. Ends with a later attempt, not before the time it asks for.
    Throttled {
        /// The time it asks for.
        retry_after: Duration,
    },
    /// The API server failed. Ends with a later attempt.
    Failed,
    /// Nothing was sent, because this replica does not lead any more. Whoever leads makes the next attempt.
    NotLeading,
    /// There was no answer, so that it may be written or not. Ends when the watch shows it, or with a later attempt.
    Unanswered,
}

impl WriteHold {
    /// Returns how long to wait after that many failures in a row.
    pub fn wait(self, failures: u32) -> Duration {
        match self {
            Self::Throttled { retry_after } => backoff::delay(failures).max(retry_after),
            Self::Conflict
            | Self::Refused
            | Self::ResizeRefused
            | Self::NotMerged
            | Self::Failed
            | Self::NotLeading
            | Self::Unanswered => backoff::delay(failures),
        }
    }
}

/// The upgrades that are being written or could not be, by set.
#[derive(Debug, Default)]
pub struct InFlightWrites {
    sets: BTreeMap<Arc<str>, InFlightOfSet>,
}

/// Those of one set.
#[derive(Debug, Clone, Default)]
pub struct InFlightOfSet {
    // An attempt says nothing about another definition, but for a doubt: the Pod may be on its way to that one still.
    hash: Arc<str>,
    by_uid: BTreeMap<Uid, InFlightWrite>,
    // Those that are being written, by the uid of their Pod.
    under_way: BTreeMap<Uid, Unconfirmed>,
    // The set was deleted. What may be written by now counts for one of its name that comes after it.
    is_left_over: bool,
}

#[derive(Debug, Clone)]
struct InFlightWrite {
    hold: WriteHold,
    failures: u32,
    retry_at: Monotonic,
    // Where nobody answered.
    in_doubt: Option<Unconfirmed>,
    resource_version: ResourceVersion,
    // What was said to it, for people.
    answer: Option<Arc<str>>,
}

/// An upgrade that may be written by now: it counts as done.
#[derive(Debug, Clone)]
struct Unconfirmed {
    // The version of the Pod that it asked for.
    version: ResourceVersion,
    until: Monotonic,
}

/// What an earlier attempt means for a Pod.
enum RetryState {
    Free,
    Deferred,
    InDoubt,
}

impl InFlightWrites {
    /// Returns the attempts of a set that still mean something. Those at Pods that are gone or upgraded to the end, and
    /// those for an earlier definition, are forgotten, unless nobody knows what became of them.
    pub fn of(&mut self, set: &CanonicalSet, matched: &[Arc<PodRecord>], now: Monotonic) -> InFlightOfSet {
        let Some(attempts) = self.sets.get_mut(&set.name) else { return InFlightOfSet::default() };
        attempts.turn_to(set);
        let is_due = |pod: &PodRecord| !rollout::is_updated(set, pod) || rollout::is_handing_over(set, pod);
        let pods: BTreeMap<&Uid, &PodRecord> = matched.iter().map(|pod| (&pod.uid, &**pod)).collect();
        let matters = |pod: &PodRecord, attempt: &InFlightWrite| attempt.is_in_doubt(pod, now) || is_due(pod);
        attempts.by_uid.retain(|uid, attempt| pods.get(uid).is_some_and(|pod| matters(pod, attempt)));
        attempts.under_way.retain(|uid, doubt| pods.get(uid).is_some_and(|pod| doubt.is_open(pod, now)));
        if attempts.is_empty() {
            self.sets.remove(&set.name);
            return InFlightOfSet::default();
        }
        attempts.clone()
    }

    /// Notes that an upgrade is being written, until it is known what became of it.
    pub fn begin(&mut self, set: &CanonicalSet, pod: &PodRecord, now: Monotonic) {
        let attempts = self.sets.entry(Arc::clone(&set.name)).or_default();
        attempts.turn_to(set);
        attempts.under_way.insert(pod.uid.clone(), Unconfirmed::of(pod, now));
    }

    /// Notes that an upgrade was not written, and answers how often in a row that was so.
    pub fn fail(&mut self, set: &CanonicalSet, pod: &PodRecord, hold: WriteHold, now: Monotonic) -> u32 {
        let attempts = self.sets.entry(Arc::clone(&set.name)).or_default();
        attempts.turn_to(set);
        attempts.under_way.remove(&pod.uid);
        let before = attempts.by_uid.remove(&pod.uid);
        let failures = before.as_ref().map_or(1, |before| before.failures.saturating_add(1));
        let wait = hold.wait(failures);
        let doubted = before.and_then(|before| before.in_doubt).filter(|doubt| doubt.version == pod.resource_version);
        // A later attempt at the same version does not begin the doubt anew: it would never end.
        let in_doubt = match hold {
            WriteHold::Unanswered => doubted.or_else(|| Some(Unconfirmed::of(pod, now))),
            WriteHold::Conflict
            | WriteHold::Refused
            | WriteHold::ResizeRefused
            | WriteHold::NotMerged
            | WriteHold::Throttled { .. }
            | WriteHold::Failed
            | WriteHold::NotLeading => doubted,
        };
        let resource_version = pod.resource_version.clone();
        let attempt = InFlightWrite { hold, failures, retry_at: now + wait, in_doubt, resource_version, answer: None };
        attempts.by_uid.insert(pod.uid.clone(), attempt);
        failures
    }

    /// Notes what was said to the upgrade that was not written.
    pub fn note_answer(&mut self, set: &str, pod: &PodRecord, answer: &str) {
        let attempt = self.sets.get_mut(set).and_then(|attempts| attempts.by_uid.get_mut(&pod.uid));
        if let Some(attempt) = attempt.filter(|attempt| attempt.hold != WriteHold::Conflict) {
            attempt.answer = Some(answer.into());
        }
    }

    /// Notes that an upgrade was written, or that its Pod is gone.
    pub fn succeed(&mut self, set: &str, pod: &PodRecord) {
        if let Some(attempts) = self.sets.get_mut(set) {
            attempts.by_uid.remove(&pod.uid);
            attempts.under_way.remove(&pod.uid);
        }
    }

    /// Forgets a set that is gone, but for upgrades that may be written by now: a set of its name that comes after it has the
    /// same Pods, and each of these upgrades spends its budget.
    pub fn forget(&mut self, set: &str, now: Monotonic) {
        if let Some(attempts) = self.sets.get_mut(set) {
            attempts.is_left_over = true;
        }
        self.expire(now);
    }

    /// Forgets what is left of sets after which none came, as soon as it means nothing any more.
    pub fn expire(&mut self, now: Monotonic) {
        self.sets.retain(|_, attempts| !attempts.is_left_over || attempts.keep_doubts(now));
    }

    /// Returns when the next Pod may be tried again, or the next doubt ends. Those whose time had come when it was planned
    /// wait for something else.
    pub fn next(&self, set: &str, planned: Monotonic) -> Option<Monotonic> {
        let attempts = self.sets.get(set)?;
        let retries = attempts.by_uid.values().map(|attempt| attempt.retry_at);
        let in_doubt = attempts.by_uid.values().filter_map(|attempt| attempt.in_doubt.as_ref());
        let doubts = in_doubt.chain(attempts.under_way.values()).map(|doubt| doubt.until);
        retries.chain(doubts).filter(|at| *at > planned).min()
    }
}

impl InFlightOfSet {
    /// Forgets everything but what may be written by now, and says whether there is something of that.
    fn keep_doubts(&mut self, now: Monotonic) -> bool {
        self.by_uid.retain(|_, attempt| attempt.in_doubt.as_ref().is_some_and(|doubt| now < doubt.until));
        self.under_way.retain(|_, doubt| now < doubt.until);
        !self.is_empty()
    }

    /// Forgets the attempts for another definition, but for those of which nobody knows what became.
    pub(super) fn turn_to(&mut self, set: &CanonicalSet) {
        self.is_left_over = false;
        if self.hash != set.hashes.full {
            self.hash = Arc::clone(&set.hashes.full);
            self.by_uid.retain(|_, attempt| attempt.in_doubt.is_some());
        }
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_uid.is_empty() && self.under_way.is_empty()
    }

    /// Returns what was said to the first of the Pods that were tried in vain.
    pub fn answer(&self, matched: &[Arc<PodRecord>]) -> Option<Arc<str>> {
        matched.iter().find_map(|pod| self.by_uid.get(&pod.uid)?.answer.clone())
    }

    /// Says whether an upgrade of the Pod is being written.
    pub fn is_under_way(&self, pod: &PodRecord) -> bool {
        self.under_way.contains_key(&pod.uid)
    }

    /// Returns why a Pod waits for another attempt, or for the end of this one.
    pub fn reason(&self, pod: &PodRecord) -> Hold {
        if self.is_under_way(pod) {
            return Hold::InFlight;
        }
        self.failed(pod).unwrap_or(Hold::NotTaken)
    }

    /// Returns why the last attempt at a Pod was in vain, if it was.
    pub fn failed(&self, pod: &PodRecord) -> Option<Hold> {
        self.by_uid.get(&pod.uid).map(|attempt| match attempt.hold {
            WriteHold::NotMerged => Hold::NotMerged,
            WriteHold::ResizeRefused => Hold::ResizeRefused,
            // That happens to any Pod whose status changes just then, and is nobody's trouble.
            WriteHold::Conflict => Hold::Changed,
            WriteHold::Refused
            | WriteHold::Throttled { .. }
            | WriteHold::Failed
            | WriteHold::NotLeading
            | WriteHold::Unanswered => Hold::NotTaken,
        })
    }

    /// Returns the Pods as the rollout has to see them: without those that wait for another attempt, unless they spend
    /// the budget, and with the upgrades in doubt as if they were done and their Pods not ready yet, so that they spend
    /// it too. What is planned for a Pod that [`Self::may_try`] does not allow is void.
    pub fn assume(&self, set: &CanonicalSet, matched: &[Arc<PodRecord>], now: Now) -> Vec<Arc<PodRecord>> {
        let pods = matched.iter().filter_map(|pod| match self.standing(pod, now.monotonic) {
            RetryState::Free => Some(Arc::clone(pod)),
            RetryState::Deferred => rollout::counts_as_unavailable(set, pod, now.wall).then(|| Arc::clone(pod)),
            RetryState::InDoubt => Some(Arc::new(rollout::assume_upgraded(set, pod))),
        });
        pods.collect()
    }

    /// Says whether a Pod may be written now.
    pub fn may_try(&self, pod: &PodRecord, now: Monotonic) -> bool {
        matches!(self.standing(pod, now), RetryState::Free)
    }

    fn standing(&self, pod: &PodRecord, now: Monotonic) -> RetryState {
        if self.under_way.get(&pod.uid).is_some_and(|doubt| doubt.is_open(pod, now)) {
            return RetryState::InDoubt;
        }
        match self.by_uid.get(&pod.uid) {
            Some(attempt) if attempt.is_in_doubt(pod, now) => RetryState::InDoubt,
            Some(attempt) if attempt.is_waiting(pod, now) => RetryState::Deferred,
            Some(_) | None => RetryState::Free,
        }
    }
}

impl InFlightWrite {
    fn is_waiting(&self, pod: &PodRecord, now: Monotonic) -> bool {
        // A conflict is over as soon as the watch shows another version of the Pod.
        let is_over = self.hold == WriteHold::Conflict && self.resource_version != pod.resource_version;
        now < self.retry_at && !is_over
    }

    fn is_in_doubt(&self, pod: &PodRecord, now: Monotonic) -> bool {
        self.in_doubt.as_ref().is_some_and(|doubt| doubt.is_open(pod, now))
    }
}

impl Unconfirmed {
    fn of(pod: &PodRecord, now: Monotonic) -> Self {
        Self { version: pod.resource_version.clone(), until: now + DOUBT }
    }

    // The upgrade asked for that very version, so the next version that shows is either the upgrade or somebody
    // else's write, which made the upgrade impossible: in both cases the doubt is over.
    fn is_open(&self, pod: &PodRecord, now: Monotonic) -> bool {
        self.version == pod.resource_version && now < self.until
    }
}
