//! Reads the clock by which waits are measured, for those that read none.

use sidecarset_core::reconcile::Monotonic;
use tokio::time::Instant;

/// A clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Returns the time.
    pub(crate) fn now(self) -> Monotonic {
        Monotonic::after_start(self.start.elapsed())
    }

    /// Returns when something is waited for.
    pub(crate) fn instant(self, at: Monotonic) -> Instant {
        self.start + at.since_start()
    }
}

impl Default for Clock {
    /// Returns one that starts now.
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}
