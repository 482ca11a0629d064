//! Which SidecarSets are looked at next. A set that waits is there once, however often it was added, and a set
//! that is being looked at waits until that is over.

pub(crate) mod schedule;

use crate::metrics::Waiting;
use parking_lot::Mutex;
use schedule::{Rest, Schedule};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The SidecarSets that wait to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    schedule: Mutex<Schedule>,
    added: Notify,
}

impl Queue {
    /// Adds sets that are looked at as soon as may be.
    pub(crate) fn add(&self, sets: impl IntoIterator<Item = Arc<str>>) {
        let now = Instant::now();
        let mut schedule = self.schedule.lock();
        for set in sets {
            schedule.add(set, now);
        }
        drop(schedule);
        self.added.notify_one();
    }

    /// Adds sets whose Pods have changed.
    pub(crate) fn touch(&self, sets: impl IntoIterator<Item = Arc<str>>) {
        let now = Instant::now();
        let mut schedule = self.schedule.lock();
        for set in sets {
            schedule.touch(set, now);
        }
        drop(schedule);
        self.added.notify_one();
    }

    /// Adds a set that is looked at no later than this.
    pub(crate) fn add_at(&self, set: Arc<str>, at: Instant) {
        self.schedule.lock().add(set, at);
        self.added.notify_one();
    }

    /// Takes the set that has been due the longest. It is not given out again before [`Self::finish`].
    pub(crate) fn take(&self) -> Option<Arc<str>> {
        self.schedule.lock().take(Instant::now())
    }

    /// Gives a set back that was looked at, and leaves it in peace for a while.
    pub(crate) fn finish(&self, set: &Arc<str>, rest: Rest) {
        self.schedule.lock().finish(set, rest);
    }

    /// Gives a set back that could not be looked at. It is taken again after a wait that grows with every failure.
    pub(crate) fn fail(&self, set: &Arc<str>) {
        self.schedule.lock().fail(set, Instant::now());
    }

    /// Forgets a set.
    pub(crate) fn forget(&self, set: &str) {
        self.schedule.lock().forget(set);
    }

    /// Returns how many sets are due and wait.
    pub(crate) fn waiting(&self, now: Instant) -> Waiting {
        self.schedule.lock().waiting(now)
    }

    /// Waits until there may be something to take. One caller at a time.
    pub(crate) async fn changed(&self) {
        let next = self.schedule.lock().next();
        match next {
            Some(at) => tokio::select! {
                () = sleep_until(at) => {}
                () = self.added.notified() => {}
            },
            None => self.added.notified().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn set(name: &str) -> Arc<str> {
        name.into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_is_added_wakes_the_one_who_waits() {
        let queue = Arc::new(Queue::default());
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.changed().await }
        });
        tokio::task::yield_now().await;

        queue.add([set("a")]);
        waiting.await.unwrap();

        assert_eq!(queue.take(), Some(set("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_is_added_while_nobody_waits_is_not_missed() {
        let queue = Queue::default();

        queue.add([set("a")]);
        queue.changed().await;

        assert_eq!(queue.take(), Some(set("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_is_added_for_later_comes_then() {
        let queue = Queue::default();
        let before = Instant::now();
        queue.add_at(set("a"), before + Duration::from_secs(7));
        queue.changed().await;

        assert_eq!(queue.take(), None);
        queue.changed().await;

        assert_eq!(queue.take(), Some(set("a")));
        assert_eq!(before.elapsed().as_secs(), 7);
    }
}
