//! The order in which sets are looked at. Plain data without a clock: time is handed in.

use super::backoff;

use super::Monotonic;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// When each set is looked at next.
#[derive(Debug, Default)]
pub struct Schedule {
    // Exactly the sets that are due at some time and not taken.
    order: BTreeSet<(Monotonic, Arc<str>)>,
    sets: BTreeMap<Arc<str>, Turn>,
}

/// For how long a set is left in peace that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Whatever happens.
    pub until: Monotonic,
    /// If nothing happens but changes of its Pods.
    pub from_pods_until: Monotonic,
}

/// The sets that are to be looked at now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many there are.
    pub sets: usize,
    /// How long the first of them has waited.
    pub longest: Duration,
}

#[derive(Debug, Default)]
struct Turn {
    due: Option<Monotonic>,
    is_taken: bool,
    is_forgotten: bool,
    // Whether its Pods have changed since it was taken.
    is_touched: bool,
    rest: Option<Rest>,
    failures: u32,
}

impl Rest {
    /// Returns a rest that is over by then, whatever happens.
    pub fn over(at: Monotonic) -> Self {
        Self { until: at, from_pods_until: at }
    }

    /// Makes changes of the Pods wait for longer.
    pub fn and_from_pods(self, until: Monotonic) -> Self {
        Self { from_pods_until: self.from_pods_until.max(until), ..self }
    }
}

impl Schedule {
    /// Adds a set, or brings its time forward. A set that rests is due when it has rested.
    pub fn add(&mut self, set: Arc<str>, at: Monotonic) {
        let turn = self.sets.entry(Arc::clone(&set)).or_default();
        turn.is_forgotten = false;
        let at = turn.rest.map_or(at, |rest| at.max(rest.until));
        if turn.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = turn.due.replace(at) {
            self.order.remove(&(due, Arc::clone(&set)));
        }
        if !turn.is_taken {
            self.order.insert((at, set));
        }
    }

    /// Adds a set whose Pods have changed.
    pub fn touch(&mut self, set: Arc<str>, now: Monotonic) {
        let turn = self.sets.entry(Arc::clone(&set)).or_default();
        if turn.is_taken {
            turn.is_touched = true;
            turn.is_forgotten = false;
            return;
        }
        let at = turn.rest.map_or(now, |rest| now.max(rest.from_pods_until));
        self.add(set, at);
    }

    /// Takes the set that has been due the longest.
    pub fn take(&mut self, now: Monotonic) -> Option<Arc<str>> {
        if self.next()? > now {
            return None;
        }
        let (_, set) = self.order.pop_first()?;
        if let Some(turn) = self.sets.get_mut(&set) {
            turn.due = None;
            turn.is_taken = true;
        }
        Some(set)
    }

    /// Gives back a set that was looked at. Nothing is kept of one that has rested and is not due.
    pub fn finish(&mut self, set: &Arc<str>, rest: Rest, now: Monotonic) {
        if let Some(turn) = self.sets.get_mut(set) {
            turn.failures = 0;
            turn.rest = Some(rest).filter(|rest| rest.until.max(rest.from_pods_until) > now);
        }
        self.release(set, now);
    }

    /// Gives back a set that could not be looked at, to be taken again after a while.
    pub fn fail(&mut self, set: &Arc<str>, now: Monotonic) {
        if let Some(turn) = self.sets.get_mut(set) {
            turn.failures = turn.failures.saturating_add(1);
            let retry_at = now + backoff::delay(turn.failures);
            turn.rest = Some(Rest::over(retry_at));
            turn.due = Some(retry_at);
        }
        self.release(set, now);
    }

    /// Forgets a set. One that is taken still has to be given back.
    pub fn forget(&mut self, set: &str) {
        let Some(turn) = self.sets.get_mut(set) else { return };
        if turn.is_taken {
            *turn = Turn { is_taken: true, is_forgotten: true, ..Turn::default() };
        } else if let Some((set, Turn { due: Some(due), .. })) = self.sets.remove_entry(set) {
            self.order.remove(&(due, set));
        }
    }

    /// Returns when the next set is due.
    pub fn next(&self) -> Option<Monotonic> {
        self.order.first().map(|(due, _)| *due)
    }

    /// Returns how many sets are due and wait.
    pub fn waiting(&self, now: Monotonic) -> Waiting {
        let sets = self.order.iter().take_while(|(due, _)| *due <= now).count();
        let longest = self.next().map_or(Duration::ZERO, |due| now.since(due));
        Waiting { sets, longest }
    }

    fn release(&mut self, set: &Arc<str>, now: Monotonic) {
        let Some(turn) = self.sets.get_mut(set) else { return };
        turn.is_taken = false;
        let is_touched = std::mem::take(&mut turn.is_touched);
        let touched = is_touched.then(|| turn.rest.map_or(now, |rest| rest.from_pods_until));
        let due = turn.due.map(|due| turn.rest.map_or(due, |rest| due.max(rest.until)));
        if let Some(due) = due.into_iter().chain(touched).min() {
            turn.due = Some(due);
            self.order.insert((due, Arc::clone(set)));
        } else if turn.is_forgotten || turn.rest.is_none() {
            self.sets.remove(set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn set(name: &str) -> Arc<str> {
        name.into()
    }

    /// A schedule of which the only set is being looked at.
    fn taken(now: Monotonic) -> Schedule {
        let mut schedule = Schedule::default();
        schedule.add(set("a"), now);
        schedule.take(now);
        schedule
    }

    #[test]
    fn a_set_that_is_added_twice_is_taken_once() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();

        schedule.add(set("a"), now);
        schedule.add(set("a"), now);

        assert_eq!(schedule.take(now), Some(set("a")));
        schedule.finish(&set("a"), Rest::over(now), now);
        assert_eq!(schedule.take(now), None);
    }

    #[test]
    fn the_set_that_has_been_due_the_longest_comes_first() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();

        schedule.add(set("a"), now + SECOND);
        schedule.add(set("b"), now);

        assert_eq!(schedule.take(now + SECOND), Some(set("b")));
        assert_eq!(schedule.take(now + SECOND), Some(set("a")));
    }

    #[test]
    fn a_set_is_not_taken_before_its_time() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();

        schedule.add(set("a"), now + SECOND);

        assert_eq!(schedule.take(now), None);
        assert_eq!(schedule.next(), Some(now + SECOND));
    }

