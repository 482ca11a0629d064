//! How long a lease lasts, and what follows from that.

use std::time::Duration;

/// How long a lease lasts, for how long of that its holder leads, and how often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    seconds: u16,
    tenure: Duration,
    pause: Duration,
}

/// Why these times do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// A Lease holds whole seconds; and a holder that is gone must not be waited for without end.
    #[error("a lease lasts whole seconds, from 1 to {}", Term::LONGEST)]
    Length,
    /// Its holder would still write while others lead.
    #[error("the renew deadline has to be shorter than the lease")]
    Deadline,
    /// Its holder would have no time to ask twice.
    #[error("the retry period has to be above zero, and the renew deadline more than 1.2 times as long")]
    Pause,
}

impl Term {
    const LONGEST: u16 = 600;

    /// Returns a term: a lease of this length is renewed every `pause`, and its holder stops `tenure` after it has asked for
    /// the last renewal. What is left of the lease then is for writes that the API server has not done yet, and for clocks
    /// that go at different rates.
    ///
    /// # Errors
    /// The length is not one of whole seconds up to ten minutes, or each is not shorter than the one before.
    pub fn new(length: Duration, tenure: Duration, pause: Duration) -> Result<Self, TermError> {
        let seconds = seconds(length).ok_or(TermError::Length)?;
        if tenure >= length {
            return Err(TermError::Deadline);
        }
        if pause.is_zero() || tenure <= pause * 6 / 5 {
            return Err(TermError::Pause);
        }
        Ok(Self { seconds, tenure, pause })
    }

    /// Returns how long a lease lasts: others wait for so long after its last change.
    #[must_use]
    pub fn length(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Returns how long its holder leads after having asked for the last renewal.
    #[must_use]
    pub fn tenure(self) -> Duration {
        self.tenure
    }

    /// Returns how much time is between two renewals, and between two looks of others.
    #[must_use]
    pub fn pause(self) -> Duration {
        self.pause
    }

    /// Returns how long the API server may take to answer. A holder that gets no answer has the time to ask again.
    #[must_use]
    pub fn patience(self) -> Duration {
        (self.tenure - self.pause) / 2
    }

    /// Returns what is written into a Lease.
    #[must_use]
    pub(crate) fn seconds(self) -> i32 {
        self.seconds.into()
    }

    /// Returns how long one may go without a look when looks fail, however often.
    pub(crate) fn longest_pause(self) -> Duration {
        self.length().max(self.pause)
    }
}

impl Default for Term {
    /// Returns 15 seconds, of which a holder leads for 10, and 2 between two renewals, as is usual in Kubernetes.
    fn default() -> Self {
        Self { seconds: 15, tenure: Duration::from_secs(10), pause: Duration::from_secs(2) }
    }
}

/// Returns the seconds of a length that a lease may have.
pub(crate) fn seconds(length: Duration) -> Option<u16> {
    let seconds = u16::try_from(length.as_secs()).ok()?;
    ((1..=Term::LONGEST).contains(&seconds) && length.subsec_nanos() == 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(length: u64, tenure: u64, pause: u64) -> Result<Term, TermError> {
        let [length, tenure, pause] = [length, tenure, pause].map(Duration::from_millis);
        Term::new(length, tenure, pause)
    }

    #[test]
    fn a_lease_lasts_whole_seconds_up_to_ten_minutes() {
        for length in [0, 999, 1500, 600_001, 601_000, u64::MAX] {
            assert_eq!(term(length, 500, 100), Err(TermError::Length), "{length}");
        }
        assert_eq!(term(1000, 500, 100).map(Term::length), Ok(Duration::from_secs(1)));
        assert_eq!(term(600_000, 500, 100).map(Term::length), Ok(Duration::from_secs(600)));
    }

    #[test]
    fn a_holder_stops_before_its_lease_ends_and_has_the_time_to_ask_twice() {
        assert_eq!(term(15_000, 15_000, 2000), Err(TermError::Deadline));
        assert_eq!(term(15_000, 10_000, 0), Err(TermError::Pause));
        assert_eq!(term(15_000, 2400, 2000), Err(TermError::Pause));
        assert!(term(15_000, 2401, 2000).is_ok());
    }

    #[test]
    fn by_default_a_holder_can_ask_twice_and_stops_five_seconds_before_others_begin() {
        let term = Term::default();

        let seconds = [term.pause(), term.patience(), term.tenure(), term.length()].map(|time| time.as_secs());

        assert_eq!(seconds, [2, 4, 10, 15]);
        assert_eq!(Term::new(term.length(), term.tenure(), term.pause()), Ok(term));
    }
}
