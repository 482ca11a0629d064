//! How long a lease lasts, and what follows from that.

use std::time::Duration;

/// How long a lease lasts: whole seconds, from one second to ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    seconds: u16,
}

impl Term {
    const LONGEST: u16 = 600;

    /// Returns the term of this length, if there is such a one.
    #[must_use]
    pub const fn of(length: Duration) -> Option<Self> {
        let seconds = length.as_secs();
        if seconds == 0 || seconds > Self::LONGEST as u64 || length.subsec_nanos() > 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the longest fits")]
        Some(Self { seconds: seconds as u16 })
    }

    /// Returns how long a lease lasts: others wait for so long after its last change.
    #[must_use]
    pub fn length(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Returns how long its holder leads after having asked for the last renewal. What is left of the lease then is for
    /// writes that the API server has not done yet, and for clocks that go at different rates.
    #[must_use]
    pub fn tenure(self) -> Duration {
        self.length() * 2 / 3
    }

    /// Returns how much time is between two renewals, and between two looks of others.
    #[must_use]
    pub fn pause(self) -> Duration {
        self.length() * 2 / 15
    }

    /// Returns how long the API server may take to answer. A holder that gets no answer has the time to ask again.
    #[must_use]
    pub fn patience(self) -> Duration {
        self.length() / 4
    }

    /// Returns what is written into a Lease.
    #[must_use]
    pub(super) fn seconds(self) -> i32 {
        self.seconds.into()
    }
}

impl Default for Term {
    /// Returns 15 seconds, as is usual in Kubernetes.
    fn default() -> Self {
        Self { seconds: 15 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_whole_seconds_up_to_ten_minutes() {
        let of = |millis| Term::of(Duration::from_millis(millis)).map(Term::length);

        assert_eq!([of(0), of(999), of(1500), of(600_001), of(601_000)], [None; 5]);
        assert_eq!(of(1000), Some(Duration::from_secs(1)));
        assert_eq!(of(600_000), Some(Duration::from_secs(600)));
    }

    #[test]
    fn a_holder_can_ask_twice_and_stops_five_seconds_before_others_begin() {
        let term = Term::default();

        let millis = [term.pause(), term.patience(), term.tenure(), term.length()].map(|time| time.as_millis());

        assert_eq!(millis, [2_000, 3_750, 10_000, 15_000]);
    }
}
