//! What a write of ours is worth against what a watch shows.

use crate::reconcile::Monotonic;
use crate::record::{Interner, PodRecord, ResourceVersion, Uid};
use std::cmp::Ordering;

/// A write of ours that the watch has not shown yet.
#[derive(Debug)]
pub(super) struct OwnWrite {
    /// When it is believed no longer.
    pub(super) deadline: Monotonic,
    /// The newest of the older Pods that the watch showed: it is taken after all when the deadline passes.
    pub(super) overruled: Option<PodRecord>,
    uid: Uid,
    resource_version: ResourceVersion,
}

impl OwnWrite {
    pub(super) fn of(record: &PodRecord, deadline: Monotonic) -> Self {
        Self { deadline, overruled: None, uid: record.uid.clone(), resource_version: record.resource_version.clone() }
    }

    /// Has what the watch showed say what it says of a set that was not known before.
    pub(super) fn adopt(&mut self, set: &str, interner: &mut Interner) {
        if let Some(adopting) = self.overruled.as_ref().and_then(|overruled| overruled.adopting(set, interner)) {
            self.overruled = Some(adopting);
        }
    }

    /// Says whether this write is newer than what the watch shows.
    pub(super) fn outweighs(&self, shown: &PodRecord, now: Monotonic) -> bool {
        now < self.deadline
            && self.uid == shown.uid
            && compare(&shown.resource_version, &self.resource_version) == Some(Ordering::Less)
    }
}

/// Says whether `later` is the same Pod as `earlier`, some writes later.
pub(super) fn is_successor(later: &PodRecord, earlier: &PodRecord) -> bool {
    let order = compare(&later.resource_version, &earlier.resource_version);
    later.uid == earlier.uid && order.is_none_or(Ordering::is_gt)
}

/// Compares two versions of an object; there is no order between versions that are not numbers.
fn compare(one: &ResourceVersion, other: &ResourceVersion) -> Option<Ordering> {
    Some(one.number()?.cmp(&other.number()?))
}
