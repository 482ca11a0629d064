//! Others who write what is ours: reported once for each change, and answered less and less often.

use crate::metrics::{ForeignChange, Metrics};
use crate::registration::Drift;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long it is left as others wrote it the second time, and twice as long each time after that.
const FIRST: Duration = Duration::from_secs(20);
/// The longest that it is left.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// What is known of others who write our registration.
#[derive(Debug, Default)]
pub(super) struct Contention {
    reported: Drift,
    last: Option<Rewrite>,
}

#[derive(Debug, Clone, Copy)]
struct Rewrite {
    at: Instant,
    // How long the next one waits.
    pause: Duration,
}

impl Contention {
    /// Takes in how the registration differs from what we wrote, and reports what is new about that.
    pub(super) fn report(&mut self, drift: Drift, metrics: &Metrics) {
        let by = drift.by.as_deref().unwrap_or_default();
        if drift.lost != self.reported.lost && !drift.lost.is_empty() {
            metrics.changed_by_others(ForeignChange::Overwritten);
            warn!(by, fields = ?drift.lost, "somebody else changed what the operator wrote into the webhook configurations");
        }
        if drift.narrowed != self.reported.narrowed && drift.narrowed.is_empty() {
            info!("nobody else keeps the API server from calling the webhook any more");
        } else if drift.narrowed != self.reported.narrowed {
            metrics.changed_by_others(ForeignChange::Narrowed);
            let added = &drift.narrowed;
            warn!(by, ?added, "somebody else keeps the API server from calling the webhook for some objects");
        }
        self.reported = drift;
    }

    /// Returns how long what others overwrote is left as it is: nothing the first time.
    pub(super) fn due(&self, now: Instant) -> Instant {
        match self.last {
            Some(last) if !last.is_forgotten(now) => last.at + last.pause,
            Some(_) | None => now,
        }
    }

    /// Notes that it is written again.
    pub(super) fn rewrite(&mut self, now: Instant) {
        let pause = match self.last {
            Some(last) if !last.is_forgotten(now) => (last.pause * 2).min(LONGEST),
            Some(_) | None => FIRST,
        };
        self.last = Some(Rewrite { at: now, pause });
        self.reported.lost.clear();
    }
}

impl Rewrite {
    /// Says whether it has stayed for so long that the next one is another matter.
    fn is_forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) > 2 * self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Returns after how many seconds it is written again where it is overwritten so long after each time.
    fn rewrites(contention: &mut Contention, start: Instant, overwritten_after: Duration, times: usize) -> Vec<u64> {
        let mut now = start;
        let rewrite = |_| {
            now = contention.due(now);
            contention.rewrite(now);
            let at = now.duration_since(start).as_secs();
            now += overwritten_after;
            at
        };
        (0..times).map(rewrite).collect()
    }

    #[test]
    fn what_stays_as_others_made_it_is_reported_once() {
        let (mut contention, metrics) = (Contention::default(), Metrics::default());
        let some = |what: &str| BTreeSet::from([what.to_owned()]);
        let drift = |lost: BTreeSet<String>, narrowed, by: &str| Drift { lost, narrowed, by: Some(by.to_owned()) };
        let mut report = |drift| {
            contention.report(drift, &metrics);
            [ForeignChange::Overwritten, ForeignChange::Narrowed].map(|change| metrics.foreign_changes(change))
        };

        assert_eq!(report(drift(some("policy"), BTreeSet::new(), "one")), [1, 0]);
        assert_eq!(report(drift(some("policy"), some("selector"), "two")), [1, 1]);
        assert_eq!(report(drift(BTreeSet::new(), some("selector"), "two")), [1, 1]);
        assert_eq!(report(Drift::default()), [1, 1]);
        assert_eq!(report(drift(BTreeSet::new(), some("selector"), "two")), [1, 2]);
    }

    #[test]
    fn who_overwrites_it_each_time_is_answered_less_and_less_often() {
        let found = rewrites(&mut Contention::default(), Instant::now(), seconds(1), 9);

        assert_eq!(found, [0, 20, 60, 140, 300, 620, 1220, 1820, 2420]);
    }

    #[test]
    fn who_overwrites_it_now_and_then_is_answered_at_once() {
        let found = rewrites(&mut Contention::default(), Instant::now(), seconds(100), 3);

        assert_eq!(found, [0, 100, 200]);
    }

    #[test]
    fn after_a_long_quarrel_and_a_long_peace_it_is_written_at_once() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        let last = *rewrites(&mut contention, start, seconds(1), 9).last().unwrap();
        let later = start + seconds(last) + 2 * LONGEST + seconds(1);

        assert_eq!(contention.due(later), later);
        contention.rewrite(later);
        assert_eq!(contention.due(later), later + FIRST);
    }
}
