//! What is known of a connection: whether it is one of an API server, and since when it asks nothing.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long connections last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One that has not shown yet that it is an API server's, from its beginning on: its handshake, and the whole head of a request.
    pub introduction: Duration,
    /// One of an API server that asks nothing.
    pub idle: Duration,
}

/// How often one that is being answered is looked at.
const BUSY: Duration = Duration::from_secs(1);

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Standing {
    began: Instant,
    is_proven: AtomicBool,
    asking: AtomicUsize,
    quiet_since: Mutex<Instant>,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Asking(Arc<Standing>);

impl Standing {
    /// Begins with nobody known.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            is_proven: AtomicBool::new(false),
            asking: AtomicUsize::new(0),
            quiet_since: Mutex::new(now),
        }
    }

    /// Notes that a request is being answered, until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Asking {
        self.asking.fetch_add(1, Ordering::Relaxed);
        Asking(Arc::clone(self))
    }

    /// Notes that an API server asks.
    pub(super) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Relaxed)
    }

    /// Returns until when the connection may last without another request, and at least when to look again.
    pub(super) fn lasts_until(&self, patience: Patience) -> Instant {
        if self.asking.load(Ordering::Relaxed) > 0 {
            // How long an answer takes is bounded elsewhere.
            return Instant::now() + BUSY;
        }
        if self.is_proven() { *self.quiet_since.lock() + patience.idle } else { self.began + patience.introduction }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        *self.0.quiet_since.lock() = Instant::now();
        self.0.asking.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const PATIENCE: Patience = Patience { introduction: Duration::from_secs(10), idle: Duration::from_secs(120) };

    fn left(standing: &Standing) -> Duration {
        standing.lasts_until(PATIENCE).duration_since(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_known_has_ten_seconds_whatever_it_asks() {
        let standing = Arc::new(Standing::new());
        advance(Duration::from_secs(4)).await;

        drop(standing.begin());

        assert_eq!(left(&standing), Duration::from_secs(6));
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_has_two_minutes_after_each_answer() {
        let standing = Arc::new(Standing::new());
        let asking = standing.begin();
        standing.prove();
        advance(Duration::from_secs(300)).await;
        assert_eq!(left(&standing), Duration::from_secs(1));

        drop(asking);
        advance(Duration::from_secs(30)).await;

        assert_eq!(left(&standing), Duration::from_secs(90));
    }
}
