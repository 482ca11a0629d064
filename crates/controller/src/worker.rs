//! Looks at the sets that wait, several at once but never at one twice.

use crate::context::Context;
use crate::reconcile::{Panicked, reconcile_guarded};
use crate::spans;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{Instrument, debug, error, warn};

/// How long writes that are under way may take to end, once the controller is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The sets that are looked at.
struct Workers {
    ctx: Arc<Context>,
    tasks: JoinSet<Result<(), Panicked>>,
    sets: HashMap<Id, Arc<str>>,
}

/// Looks at sets until the controller is to stop, and then lets those that are looked at come to an end.
pub(crate) async fn work(ctx: Arc<Context>) {
    ctx.drive(|driver| driver.lead(true));
    let mut workers = Workers { tasks: JoinSet::new(), sets: HashMap::new(), ctx: Arc::clone(&ctx) };
    loop {
        workers.fill();
        tokio::select! {
            biased;
            () = ctx.shutdown.cancelled() => break,
            Some(ended) = workers.tasks.join_next_with_id() => workers.give_back(ended),
            () = ctx.due(), if workers.is_free() => {}
        }
    }
    ctx.drive(|driver| driver.lead(false));
    let ended = timeout(GRACE, async {
        while workers.tasks.join_next().await.is_some() {}
        ctx.pod_writes.close();
        ctx.pod_writes.wait().await;
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
            && let Some(set) = self.ctx.drive(|driver| driver.poll_look(self.ctx.clock.now()))
        {
            let (name, ctx) = (Arc::clone(&set), Arc::clone(&self.ctx));
            let span = spans::round(&set);
            let task = self.tasks.spawn(async move { reconcile_guarded(&name, &ctx).await }.instrument(span));
            self.sets.insert(task.id(), set);
        }
    }

    fn give_back(&mut self, ended: Result<(Id, Result<(), Panicked>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(panicked) => panicked.id(),
        };
        let Some(set) = self.sets.remove(&id) else { return };
        let now = self.ctx.clock.now();
        match ended {
            Ok((_, Ok(()))) => {
                let left = self.ctx.drive(|driver| driver.end(now, &set));
                debug!(%set, left, "ended a round");
            }
            Ok((_, Err(Panicked))) => self.ctx.drive(|driver| driver.fail(now, &set)),
            Err(panicked) => {
                error!(%set, error = &panicked as &dyn Error, "the panic of a reconcile could not be reported");
                self.ctx.drive(|driver| driver.fail(now, &set));
            }
        }
    }
}
