//! The time by which waits are measured.

use crate::annotations::Seconds;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment of a clock that never goes back, as the time since its start. Nothing here reads a clock: whoever does hands it in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

/// The time, as the two clocks show it.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// What is written into objects.
    pub wall: Seconds,
    /// What waits are measured by.
    pub monotonic: Monotonic,
}

impl Monotonic {
    /// The moment at which the clock starts.
    pub const START: Self = Self(Duration::ZERO);

    /// Returns the moment that long after the start.
    #[must_use]
    pub const fn after_start(time: Duration) -> Self {
        Self(time)
    }

    /// Returns the time since the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Returns the time since another moment; none where that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    /// Never goes beyond what can be said.
    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Sub for Monotonic {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
