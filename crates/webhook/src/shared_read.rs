//! Reads of what is now, shared by all who want to know at the same time: however many reviews wait, the API server is asked
//! the same question one time at once.

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The answer to one question.
#[derive(Debug)]
pub(crate) struct SharedRead<T> {
    // When the question was asked last, and what the answer was.
    last: Mutex<Option<(Instant, T)>>,
}

impl<T> Default for SharedRead<T> {
    fn default() -> Self {
        Self { last: Mutex::default() }
    }
}

impl<T: Clone> SharedRead<T> {
    /// Returns an answer to a question that was not asked before now. Whoever comes while one is under way cannot know from
    /// when its answer is, and waits for the next one.
    pub(crate) async fn read(&self, ask: impl AsyncFnOnce() -> T) -> T {
        let since = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(asked, _)| *asked >= since) {
            return answer.clone();
        }
        let asked = Instant::now();
        let answer = ask().await;
        *last = Some((asked, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn however_many_want_to_know_it_is_asked_one_time_at_once() {
        let (fresh, asked) = (SharedRead::default(), AtomicUsize::new(0));
        let read = || {
            fresh.read(async || {
                sleep(Duration::from_millis(100)).await;
                asked.fetch_add(1, Ordering::Relaxed)
            })
        };

        let late = async {
            sleep(Duration::from_millis(50)).await;
            join_all((0..10).map(|_| read())).await
        };
        let (early, late) = tokio::join!(join_all((0..10).map(|_| read())), late);

        // The first answer may be older than the questions of those who came while it was under way.
        assert_eq!(early, [0; 10]);
        assert_eq!(late, [1; 10]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_has_the_next_one_ask() {
        let fresh = SharedRead::default();

        let gave_up =
            tokio::time::timeout(Duration::from_millis(10), fresh.read(async || std::future::pending::<u8>().await));

        assert!(gave_up.await.is_err());
        assert_eq!(fresh.read(async || 7).await, 7);
    }
}
