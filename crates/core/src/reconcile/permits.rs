//! How many writes of Pods are under way at once, and how they are shared among sets.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The writes of Pods that are under way.
#[derive(Debug)]
pub(super) struct Permits {
    limit: usize,
    taken: BTreeMap<Arc<str>, usize>,
}

impl Permits {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), taken: BTreeMap::new() }
    }

    /// Says how many may be under way at once.
    pub(super) fn limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    /// Takes one for a set, if there is one: where so many sets have something to write, none may have more than its share.
    pub(super) fn take(&mut self, set: &Arc<str>, sets: usize, most: usize) -> bool {
        let share = self.limit.div_ceil(sets.max(1)).min(most);
        let is_free = self.taken.values().sum::<usize>() < self.limit && self.of(set) < share;
        if is_free {
            *self.taken.entry(Arc::clone(set)).or_default() += 1;
        }
        is_free
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self, set: &str) {
        if let Some(taken) = self.taken.get_mut(set) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                self.taken.remove(set);
            }
        }
    }

    fn of(&self, set: &str) -> usize {
        self.taken.get(set).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(permits: &mut Permits, set: &str, sets: usize) -> usize {
        (0..100).take_while(|_| permits.take(&set.into(), sets, usize::MAX)).count()
    }

    #[test]
    fn a_set_alone_takes_all_permits_and_no_more() {
        let mut permits = Permits::new(16);

        assert_eq!(taken(&mut permits, "a", 1), 16);

        permits.give_back("a");
        assert_eq!(taken(&mut permits, "a", 1), 1);
    }

    #[test]
    fn what_a_slow_set_gives_back_is_for_the_one_that_has_less() {
        let mut permits = Permits::new(4);
        taken(&mut permits, "slow", 1);
        permits.give_back("slow");

        assert_eq!(taken(&mut permits, "slow", 2), 0);
        assert_eq!(taken(&mut permits, "other", 2), 1);
    }

    #[test]
    fn of_many_sets_each_gets_one() {
        let mut permits = Permits::new(2);

        assert_eq!(["a", "b", "c"].map(|set| taken(&mut permits, set, 3)), [1, 1, 0]);
    }
}
