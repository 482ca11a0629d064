//! What the webhook tells: which sets the API server knows of.

use crate::context::Context;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::InForce;
use std::sync::Arc;
use tokio::sync::watch;

/// Has the sets looked at that came into force or lost it, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, mut in_force: watch::Receiver<InForce>) {
    let mut before = InForce::default();
    loop {
        let now = in_force.borrow_and_update().clone();
        let sets = changed(&ctx.catalog.read(), &before, &now);
        ctx.queue.add(sets);
        before = now;
        if in_force.changed().await.is_err() {
            // Nobody tells any more: the operator is being shut down.
            return std::future::pending().await;
        }
    }
}

fn changed(catalog: &Catalog, before: &InForce, now: &InForce) -> Vec<Arc<str>> {
    let is_changed =
        |entry: &Entry| entry.interest().is_some_and(|interest| before.covers(&interest) != now.covers(&interest));
    catalog.sets().filter(|(_, entry)| is_changed(entry)).map(|(name, _)| Arc::clone(name)).collect()
}
