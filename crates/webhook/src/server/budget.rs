//! How much memory all reviews together may take that are under way.

use sidecarset_metrics::Gauge;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;

/// The largest body that is read.
///
/// etcd takes an object of 1.5 MiB, and a Pod is stored in a form in which a letter is one byte and the name of a member is a number.
/// In the JSON of a review a letter is up to six bytes (`\u003c`), and what has long names and little in them grows by a little more
/// than seven times, such as the terms of an affinity. So what can be stored is at most eight times as long in a review, with what
/// stands there beside it. SidecarSets are stored as JSON, and two of them are less than that.
pub(super) const LARGEST_BODY: usize = 12 * MIB;

/// A review takes at most so many times the bytes of its body, and that beside it. A test holds it to that.
const COST: usize = 4;
const FRAME: usize = 16 * 1024;

/// How long a review waits for its turn: less than an API server waits for an answer, so that it can try again.
const PATIENCE: Duration = Duration::from_secs(1);

/// How fine it is counted.
const UNIT: usize = 1024;
/// One part of so many is for small reviews alone, so that they do not wait for large ones.
const PARTS: usize = 8;
/// From how many bytes on a review is large.
const LARGE: usize = MIB;

/// How much memory all reviews together may take that are under way.
#[derive(Debug)]
pub struct Budget {
    all: Arc<Semaphore>,
    // What of it large ones may take.
    large: Arc<Semaphore>,
    bytes: usize,
    taken: Gauge,
}

/// A budget that a review could be too large for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reviews need {} MiB at least, for the largest one that an API server may ask for", Budget::LEAST / MIB)]
pub struct BudgetError;

/// A part of the budget, until this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
    all: OwnedSemaphorePermit,
    _large: Option<OwnedSemaphorePermit>,
}

/// What is taken of all, and of what large ones may take.
type Taken = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// Too much of the budget is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

impl Budget {
    /// What is enough, in bytes: five times the least that a small review waits for.
    pub const USUAL: usize = 64 * MIB;

    /// What the largest review needs.
    pub const LEAST: usize = (LARGEST_BODY * COST + MIB).div_ceil(PARTS - 1) * PARTS;

    /// Returns one of so many bytes, which shows there how many of them are taken.
    ///
    /// # Errors
    /// The largest review would never be answered.
    pub fn new(bytes: usize, taken: Gauge) -> Result<Self, BudgetError> {
        if bytes < Self::LEAST {
            return Err(BudgetError);
        }
        let units = |bytes: usize| Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS)));
        Ok(Self { all: units(bytes), large: units(bytes / PARTS * (PARTS - 1)), bytes, taken })
    }

    /// Returns the share of a review whose body has so many bytes, once there is room for it.
    pub(super) async fn share(self: &Arc<Self>, body: usize) -> Result<Share, Busy> {
        let bytes = body.saturating_mul(COST).saturating_add(FRAME);
        let (all, large) = match self.take_at_once(bytes) {
            Some(taken) => taken,
            None => timeout(PATIENCE, self.take(bytes)).await.unwrap_or(Err(Busy))?,
        };
        self.taken.add(signed(bytes));
        Ok(Share { budget: Arc::clone(self), bytes, all, _large: large })
    }

    /// Takes it without waiting, as nearly always.
    fn take_at_once(&self, bytes: usize) -> Option<Taken> {
        let take = |from: &Arc<Semaphore>| Arc::clone(from).try_acquire_many_owned(units(bytes)).ok();
        let large = if bytes < LARGE { None } else { Some(take(&self.large)?) };
        Some((take(&self.all)?, large))
    }

    async fn take(&self, bytes: usize) -> Result<Taken, Busy> {
        let take =
            async |from: &Arc<Semaphore>| Arc::clone(from).acquire_many_owned(units(bytes)).await.map_err(|_| Busy);
        let large = if bytes < LARGE { None } else { Some(take(&self.large).await?) };
        Ok((take(&self.all).await?, large))
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::USUAL, Gauge::default()).expect("the usual budget is more than the least")
    }
}

impl Share {
    /// Makes it so many bytes, if it is less, and if there is room for them at this moment. Nothing takes more than all that there is.
    pub(super) fn cover(&mut self, bytes: usize) -> Result<(), Busy> {
        let bytes = bytes.min(self.budget.bytes);
        let more = units(bytes).saturating_sub(units(self.bytes));
        if more > 0 {
            let permit = Arc::clone(&self.budget.all).try_acquire_many_owned(more).map_err(|_| Busy)?;
            self.all.merge(permit);
            self.budget.taken.add(signed(bytes - self.bytes));
            self.bytes = bytes;
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.add(-signed(self.bytes));
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use tokio::time::Instant;

    fn budget(bytes: usize) -> (Arc<Budget>, Gauge) {
        let taken = Gauge::default();
        (Arc::new(Budget::new(bytes, taken.clone()).unwrap()), taken)
    }

    #[test]
    fn the_largest_review_that_an_api_server_asks_for_is_within_each_budget() {
        let (least, _) = budget(Budget::LEAST);

        assert!(least.share(LARGEST_BODY).now_or_never().unwrap().is_ok());
        assert_eq!(Budget::new(Budget::LEAST - 1, Gauge::default()).unwrap_err(), BudgetError);
        const { assert!(Budget::LEAST <= Budget::USUAL) };
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_beyond_it_waits_for_a_second_and_no_longer() {
        let (budget, taken) = budget(Budget::USUAL);
        let first = budget.share(7 * MIB).await.unwrap();
        let began = Instant::now();

        assert!(budget.share(6 * MIB).await.is_ok());
        let _second = budget.share(6 * MIB).await.unwrap();
        assert_eq!(budget.share(7 * MIB).await.unwrap_err(), Busy);
        assert_eq!(began.elapsed(), PATIENCE);

        drop(first);
        assert!(budget.share(7 * MIB).await.is_ok());
        assert_eq!(taken.number(), signed(6 * MIB * COST + FRAME));
    }

    #[tokio::test]
    async fn a_small_one_does_not_wait_for_large_ones() {
        let (budget, _) = budget(Budget::USUAL);
        let _large = [budget.share(7 * MIB).await.unwrap(), budget.share(6 * MIB).await.unwrap()];
        let waiting = budget.share(7 * MIB);
        tokio::pin!(waiting);
        assert!(futures::poll!(waiting.as_mut()).is_pending());

        let small: Vec<_> = (0..64).map(|_| budget.share(20_000).now_or_never()).collect();

        assert!(small.iter().all(|share| matches!(share, Some(Ok(_)))));
    }

    #[test]
    fn an_answer_that_takes_more_than_its_share_needs_room_for_that() {
        let (budget, taken) = budget(Budget::USUAL);
        let mut share = budget.share(2_000).now_or_never().unwrap().unwrap();

        share.cover(10_000).unwrap();
        assert_eq!(taken.number(), 2_000 * 4 + signed(FRAME));
        share.cover(MIB).unwrap();
        assert_eq!(taken.number(), signed(MIB));
        let other = budget.share(2_000).now_or_never().unwrap().unwrap();
        assert_eq!(share.cover(100 * MIB), Err(Busy));
        drop(other);
        share.cover(100 * MIB).unwrap();
        drop(share);

        assert_eq!(taken.number(), 0);
        assert_eq!(budget.all.available_permits(), Budget::USUAL / UNIT);
    }
}
