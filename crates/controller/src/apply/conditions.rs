//! The condition `SidecarSetUpgradable` of Pods. It tells people how it is, and changes nothing about a rollout: so it is
//! written a few at a time, and nothing waits for long.

use super::outcome::{Answer, outcome};
use crate::attempts::WriteHold;
use crate::context::Context;
use crate::metrics::Write;
use crate::pod::PodLite;
use futures::{StreamExt, stream};
use kube::Api;
use kube::api::{Patch, PatchParams};
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_core::record::{PodKey, PodRecord};
use sidecarset_core::upgradable::Change;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

/// How many are written in one look at a set.
const ROUND: usize = 100;

/// For how long writes of one look are begun.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the API server may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many are written at once: with as many workers as there are by default, upgrades keep the larger part.
const CONCURRENCY: usize = 4;

/// Writes conditions of Pods, as many as one look at a set has room for. Answers when the set is to be looked at again.
pub(crate) async fn conditions(
    set: &Arc<str>,
    changes: Vec<(Arc<PodRecord>, Change)>,
    ctx: &Arc<Context>,
) -> Option<Instant> {
    let began = Instant::now();
    let mut due = {
        let mut pauses = ctx.pauses.lock();
        pauses.keep(set, &changes.iter().map(|(pod, _)| &pod.uid).collect::<BTreeSet<_>>());
        let may_try = |(pod, _): &(Arc<PodRecord>, Change)| !pauses.is_waiting(set, &pod.uid, began);
        changes.into_iter().filter(may_try).collect::<Vec<_>>()
    };
    let is_left = due.len() > ROUND;
    due.truncate(ROUND);
    let mut left = due.len();
    let may_begin = || !ctx.shutdown.is_cancelled() && began.elapsed() < PATIENCE;
    let writes = stream::iter(due).take_while(|_| std::future::ready(may_begin())).map(|(pod, change)| {
        left -= 1;
        write(set, pod, change, ctx)
    });
    writes.buffer_unordered(CONCURRENCY.min(ctx.settings.concurrency.get())).collect::<()>().await;
    let again = (is_left || left > 0).then(Instant::now);
    [again, ctx.pauses.lock().next(set)].into_iter().flatten().min()
}

async fn write(set: &Arc<str>, pod: Arc<PodRecord>, change: Change, ctx: &Context) {
    let answer = match newest(&pod, ctx) {
        Some(newest) => patch(&newest, &change, ctx).await,
        None => Answer::Held(WriteHold::Conflict, "the condition of the pod has changed".into()),
    };
    let now = Instant::now();
    match answer {
        Answer::Written(written) => {
            ctx.pauses.lock().remove(set, &pod.uid);
            info!(pod = %pod.key, %set, "told which sets can be upgraded in the pod");
            ctx.change_index(|index| index.wrote(written.observed(), now));
        }
        Answer::Gone => ctx.change_index(|index| index.forget(&pod.key, &pod.uid)),
        Answer::Held(hold, source) => {
            ctx.pauses.lock().add(set, &pod.uid, hold, now);
            tell_hold(&pod.key, hold, source.as_ref());
        }
    }
}

/// Returns the Pod as it is now, if its condition says what was decided on. What else has changed since, such as the kubelet's
/// part of the status, is no reason to look again.
fn newest(pod: &PodRecord, ctx: &Context) -> Option<Arc<PodRecord>> {
    let index = ctx.index.lock();
    index.get(&pod.key).filter(|newest| newest.uid == pod.uid && newest.upgradable == pod.upgradable).cloned()
}

async fn patch(pod: &PodRecord, change: &Change, ctx: &Context) -> Answer<PodLite> {
    let pods: Api<PodLite> = Api::namespaced(ctx.client.clone(), pod.key.namespace());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let _permit = ctx.writes.acquire().await.expect("the semaphore is never closed");
    let patch = Patch::Strategic(change.patch(pod, ctx.now().wall));
    let request = async { outcome(timeout(DEADLINE, pods.patch_status(pod.key.name(), &params, &patch)).await) };
    ctx.metrics().write(Write::Condition, request).await
}

fn tell_hold(pod: &PodKey, hold: WriteHold, source: &(dyn Error + 'static)) {
    if hold == WriteHold::Conflict {
        debug!(%pod, ?hold, "the pod changed before its condition was written");
    } else {
        warn!(%pod, ?hold, error = source, "could not write the condition of the pod");
    }
}
