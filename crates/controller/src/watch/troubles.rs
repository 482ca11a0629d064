//! What goes wrong with following objects, and for how long to wait then.

use crate::metrics::Interruption;
use kube::runtime::watcher::{self, Event};
use sidecarset_core::reconcile::backoff;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A failure this long ago is over.
const FORGIVEN_AFTER: Duration = Duration::from_secs(120);

/// After how many failures in a row the objects are listed anew.
const PATIENCE: u32 = 5;

/// Why a watch does not go on by itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("failed to follow the objects")]
    Watch(#[source] watcher::Error),
    #[error("the next part of the list took too long")]
    Silence(#[from] tokio::time::error::Elapsed),
    #[error("the list broke off")]
    BreakOff,
}

impl Trouble {
    /// Returns the word by which it is counted.
    pub(super) fn interruption(&self) -> Interruption {
        match self {
            Self::Watch(error) => interruption(error),
            Self::Silence(_) => Interruption::Silent,
            Self::BreakOff => Interruption::BrokeOff,
        }
    }
}

fn interruption(error: &watcher::Error) -> Interruption {
    let code = match error {
        watcher::Error::WatchError(status) => Some(status.code),
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => Some(status.code),
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => None,
    };
    match code {
        Some(410) => Interruption::Expired,
        Some(_) => Interruption::Refused,
        None => Interruption::Failed,
    }
}

/// How far the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Due,
    UnderWay,
    Complete,
}

#[derive(Debug)]
pub(super) struct Troubles {
    progress: Progress,
    failures: u32,
    last: Option<Instant>,
}

impl Default for Troubles {
    fn default() -> Self {
        Self { progress: Progress::Due, failures: 0, last: None }
    }
}

impl Troubles {
    pub(super) fn is_listing(&self) -> bool {
        self.progress != Progress::Complete
    }

    /// Takes note that a list begins that nobody has to wait for.
    pub(super) fn restart(&mut self) {
        self.progress = Progress::Due;
    }

    /// Takes note of an event: what still comes is not in trouble, unless it is a list that begins again.
    pub(super) fn heed<K>(&mut self, event: &Event<K>) -> Option<Trouble> {
        match event {
            Event::Init => {
                let before = std::mem::replace(&mut self.progress, Progress::UnderWay);
                return (before == Progress::UnderWay).then_some(Trouble::BreakOff);
            }
            Event::InitApply(_) => {}
            Event::InitDone => {
                self.progress = Progress::Complete;
                self.failures = 0;
            }
            Event::Apply(_) | Event::Delete(_) => self.failures = 0,
        }
        None
    }

    /// Counts a failure, and answers how long to wait.
    pub(super) fn add(&mut self, trouble: &Trouble, now: Instant) -> Duration {
        match trouble {
            // The next list is under way already.
            Trouble::BreakOff => {}
            Trouble::Watch(_) | Trouble::Silence(_) if self.is_listing() => self.progress = Progress::Due,
            Trouble::Watch(_) | Trouble::Silence(_) => {}
        }
        if self.last.is_some_and(|last| now - last > FORGIVEN_AFTER) {
            self.failures = 0;
        }
        self.last = Some(now);
        self.failures = self.failures.saturating_add(1);
        backoff::delay(self.failures).min(LONGEST_WAIT)
    }

    /// Says whether the objects have to be listed anew.
    pub(super) fn is_hopeless(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Silence(_) => true,
            Trouble::Watch(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410 => true,
            Trouble::Watch(_) | Trouble::BreakOff => self.failures.is_multiple_of(PATIENCE),
        }
    }

    /// Says whether a list in pages may succeed where one that was streamed has not.
    pub(super) fn is_for_pages(&self, trouble: &Trouble) -> bool {
        match trouble {
            // API servers that do not stream lists refuse it, or, if they are so old that they know nothing of it, never
            // tell the end.
            Trouble::Watch(watcher::Error::WatchStartFailed(kube::Error::Api(status))) => {
                [400, 422].contains(&status.code)
            }
            Trouble::Silence(_) => true,
            Trouble::BreakOff => self.failures.is_multiple_of(PATIENCE),
            Trouble::Watch(_) => false,
        }
    }
}

pub(super) fn tell(kind: &str, trouble: &Trouble) {
    match trouble {
        Trouble::Watch(watcher::Error::InitialListFailed(kube::Error::Api(status))) if status.code == 404 => {
            warn!(kind, "the API server does not know this kind yet: waiting for its definition");
        }
        Trouble::Watch(_) | Trouble::Silence(_) | Trouble::BreakOff => {
            warn!(kind, error = trouble as &dyn Error, "the watch was interrupted");
        }
    }
}
