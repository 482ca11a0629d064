//! In which rhythm the Pods of a term and the others alternate.

/// How many Pods match a term, and how many do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) matching: usize,
    pub(super) others: usize,
}

/// A few other Pods, then groups of some matching Pods and some others, then whatever is left of either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recipe {
    /// How many others come first.
    lead: usize,
    /// How many groups there are.
    groups: usize,
    /// How many Pods of each kind a group has.
    size: Counts,
    /// How many others there are.
    others: usize,
}

impl Recipe {
    /// Decides from all Pods and from those that wait, both of which have Pods of either kind.
    pub(super) fn of(all: Counts, waiting: Counts) -> Self {
        // As in Kruise: as dense as the waiting Pods are, unless more matching than other Pods were upgraded already;
        // then as dense as all Pods are, at the end.
        if all.others * waiting.matching >= waiting.others * all.matching {
            let (groups, size) = groups(waiting);
            return Self { lead: 0, groups, size, others: waiting.others };
        }
        let (_, size) = groups(all);
        let groups = (waiting.matching / size.matching).min(waiting.others / size.others);
        Self { lead: waiting.others - groups * size.others, groups, size, others: waiting.others }
    }

    /// Returns how many others come before the matching Pod at this place among the matching Pods.
    pub(super) fn before(&self, at: usize) -> usize {
        let groups_before = (at / self.size.matching).min(self.groups);
        // Sizes are rounded, so there may be fewer others than the groups would take.
        (self.lead + groups_before * self.size.others).min(self.others)
    }
}

fn groups(counts: Counts) -> (usize, Counts) {
    let groups = counts.matching.min(counts.others);
    let size = |count: usize| (2 * count + groups) / (2 * groups);
    (groups, Counts { matching: size(counts.matching), others: size(counts.others) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(all: (usize, usize), waiting: (usize, usize)) -> Vec<usize> {
        let counts = |(matching, others)| Counts { matching, others };
        let recipe = Recipe::of(counts(all), counts(waiting));
        (0..waiting.0).map(|at| recipe.before(at)).collect()
    }

    #[test]
    fn groups_are_as_large_as_the_counts_say_rounded_half_up() {
        assert_eq!(before((2, 9), (2, 9)), [0, 5]);
        assert_eq!(before((2, 5), (2, 5)), [0, 3]);
        assert_eq!(before((3, 4), (3, 4)), [0, 1, 2]);
        assert_eq!(before((4, 2), (4, 2)), [0, 0, 1, 1]);
        assert_eq!(before((5, 3), (5, 3)), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn matching_pods_beyond_the_groups_come_after_all_groups() {
        assert_eq!(before((4, 3), (4, 3)), [0, 1, 2, 3]);
    }

    #[test]
    fn where_more_matching_pods_were_upgraded_than_others_the_others_come_first() {
        assert_eq!(before((2, 9), (1, 9)), [4]);
        assert_eq!(before((4, 8), (2, 8)), [4, 6]);
        assert_eq!(before((5, 6), (2, 6)), [4, 5]);
    }

    #[test]
    fn where_the_waiting_pods_make_no_whole_group_all_others_come_first() {
        assert_eq!(before((9, 2), (1, 2)), [2]);
    }
}
