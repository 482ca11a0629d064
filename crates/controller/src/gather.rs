//! What a reconcile looks at. It is all in memory: nothing here asks the API server.

use crate::context::Context;
use crate::round::{self, Gathered, Now};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::catalog::Outlook;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout;
use std::sync::Arc;

/// Returns the Pods that count as the set's, and its newest status.
pub(crate) fn matched_pods(set: &CanonicalSet, ctx: &Context) -> Gathered {
    let status = status(&set.name, ctx);
    let members = ctx.index.lock().members(&set.name);
    let catalog = ctx.catalog.read();
    let namespace = |pod: &PodRecord| catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
    let is_matched = |pod: &Arc<PodRecord>| rollout::is_matched(set, pod, namespace(pod));
    let (matched, mut strangers): (Vec<_>, Vec<_>) = members.into_iter().partition(is_matched);
    // Nobody can say what a set selects in a namespace whose labels are not known.
    strangers.retain(|pod| namespace(pod).is_some());
    Gathered { matched, strangers, status }
}

/// Returns the Pods that have to do with a set that there is not, or no longer.
pub(crate) fn strangers(set: &str, ctx: &Context) -> Vec<Arc<PodRecord>> {
    ctx.index.lock().members(set)
}

/// Returns how the rollout of a set goes on, given its Pods.
pub(crate) fn outlook(set: &Arc<CanonicalSet>, gathered: &Gathered, ctx: &Context, now: Now) -> Outlook {
    let matched = round::refs(&gathered.matched);
    ctx.catalog.read().outlook(set, &matched, gathered.status.as_ref(), now.wall)
}

/// Returns the newest status of a set.
pub(crate) fn status(set: &str, ctx: &Context) -> Option<SidecarSetStatus> {
    ctx.sets.lock().get(set).and_then(|set| set.status.clone())
}

/// Returns how many active Pods a set selects that were created without it, once they are counted.
pub(crate) fn lacking(set: &str, ctx: &Context) -> Option<usize> {
    ctx.index.lock().lacking(set)
}
