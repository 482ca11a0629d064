//! For how long a proof is used.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How long others have to learn of a new one before API servers are told of it. Whoever has not heard of the Secret for so long is
/// not ready, and is not asked.
const SPREAD: Duration = Duration::from_secs(60);
/// How long the one before is accepted after that: API servers learn of a registration by a watch, and what they have asked by then
/// is still to be answered.
pub(super) const OVERLAP: Duration = Duration::from_secs(600);

/// For how long a proof is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    life: Duration,
}

/// A life that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proof lasts 6 seconds at least, and at most 100 years")]
pub struct TermsError;

impl Terms {
    /// A day: what an API server cannot reach it tells its clients with the whole path.
    pub const A_DAY: Self = Self { life: Duration::from_secs(24 * 60 * 60) };

    const SHORTEST: Duration = Duration::from_secs(6);
    const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

    /// Returns those of proofs that last so long.
    ///
    /// # Errors
    /// It would end before everybody has seen it, or its end cannot be written down.
    pub fn new(life: Duration) -> Result<Self, TermsError> {
        let is_possible = (Self::SHORTEST..=Self::LONGEST).contains(&life);
        is_possible.then_some(Self { life }).ok_or(TermsError)
    }

    /// Returns when every replica knows one that was made then.
    pub(super) fn spreads(self, made: Timestamp) -> Timestamp {
        later(made, SPREAD.min(self.life / 12))
    }

    /// Returns when those before it are no longer accepted.
    pub(super) fn replaces(self, made: Timestamp) -> Timestamp {
        later(self.spreads(made), OVERLAP.min(self.life / 6))
    }

    /// Returns when a new one is made in its place: the rest of its life is for the change.
    pub(super) fn ends(self, made: Timestamp) -> Timestamp {
        later(made, self.life / 3 * 2)
    }

    /// Says whether it was made at a time that no clock could have shown.
    pub(super) fn is_beyond(self, made: Timestamp, now: Timestamp) -> bool {
        made > later(now, self.life)
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::A_DAY
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_that_is_over_before_everybody_has_seen_it_is_refused() {
        assert_eq!(Terms::new(Duration::from_secs(5)), Err(TermsError));
        assert_eq!(Terms::new(Duration::MAX), Err(TermsError));
        assert!(Terms::new(Duration::from_secs(6)).is_ok());
    }

    #[test]
    fn no_time_is_too_late_to_be_added_to() {
        assert_eq!(Terms::A_DAY.ends(Timestamp::MAX), Timestamp::MAX);
    }
}
