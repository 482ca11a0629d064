//! What a reconcile looks at. It is all in memory: nothing here asks the API server.

use crate::context::Context;
use crate::round::Gathered;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::rollout;

/// Returns the Pods that count as the set's, and its newest status.
pub(crate) fn matched_pods(set: &CanonicalSet, ctx: &Context) -> Gathered {
    let status = status(&set.name, ctx);
    let mut matched = ctx.index.lock().members(&set.name);
    let catalog = ctx.catalog.read();
    matched.retain(|pod| rollout::is_matched(set, pod, catalog.namespace(&pod.key.namespace).map(AsRef::as_ref)));
    Gathered { matched, status }
}

/// Returns the newest status of a set.
pub(crate) fn status(set: &str, ctx: &Context) -> Option<SidecarSetStatus> {
    ctx.sets.lock().get(set).and_then(|set| set.status.clone())
}
