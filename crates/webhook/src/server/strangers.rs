//! Connections at whose other end nobody may be: where there are too many, the oldest of them gives way.

use super::standing::Standing;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The connections that have not shown yet that they are an API server's.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    by_age: BTreeMap<u64, Stranger>,
}

#[derive(Debug)]
struct Stranger {
    standing: Arc<Standing>,
    // Dropped where it has to give way.
    stays: oneshot::Sender<()>,
}

/// A connection among the others, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    strangers: Arc<Strangers>,
    number: u64,
    evicted: oneshot::Receiver<()>,
}

impl Strangers {
    /// Adds a connection.
    pub(super) fn add(self: &Arc<Self>, standing: &Arc<Standing>) -> Place {
        let (stays, evicted) = oneshot::channel();
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.by_age.insert(number, Stranger { standing: Arc::clone(standing), stays });
        Place { strangers: Arc::clone(self), number, evicted }
    }

    /// Has the oldest one give way, if there is one: those of API servers do not.
    pub(super) fn evict(&self) {
        let mut state = self.state.lock();
        while let Some((_, stranger)) = state.by_age.pop_first() {
            if !stranger.standing.is_proven() {
                return;
            }
            // It is no stranger any more, and stays whatever becomes of this.
            let _ = stranger.stays.send(());
        }
    }
}

impl Place {
    /// Waits until the connection has to give way.
    pub(super) async fn is_lost(&mut self) {
        if (&mut self.evicted).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.strangers.state.lock().by_age.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn is_lost(place: &mut Place) -> bool {
        place.is_lost().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_gives_way_and_one_of_an_api_server_never() {
        let strangers = Arc::<Strangers>::default();
        let standings: Vec<_> = (0..3).map(|_| Arc::new(Standing::new())).collect();
        let mut places: Vec<_> = standings.iter().map(|standing| strangers.add(standing)).collect();
        standings[0].prove();

        strangers.evict();

        assert_eq!(places.iter_mut().map(is_lost).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn one_that_has_ended_is_not_asked_to_give_way() {
        let strangers = Arc::<Strangers>::default();
        let standings: Vec<_> = (0..2).map(|_| Arc::new(Standing::new())).collect();
        let mut places: Vec<_> = standings.iter().map(|standing| strangers.add(standing)).collect();

        drop(places.remove(0));
        strangers.evict();

        assert!(is_lost(&mut places[0]));
    }
}
