//! Looks at the sets that wait, several at once but never at one twice.

use crate::context::Context;
use crate::reconcile::{Next, reconcile};
use crate::spans;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{Instrument, error, warn};

/// How long writes that are under way may take to end, once the controller is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The sets that are looked at.
struct Workers {
    ctx: Arc<Context>,
    tasks: JoinSet<Next>,
    sets: HashMap<Id, Arc<str>>,
}

/// Looks at sets until the controller is to stop, and then lets those that are looked at come to an end.
pub(crate) async fn work(ctx: Arc<Context>) {
    let mut workers = Workers { tasks: JoinSet::new(), sets: HashMap::new(), ctx: Arc::clone(&ctx) };
    loop {
        workers.fill();
        tokio::select! {
            biased;
            () = ctx.shutdown.cancelled() => break,
            Some(ended) = workers.tasks.join_next_with_id() => workers.give_back(ended),
            () = ctx.queue.changed(), if workers.is_free() => {}
        }
    }
    let ended = timeout(GRACE, async {
        while workers.tasks.join_next().await.is_some() {}
        ctx.upgrades.close();
        ctx.upgrades.wait().await;
    });
    if ended.await.is_err() {
        warn!("gave up waiting for the writes that are under way");
    }
}

impl Workers {
    fn is_free(&self) -> bool {
        self.tasks.len() < self.ctx.settings.workers.get()
    }

    fn fill(&mut self) {
        while self.is_free()
            && let Some(set) = self.ctx.queue.take()
        {
            let (name, ctx) = (Arc::clone(&set), Arc::clone(&self.ctx));
            let span = spans::round(&set);
            let task = self.tasks.spawn(async move { reconcile(&name, &ctx).await }.instrument(span));
            self.sets.insert(task.id(), set);
        }
    }

    fn give_back(&mut self, ended: Result<(Id, Next), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(panicked) => panicked.id(),
        };
        let set = self.sets.remove(&id).expect("every task was begun for a set");
        match ended {
            Ok((_, next)) => {
                self.ctx.queue.finish(&set, next.rest);
                if let Some(at) = next.at {
                    self.ctx.queue.add_at(set, at);
                }
            }
            Err(panicked) => {
                error!(%set, error = &panicked as &dyn Error, "a look at the set ended in a panic");
                self.ctx.metrics().panicked_round();
                self.ctx.queue.fail(&set);
            }
        }
    }
}
