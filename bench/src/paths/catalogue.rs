//! What is measured.

use super::growth::Growth::{self, Independent, Linear};
use super::{reviews, rollouts, sets};
use Across::{Bytes, Containers, Matching, Namespaces, Pods, Sets};

/// Does the work of a path once, and drops what comes of it.
pub type Work = Box<dyn FnMut()>;

/// A path through the core.
#[derive(Debug, Clone, Copy)]
pub struct CorePath {
    /// Identifies it.
    pub name: &'static str,
    /// What its size counts.
    pub across: Across,
    /// The sizes at which it is measured, growing.
    pub sizes: &'static [usize],
    /// How its cost may grow with its size.
    pub growth: Growth,
    /// Makes the world of a size.
    pub prepare: fn(usize) -> Work,
}

/// What the size of a path counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// The bytes of a Pod.
    Bytes,
    /// The sets that there are, of which one has to do with it.
    Sets,
    /// The sets that select the Pod.
    Matching,
    /// The namespaces that there are.
    Namespaces,
    /// The Pods of a set.
    Pods,
    /// The containers of a set.
    Containers,
}

const BYTES: &[usize] = &[2_000, 20_000, 200_000];
const MANY_SETS: &[usize] = &[1, 10, 100, 500];
const MOST_SETS: &[usize] = &[1, 10, 100, 500, 2_000];
const FEW_SETS: &[usize] = &[1, 4, 16];
const REGISTERED: &[usize] = &[1, 10, 100, 200];
const NAMESPACES: &[usize] = &[10, 100, 1_000, 5_000];
const PODS: &[usize] = &[100, 1_000, 10_000];
const CONTAINERS: &[usize] = &[1, 10, 100];

/// Everything that is measured.
pub const CATALOGUE: &[CorePath] = &[
    path("plan/updated", Pods, PODS, Linear, rollouts::plan_updated),
    path("plan/all-at-once", Pods, PODS, Linear, rollouts::plan_all_at_once),
    path("plan/tenth-at-once", Pods, PODS, Linear, rollouts::plan_tenth_at_once),
    path("plan/ordered", Pods, PODS, Linear, rollouts::plan_ordered),
    path("status/updated", Pods, PODS, Linear, rollouts::status_updated),
    path("status/tenth-at-once", Pods, PODS, Linear, rollouts::status_tenth_at_once),
    path("upgrade/patch", Matching, FEW_SETS, Linear, rollouts::upgrade_patch),
    path("record/read-bytes", Bytes, BYTES, Linear, rollouts::read_by_bytes),
    path("record/read-sets", Matching, FEW_SETS, Linear, rollouts::read_by_sets),
    path("review/bytes", Bytes, BYTES, Linear, reviews::review_by_bytes),
    path("review/sets", Sets, MANY_SETS, Independent, reviews::review_by_sets),
    path("review/matching", Matching, FEW_SETS, Linear, reviews::review_by_matching),
    path("review/namespaces", Namespaces, NAMESPACES, Independent, reviews::review_by_namespaces),
    path("parse/bytes", Bytes, BYTES, Linear, reviews::parse_by_bytes),
    path("select/sets", Sets, MOST_SETS, Independent, reviews::select_by_sets),
    path("select/sets-elsewhere", Sets, MOST_SETS, Independent, reviews::select_by_sets_elsewhere),
    path("select/namespaces", Namespaces, NAMESPACES, Independent, reviews::select_by_namespaces),
    path("inject/bytes", Bytes, BYTES, Linear, reviews::inject_by_bytes),
    path("inject/matching", Matching, FEW_SETS, Linear, reviews::inject_by_matching),
    path("inject-again/bytes", Bytes, BYTES, Linear, reviews::inject_again_by_bytes),
    path("inject-again/matching", Matching, FEW_SETS, Linear, reviews::inject_again_by_matching),
    path("answer/bytes", Bytes, BYTES, Independent, reviews::answer_by_bytes),
    path("answer/matching", Matching, FEW_SETS, Linear, reviews::answer_by_matching),
    path("register/sets", Sets, REGISTERED, Linear, sets::register),
    path("catalog/put-set", Sets, MOST_SETS, Independent, sets::put),
    // A namespace that changes is rare: that all sets are asked whether they care takes some instructions for each.
    path("catalog/put-namespace", Sets, MOST_SETS, Linear, sets::put_namespace),
    path("hash/containers", Containers, CONTAINERS, Linear, sets::hash),
    path("validate/containers", Containers, CONTAINERS, Linear, sets::validate),
    path("validate/sets", Sets, MANY_SETS, Linear, sets::validate_among),
];

const fn path(
    name: &'static str,
    across: Across,
    sizes: &'static [usize],
    growth: Growth,
    prepare: fn(usize) -> Work,
) -> CorePath {
    CorePath { name, across, sizes, growth, prepare }
}

/// Returns the path of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static CorePath> {
    CATALOGUE.iter().find(|path| path.name == name)
}

impl CorePath {
    /// Returns how often the work is done while it is counted: less often where once takes long under callgrind.
    #[must_use]
    pub fn times(&self, size: usize) -> u32 {
        match self.across {
            Pods if size > 1_000 => 1,
            Pods => 4,
            Bytes if size > 100_000 => 3,
            Bytes | Sets | Matching | Namespaces | Containers => 10,
        }
    }
}

impl Across {
    /// Returns it in words.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Bytes => "bytes of the Pod",
            Sets => "sets",
            Matching => "sets of the Pod",
            Namespaces => "namespaces",
            Pods => "Pods",
            Containers => "containers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_does_its_work_twice() {
        for path in CATALOGUE {
            let mut work = (path.prepare)(path.sizes[0]);

            work();
            work();
        }
    }

    #[test]
    fn no_two_paths_have_one_name() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|path| path.name).collect();
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), CATALOGUE.len());
    }
}
