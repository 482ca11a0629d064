//! How fast events are written.

use std::time::Duration;
use tokio::time::Instant;

/// How many may come at once.
const BURST: u32 = 50;

/// One comes this long after another, in the long run.
const INTERVAL: Duration = Duration::from_millis(200);

/// When the next event may be written.
#[derive(Debug, Default)]
pub(super) struct Pace {
    // When all that were written would have been, one after each interval.
    paid: Option<Instant>,
}

impl Pace {
    /// Returns when one may be written, and counts it.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let paid = self.paid.map_or(now, |paid| paid.max(now)) + INTERVAL;
        self.paid = Some(paid);
        // Before the clock began there is no moment, and then nothing has to wait.
        paid.checked_sub(INTERVAL * BURST).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_come_at_once_and_then_five_a_second() {
        let now = Instant::now() + Duration::from_secs(3600);
        let mut pace = Pace::default();

        let waits: Vec<u128> = (0..53).map(|_| (pace.next(now) - now).as_millis()).collect();

        assert!(waits[..50].iter().all(|wait| *wait == 0), "{waits:?}");
        assert_eq!(waits[50..], [200, 400, 600]);
    }

    #[test]
    fn after_a_rest_there_is_room_again() {
        let now = Instant::now() + Duration::from_secs(3600);
        let mut pace = Pace::default();
        for _ in 0..60 {
            pace.next(now);
        }

        let later = now + Duration::from_secs(60);

        assert_eq!(pace.next(later), later);
    }
}