    #[test]
    fn only_sets_that_are_due_wait() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();
        schedule.add(set("a"), now);
        schedule.add(set("b"), now + SECOND);
        schedule.add(set("c"), now + 4 * SECOND);
        schedule.add(set("d"), now);
        schedule.take(now);

        let waiting = schedule.waiting(now + 3 * SECOND);

        assert_eq!(waiting, Waiting { sets: 2, longest: 3 * SECOND });
        assert_eq!(Schedule::default().waiting(now), Waiting::default());
    }

    #[test]
    fn an_earlier_time_wins_over_a_later_one() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();

        schedule.add(set("a"), now + SECOND);
        schedule.add(set("a"), now);
        schedule.add(set("a"), now + SECOND);

        assert_eq!(schedule.take(now), Some(set("a")));
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn a_set_that_is_added_while_it_is_looked_at_waits_for_that() {
        let now = Monotonic::START;
        let mut schedule = taken(now);

        schedule.add(set("a"), now);

        assert_eq!(schedule.take(now), None);
        schedule.finish(&set("a"), Rest::over(now), now);
        assert_eq!(schedule.take(now), Some(set("a")));
    }

    #[test]
    fn a_set_that_rests_is_left_in_peace() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.add(set("a"), now);
        schedule.finish(&set("a"), Rest::over(now + SECOND), now);

        schedule.add(set("a"), now);

        assert_eq!(schedule.take(now), None);
        assert_eq!(schedule.take(now + SECOND), Some(set("a")));
    }

    #[test]
    fn a_set_that_rests_from_its_pods_waits_for_that_when_they_change() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.touch(set("a"), now);
        schedule.finish(&set("a"), Rest { until: now, from_pods_until: now + SECOND }, now);

        schedule.touch(set("a"), now);

        assert_eq!(schedule.next(), Some(now + SECOND));
    }

    #[test]
    fn a_set_that_rests_from_its_pods_is_taken_at_once_when_it_changes_itself() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.touch(set("a"), now);
        schedule.finish(&set("a"), Rest { until: now, from_pods_until: now + SECOND }, now);

        schedule.add(set("a"), now);

        assert_eq!(schedule.take(now), Some(set("a")));
    }

    #[test]
    fn a_set_that_has_rested_is_taken_at_once_when_its_pods_change() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.finish(&set("a"), Rest { until: now, from_pods_until: now + SECOND }, now);

        schedule.touch(set("a"), now + SECOND);

        assert_eq!(schedule.take(now + SECOND), Some(set("a")));
    }

    #[test]
    fn each_failure_makes_the_wait_longer_until_a_success() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        schedule.add(set("a"), now);

        for _ in 0..3 {
            schedule.take(now + SECOND).unwrap();
            schedule.fail(&set("a"), now);
            waits.push((schedule.next().unwrap() - now).as_millis());
        }
        schedule.take(now + SECOND).unwrap();
        schedule.finish(&set("a"), Rest::over(now), now);
        schedule.add(set("a"), now);
        schedule.take(now).unwrap();
        schedule.fail(&set("a"), now);
        waits.push((schedule.next().unwrap() - now).as_millis());

        assert_eq!(waits, [100, 200, 400, 100]);
    }

    #[test]
    fn nothing_is_kept_of_a_set_that_has_rested() {
        let now = Monotonic::START;
        let mut schedule = taken(now);

        schedule.finish(&set("a"), Rest::over(now), now);

        assert!(schedule.sets.is_empty() && schedule.order.is_empty());
    }

    #[test]
    fn a_set_whose_pods_have_changed_while_it_was_looked_at_is_due_when_it_has_rested() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.touch(set("a"), now);

        schedule.finish(&set("a"), Rest::over(now), now + SECOND);

        assert_eq!(schedule.take(now + SECOND), Some(set("a")));
    }

    #[test]
    fn a_set_that_is_forgotten_is_not_taken() {
        let now = Monotonic::START;
        let mut schedule = Schedule::default();
        schedule.add(set("a"), now);

        schedule.forget("a");

        assert_eq!(schedule.take(now), None);
        assert!(schedule.sets.is_empty());
    }

    #[test]
    fn a_set_that_is_forgotten_while_it_is_looked_at_does_not_come_again() {
        let now = Monotonic::START;
        let mut schedule = taken(now);
        schedule.add(set("a"), now);

        schedule.forget("a");
        schedule.finish(&set("a"), Rest::over(now), now);

        assert_eq!(schedule.take(now), None);
        assert!(schedule.sets.is_empty());
    }
}
