//! Which of several replicas leads: a Lease of the cluster names one of them, for a while.
//!
//! Its holder renews it. Others take it once they have seen it unchanged for as long as it lasts, and a holder that could not
//! renew it stops earlier than that, counted from before it asked for the last renewal. Each measures that by a clock of its own
//! which only goes forward: what time it is, and what time others wrote, plays no part. So there is no moment at which two
//! lead, whatever is lost or late on the way.

mod record;
#[cfg(test)]
mod tests;

use crate::term::Term;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use record::{claimed, holder, length, version};
use std::time::Duration;

/// A moment by the clock of this process that only goes forward: how long after some moment in its past.
pub type Moment = Duration;

/// The time, as the two clocks show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What everything is measured by.
    pub monotonic: Moment,
    /// What is written into the Lease, for people.
    pub wall: Timestamp,
}

/// One that may come to lead: what it knows of the Lease.
#[derive(Debug, Clone)]
pub struct Candidate {
    identity: String,
    term: Term,
    seen: Option<Seen>,
    // While it leads: until when.
    tenure: Option<Moment>,
    loss: Option<Loss>,
    // In a row.
    failures: u32,
    task: Task,
    due: Moment,
}

/// What is to be done about the Lease.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing before this moment.
    Wait {
        /// The moment.
        until: Moment,
    },
    /// Ask what it says.
    Look,
    /// Create it.
    Create(Box<Lease>),
    /// Write it in place of the very version that it carries.
    Replace(Box<Lease>),
    /// Nothing any more: whoever led has to stop at once.
    Stop(Loss),
}

/// Why one that led leads no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// It could not be renewed for so long that another one may take it.
    #[error("the lease could not be renewed in time")]
    NotRenewed,
    /// Somebody wrote another holder into it.
    #[error("the lease was taken over by {by:?}")]
    Taken {
        /// The holder.
        by: String,
    },
}

/// The newest that is known of the Lease.
#[derive(Debug, Clone)]
struct Seen {
    // None where it is gone.
    lease: Option<Lease>,
    // When it was first seen to be so.
    since: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Look,
    Write,
}

impl Candidate {
    /// Returns one that knows nothing yet. No two processes that run at the same time may have the same identity.
    #[must_use]
    pub fn new(identity: String, term: Term) -> Self {
        Self { identity, term, seen: None, tenure: None, loss: None, failures: 0, task: Task::Look, due: Moment::ZERO }
    }

    /// Returns until when it leads, if it does. It may act until then, and has to stop then.
    #[must_use]
    pub fn leads_until(&self) -> Option<Moment> {
        self.tenure.filter(|_| self.loss.is_none())
    }

    /// Returns who holds the Lease, as far as is known.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.seen.as_ref()?.lease.as_ref().and_then(holder)
    }

    /// Decides what is to be done now. One that has to stop has to for ever.
    #[must_use]
    pub fn decide(&self, now: Now) -> Decision {
        if let Some(loss) = &self.loss {
            return Decision::Stop(loss.clone());
        }
        if self.tenure.is_some_and(|until| now.monotonic >= until) {
            return Decision::Stop(Loss::NotRenewed);
        }
        if now.monotonic < self.due {
            return Decision::Wait { until: self.tenure.map_or(self.due, |until| until.min(self.due)) };
        }
        match self.task {
            Task::Look => Decision::Look,
            Task::Write => self.write(now.wall),
        }
    }

    /// Takes in what the Lease says, or that there is none.
    pub fn saw(&mut self, lease: Option<Lease>, now: Moment) {
        let is_first = self.seen.is_none();
        self.failures = 0;
        self.note(lease, now);
        let found = self.seen.as_ref().and_then(|seen| seen.lease.as_ref());
        let by = found.and_then(holder);
        let is_ours = by == Some(&*self.identity);
        if self.tenure.is_some() {
            // It may be gone; but another holder, or none, is somebody's decision.
            if found.is_some() && !is_ours {
                self.loss = Some(Loss::Taken { by: by.unwrap_or_default().to_owned() });
            }
            return self.plan(Task::Write, now);
        }
        // A run of ours before this one is over: nobody else has our identity. A Lease that is gone may have been somebody's
        // until just now.
        let is_free = is_ours || found.map_or(is_first, |_| by.is_none());
        match self.end() {
            _ if is_free => self.plan(Task::Write, now),
            end if now >= end => self.plan(Task::Write, now),
            end => self.plan(Task::Look, end.min(now + self.term.pause())),
        }
    }

    /// Notes that the Lease was written as was decided: this is what it says. `asked` is a moment before the write was
    /// asked for.
    pub fn wrote(&mut self, lease: Lease, asked: Moment) {
        self.failures = 0;
        self.note(Some(lease), asked);
        self.tenure = Some(asked + self.term.tenure());
        self.plan(Task::Write, asked + self.term.pause());
    }

    /// Notes that the Lease was not written, because it is not as it was.
    pub fn missed(&mut self, now: Moment) {
        self.plan(Task::Look, now);
    }

    /// Notes that there was no answer, or none that says anything about the Lease: what was asked for may be done or not. One
    /// that does not lead asks less and less often then.
    pub fn failed(&mut self, now: Moment) {
        let longer = if self.tenure.is_some() { 0 } else { self.failures.min(16) };
        self.failures = self.failures.saturating_add(1);
        let pause = (self.term.pause() * 2_u32.pow(longer)).min(self.term.longest_pause());
        self.plan(Task::Look, now + pause);
    }

    /// Returns what gives back a Lease that has just been read, if it is ours: others may take it at once then. Whoever led
    /// has to have stopped before.
    #[must_use]
    pub fn release(&self, lease: &Lease, wall: Timestamp) -> Option<Lease> {
        (holder(lease) == Some(&self.identity)).then(|| record::released(lease, wall))
    }

    fn write(&self, wall: Timestamp) -> Decision {
        let before = self.seen.as_ref().and_then(|seen| seen.lease.as_ref());
        let lease = Box::new(claimed(before, &self.identity, self.term, wall));
        match before {
            Some(_) => Decision::Replace(lease),
            None => Decision::Create(lease),
        }
    }

    fn note(&mut self, lease: Option<Lease>, now: Moment) {
        let is_same = self.seen.as_ref().is_some_and(|seen| version(seen.lease.as_ref()) == version(lease.as_ref()));
        let since = self.seen.as_ref().filter(|_| is_same).map_or(now, |seen| seen.since);
        self.seen = Some(Seen { lease, since });
    }

    /// Returns when the holder that there is, or was, has stopped for certain.
    fn end(&self) -> Moment {
        self.seen.as_ref().map_or(Moment::ZERO, |seen| seen.since + length(seen.lease.as_ref(), self.term))
    }

    fn plan(&mut self, task: Task, due: Moment) {
        self.task = task;
        self.due = due;
    }
}
