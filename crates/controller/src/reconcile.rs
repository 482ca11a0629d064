//! One look at a set: what is known of it is gathered, something is decided, and that is written.

use crate::context::Context;
use crate::{apply, panics, spans};
use futures::FutureExt;
use sidecarset_core::reconcile::Decision;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tracing::{debug, error};

/// A defect ended a reconcile.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Brings a set's Pods and its status one step further. A defect ends no other reconcile: it is reported on the set.
///
/// # Errors
/// A defect ended it.
pub(crate) async fn reconcile_guarded(name: &Arc<str>, ctx: &Arc<Context>) -> Result<(), Panicked> {
    match AssertUnwindSafe(reconcile(name, ctx)).catch_unwind().await {
        Ok(()) => Ok(()),
        Err(panic) => {
            let panic = panics::message(panic.as_ref());
            error!(set = %name, panic, "the reconcile of the set ended in a panic");
            ctx.metrics().panicked_round();
            // Where it is not written now, the next attempt at a reconcile does, or ends well.
            ctx.drive_among(|driver, around| driver.begin_panicked(name, panic, around));
            apply::records(name, ctx).await;
            Err(Panicked)
        }
    }
}

async fn reconcile(name: &Arc<str>, ctx: &Arc<Context>) {
    let now = ctx.now();
    let began = now.monotonic;
    let look = ctx.drive_beside(|driver, catalog| driver.look(name, catalog, now));
    let evaluation = look.evaluate_failure(&ctx.catalog.read());
    let decision = look.decide(evaluation);
    let decided = ctx.clock.now();
    match decision.round() {
        Some(_) => ctx.metrics().decided(decided.since(began)),
        None if decision.is_gone() => ctx.metrics().forget_set(name),
        // Nothing is planned for its Pods.
        None => ctx.metrics().holds(name, &BTreeMap::new()),
    }
    note(name, &decision, ctx);
    ctx.drive(|driver| driver.begin(decision, decided));
    tokio::join!(apply::pods(name, ctx), apply::records(name, ctx));
    ctx.metrics().ended_round(ctx.clock.now().since(began));
}

fn note(name: &Arc<str>, decision: &Decision, ctx: &Context) {
    let Some((round, matched)) = decision.round() else { return };
    for (pod, hold) in &round.plan.holds {
        debug!(%pod, ?hold, "left the pod as it is");
    }
    ctx.metrics().holds(name, &round.plan.holds);
    let upgrades = if round.is_new { 0 } else { round.plan.steps().count() };
    spans::decided(matched, round.plan.holds.len(), upgrades);
}
