//! What the webhook tells: which sets the API server knows of.

use crate::context::Context;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::RegisteredScopes;
use std::sync::Arc;
use tokio::sync::watch;

/// Has the sets looked at that came into force or lost it, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, mut in_force: watch::Receiver<RegisteredScopes>) {
    let mut before = RegisteredScopes::default();
    loop {
        let now = in_force.borrow_and_update().clone();
        let sets = changed(&ctx.catalog.read(), &before, &now);
        ctx.add(sets);
        before = now;
        if in_force.changed().await.is_err() {
            // Nobody tells any more: the operator is being shut down.
            return std::future::pending().await;
        }
    }
}

fn changed(catalog: &Catalog, before: &RegisteredScopes, now: &RegisteredScopes) -> Vec<Arc<str>> {
    let is_changed = |entry: &Entry| {
        let coverage = |scope| (before.coverage(scope) != now.coverage(scope)) || before.is_known() != now.is_known();
        entry.scope().as_ref().is_some_and(coverage)
    };
    catalog.sets().filter(|(_, entry)| is_changed(entry)).map(|(name, _)| Arc::clone(name)).collect()
}
