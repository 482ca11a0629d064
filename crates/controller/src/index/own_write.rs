//! What a write of ours is worth against what a watch shows.

use sidecarset_core::record::PodRecord;
use std::cmp::Ordering;
use std::sync::Arc;
use tokio::time::Instant;

/// A write of ours that the watch has not shown yet.
#[derive(Debug)]
pub(super) struct OwnWrite {
    /// When it is believed no longer.
    pub(super) deadline: Instant,
    /// The newest of the older Pods that the watch showed: it is taken after all when the deadline passes.
    pub(super) overruled: Option<PodRecord>,
    uid: Arc<str>,
    resource_version: Arc<str>,
}

impl OwnWrite {
    pub(super) fn of(record: &PodRecord, deadline: Instant) -> Self {
        Self {
            deadline,
            overruled: None,
            uid: Arc::clone(&record.uid),
            resource_version: Arc::clone(&record.resource_version),
        }
    }

    /// Says whether this write is newer than what the watch shows.
    pub(super) fn outweighs(&self, shown: &PodRecord, now: Instant) -> bool {
        now < self.deadline
            && *self.uid == *shown.uid
            && compare(&shown.resource_version, &self.resource_version) == Some(Ordering::Less)
    }
}

/// Says whether `later` is the same Pod as `earlier`, some writes later.
pub(super) fn is_successor(later: &PodRecord, earlier: &PodRecord) -> bool {
    let order = compare(&later.resource_version, &earlier.resource_version);
    later.uid == earlier.uid && order.is_none_or(Ordering::is_gt)
}

/// Compares two versions of an object; there is no order between versions that are not numbers.
fn compare(one: &str, other: &str) -> Option<Ordering> {
    let version = |text: &str| text.parse::<u64>().ok();
    Some(version(one)?.cmp(&version(other)?))
}
