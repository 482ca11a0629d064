//! One look at a set: gather, decide, apply.

use crate::context::Context;
use crate::queue::schedule::Rest;
use crate::{apply, gather, revisions, round, spans};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::catalog::{Entry, InvalidSet};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::status::{self, Injecting};
use sidecarset_core::upgradable;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::debug;

/// A set is looked at again only after it has rested for this many times as long as it took to decide about it: a
/// set of very many Pods, which change all the time, must not keep a processor to itself.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How much time is between two looks at a set of which nothing is rolled out, while nothing changes but its Pods: these
/// looks lead to another status, and that is written once a second.
pub(crate) const CALM: Duration = Duration::from_secs(1);

/// When a set is looked at again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Next {
    /// Not before this.
    pub(crate) rest: Rest,
    /// At this time, even if nothing happens.
    pub(crate) at: Option<Instant>,
}

/// Brings a set's Pods and its status one step further.
pub(crate) async fn reconcile(name: &Arc<str>, ctx: &Arc<Context>) -> Next {
    let began = Instant::now();
    let entry = ctx.catalog.read().set(name).cloned();
    let next = match entry {
        Some(Entry::Valid(set)) => reconcile_valid(&set, ctx).await,
        Some(Entry::Invalid(set)) => Next { rest: Rest::over(began), at: report(&set, ctx).await },
        None => {
            // It was deleted while it was looked at, and its Pods were being upgraded.
            ctx.attempts.lock().forget(name, began);
            ctx.metrics().forget_set(name);
            Next { rest: Rest::over(began), at: leave(name, ctx).await }
        }
    };
    ctx.metrics().ended_round(began.elapsed());
    next
}

/// Takes a set that is gone out of the conditions of Pods.
async fn leave(name: &Arc<str>, ctx: &Arc<Context>) -> Option<Instant> {
    let pods = gather::strangers(name, ctx).into_iter();
    let changes = pods.filter_map(|pod| upgradable::of_stranger(name, &pod).map(|change| (pod, change)));
    apply::conditions(name, changes.collect(), ctx).await
}

async fn reconcile_valid(set: &Arc<CanonicalSet>, ctx: &Arc<Context>) -> Next {
    let now = ctx.now();
    let gathered = gather::matched_pods(set, ctx);
    let outlook = gather::outlook(set, &gathered, ctx, now);
    let target = outlook.set.effective();
    let attempts = ctx.attempts.lock().of(target, &gathered.matched, now.monotonic);
    let round = round::plan(&outlook, &gathered, &attempts, now);
    for (pod, hold) in &round.holds {
        debug!(%pod, ?hold, "left the pod as it is");
    }
    let decided = now.monotonic.elapsed();
    ctx.metrics().decided(decided);
    ctx.metrics().holds(&set.name, &round.holds);
    spans::decided(gathered.matched.len(), round.holds.len(), round.upgrades.len());
    let rest = Rest::over(now.monotonic + rest_after(decided));
    let calm = if round.is_at_rest { CALM } else { Duration::ZERO };
    let rollout = async {
        let left = apply::rollout(target, round.upgrades, ctx).await;
        // Upgrades come first: where some are left, conditions have time.
        let conditions = if left == 0 { round.conditions } else { Vec::new() };
        (left, apply::conditions(&set.name, conditions, ctx).await)
    };
    let ((left, conditions_due), told_due) = tokio::join!(rollout, tell(set, round.status, &gathered.matched, ctx));
    debug!(set = %set.name, left, "ended a round");
    // By the time of the plan: a Pod whose turn has come since was not in it.
    let retry_at = ctx.attempts.lock().next(&set.name, now.monotonic);
    let again = (left > 0).then(Instant::now);
    Next {
        rest: rest.and_from_pods(now.monotonic + calm),
        at: [told_due, conditions_due, retry_at, again, round.next].into_iter().flatten().min(),
    }
}

/// Returns how long after its beginning a look may be followed by the next one, by how long it took to decide. Writes that
/// are waited for meanwhile are rest too.
fn rest_after(decided: Duration) -> Duration {
    decided + (decided * REST).min(LONGEST_REST)
}

/// Writes what is known of a set, beside the upgrades of its Pods: its revisions, and then its status, which speaks of the Pods
/// as they were when it was decided. Answers when there is more to write.
async fn tell(
    set: &Arc<CanonicalSet>,
    status: SidecarSetStatus,
    matched: &[Arc<PodRecord>],
    ctx: &Context,
) -> Option<Instant> {
    let history_due = revisions::keep(set, matched, ctx).await;
    let status = revisions::tell(status, set, ctx);
    let status = status::with_not_injected(status, gather::lacking(&set.name, ctx));
    let status = with_injecting(status, &Entry::Valid(Arc::clone(set)), ctx);
    ctx.metrics().stands(&set.name, &status);
    let status_due = apply::status(&set.name, &status, ctx).await;
    [history_due, status_due].into_iter().flatten().min()
}

async fn report(set: &Arc<InvalidSet>, ctx: &Context) -> Option<Instant> {
    let status = status::invalid(set, gather::status(&set.name, ctx).as_ref(), ctx.now().wall);
    let status = with_injecting(status, &Entry::Invalid(Arc::clone(set)), ctx);
    // Nothing is planned for its Pods.
    ctx.metrics().holds(&set.name, &BTreeMap::new());
    ctx.metrics().stands(&set.name, &status);
    apply::status(&set.name, &status, ctx).await
}

/// Adds whether new Pods are injected, where that is known. This is looked up last: it may have changed while revisions were
/// written.
fn with_injecting(status: SidecarSetStatus, entry: &Entry, ctx: &Context) -> SidecarSetStatus {
    let injecting = Injecting::of(entry, &ctx.in_force.borrow());
    match injecting {
        Some(injecting) => status::with_injecting(status, injecting, ctx.now().wall),
        None => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_followed_by_four_times_its_decision_but_by_no_more_than_a_second() {
        assert_eq!(rest_after(Duration::from_millis(30)), Duration::from_millis(150));
        assert_eq!(rest_after(Duration::from_millis(700)), Duration::from_millis(1_700));
    }
}
