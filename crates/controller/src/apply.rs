//! Writes what was decided: the upgrades and conditions of Pods, and the status of SidecarSets.

mod annotations;
mod conditions;
pub(crate) mod outcome;
mod status_patch;

pub(crate) use conditions::conditions;

use crate::attempts::WriteHold;
use crate::context::Context;
use crate::metrics::{Write, Written};
use crate::pod::PodLite;
use crate::spans;
use futures::{StreamExt, stream};
use kube::Api;
use kube::api::{Patch, PatchParams};
use outcome::{Answer, outcome, resized, said};
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use sidecarset_core::catalog::Entry;
use sidecarset_core::event;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{Interner, PodKey, PodRecord};
use sidecarset_core::rollout::{Step, Upgrade};
use std::error::Error;
use std::future::ready;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, debug, info, warn};

/// How long the API server may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// For how long upgrades of one plan are begun. Then it is planned anew, with what has changed since.
const ROUND: Duration = Duration::from_secs(2);

/// The subresource through which the API server takes other cpu and memory of a running Pod.
const RESIZE: &str = "resize";

/// Upgrades Pods, several at once, and answers how many were not begun. What becomes of one Pod changes nothing for the others,
/// and the last ones are not waited for when the round is over: the next round knows of them.
pub(crate) async fn rollout(
    set: &Arc<CanonicalSet>,
    upgrades: Vec<(Arc<PodRecord>, Upgrade)>,
    ctx: &Arc<Context>,
) -> usize {
    let until = Instant::now() + ROUND;
    let mut left = upgrades.len();
    let begun = stream::iter(upgrades).take_while(|_| ready(may_begin(set, until, ctx))).map(|(pod, upgrade)| {
        left -= 1;
        ctx.attempts.lock().begin(set, &pod, Instant::now());
        let span = spans::upgrade(&pod.key, upgrade.step);
        ctx.upgrades.spawn(upgrade_pod(Arc::clone(set), pod, upgrade, Arc::clone(ctx)).instrument(span))
    });
    let ended = begun.buffer_unordered(ctx.settings.concurrency.get()).take_until(sleep_until(until));
    let panics = ended.filter_map(|ended| ready(ended.err()));
    panics.for_each(async |error| resume_unwind(error.into_panic())).await;
    left
}

/// Writes the status where it differs from the newest that is known. Answers when it may be written, where that is
/// not yet.
pub(crate) async fn status(name: &Arc<str>, status: &SidecarSetStatus, ctx: &Context) -> Option<Instant> {
    let known = {
        let mut sets = ctx.sets.lock();
        sets.note_status(name, status);
        sets.get(name).cloned()?
    };
    if known.status.as_ref() == Some(status) {
        return None;
    }
    let now = Instant::now();
    if let Some(due) = known.status_due.filter(|due| *due > now) {
        return Some(due);
    }
    let patch = status_patch::patch(&known.metadata, known.status.as_ref(), status);
    let sets: Api<SidecarSet> = Api::all(ctx.client.clone());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let _permit = ctx.writes.acquire().await.expect("the semaphore is never closed");
    let request = async { outcome(timeout(DEADLINE, sets.patch_status(name, &params, &Patch::Merge(patch))).await) };
    let answer = ctx.metrics().write(Write::Status, request).await;
    let now = Instant::now();
    match answer {
        Answer::Written(set) => {
            let events = {
                let mut sets = ctx.sets.lock();
                sets.wrote_status(&set, now);
                sets.tell(name, known.status.as_ref(), status)
            };
            ctx.tell(events);
            debug!(set = %name, matched = status.matched_pods, updated = status.updated_pods, "wrote the status");
            let before = known.status.and_then(|status| status.failure);
            if before != status.failure {
                note_failure(name, &set, ctx);
            }
            None
        }
        Answer::Gone => None,
        Answer::Held(WriteHold::Conflict, _) => ctx.sets.lock().missed_status(name, now),
        Answer::Held(hold, source) => {
            warn!(set = %name, ?hold, error = source.as_ref() as &dyn Error, "could not write the status");
            ctx.sets.lock().failed_status(name, now)
        }
    }
}

/// Acts on a failure now that the status says it. New Pods are not to wait for the watch to show that.
fn note_failure(name: &Arc<str>, set: &SidecarSet, ctx: &Context) {
    if let Some(failure) = set.status.as_ref().and_then(|status| status.failure.as_ref()) {
        let (failed, rollback) = (failure.failed_pods, failure.rollback_revision.as_deref());
        warn!(set = %name, revision = failure.revision, failed, rollback, "the rollout has failed");
    }
    ctx.change_catalog(|catalog| catalog.note_failure(set));
    ctx.queue.add([Arc::clone(name)]);
}

fn may_begin(set: &Arc<CanonicalSet>, until: Instant, ctx: &Context) -> bool {
    let is_current = |entry: &Entry| matches!(entry, Entry::Valid(current) if Arc::ptr_eq(current.effective(), set));
    !ctx.shutdown.is_cancelled() && Instant::now() < until && ctx.catalog.read().set(&set.name).is_some_and(is_current)
}

async fn upgrade_pod(set: Arc<CanonicalSet>, pod: Arc<PodRecord>, mut upgrade: Upgrade, ctx: Arc<Context>) {
    let answer = write(&mut upgrade, &set, &pod, &ctx).await;
    spans::ended(Written::of(&answer).word());
    let now = Instant::now();
    match answer {
        Answer::Written(written) => {
            ctx.attempts.lock().succeed(&set.name, &pod);
            tell(&upgrade);
            ctx.tell((upgrade.step == Step::Flip).then(|| event::reset(&pod)));
            ctx.change_index(|index| index.wrote(written.observed(), now));
        }
        Answer::Gone => {
            ctx.attempts.lock().succeed(&set.name, &pod);
            ctx.change_index(|index| index.forget(&pod.key, &pod.uid));
        }
        Answer::Held(hold, source) => {
            let said = said(source.as_ref());
            let failures = {
                let mut attempts = ctx.attempts.lock();
                let failures = attempts.fail(&set, &pod, hold, now);
                attempts.note_answer(&set.name, &pod, &said);
                failures
            };
            // Once, not with every attempt; and that the Pod has changed is nothing that a person has to know.
            let is_news = upgrade.step == Step::Flip && failures == 1 && hold != WriteHold::Conflict;
            ctx.tell(is_news.then(|| event::reset_failed(&pod, &said)));
            tell_hold(&pod.key, hold, source.as_ref());
            // Another Pod can take its place in the budget.
            ctx.queue.add([Arc::clone(&set.name)]);
        }
    }
}

async fn write(upgrade: &mut Upgrade, set: &CanonicalSet, pod: &PodRecord, ctx: &Context) -> Answer<PodLite> {
    let pods: Api<PodLite> = Api::namespaced(ctx.client.clone(), pod.key.namespace());
    let _permit = ctx.writes.acquire().await.expect("the semaphore is never closed");
    ctx.metrics().write(Write::of(upgrade.step), send(upgrade, set, pod, (&pods, ctx))).await
}

async fn send(
    upgrade: &mut Upgrade,
    set: &CanonicalSet,
    pod: &PodRecord,
    (pods, ctx): (&Api<PodLite>, &Context),
) -> Answer<PodLite> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    if let Err(answer) = annotations::decide(upgrade, set, pod, pods).await {
        return answer;
    }
    let patch = Patch::Strategic(upgrade.patch(set, pod, ctx.now().wall));
    match upgrade.step {
        Step::Resize => {
            let answer = timeout(DEADLINE, pods.patch_subresource(RESIZE, pod.key.name(), &params, &patch)).await;
            with_amounts(resized(answer), upgrade, ctx)
        }
        Step::Definition | Step::Flip => outcome(timeout(DEADLINE, pods.patch(pod.key.name(), &params, &patch)).await),
    }
}

/// A Pod that the API server answers without the amounts would be written again and again: an admission webhook has others
/// in mind.
fn with_amounts(answer: Answer<PodLite>, upgrade: &Upgrade, ctx: &Context) -> Answer<PodLite> {
    match answer {
        Answer::Written(written) if !has_amounts(&written, upgrade) => {
            ctx.change_index(|index| index.wrote(written.observed(), Instant::now()));
            Answer::Held(WriteHold::ResizeRefused, "the pod came back without the cpu and memory".into())
        }
        answer => answer,
    }
}

fn has_amounts(written: &PodLite, upgrade: &Upgrade) -> bool {
    let pod = PodRecord::read(written.observed(), &mut Interner::default());
    pod.is_none_or(|pod| upgrade.resizes.iter().all(|resize| resize.is_in(&pod)))
}

fn tell(upgrade: &Upgrade) {
    let pod = &upgrade.pod;
    if upgrade.changes.is_empty() && upgrade.resizes.is_empty() {
        info!(%pod, "recorded the definition that the pod runs already");
    }
    for resize in &upgrade.resizes {
        info!(%pod, container = %resize.container, to = %resize.to, "changed the cpu and memory of the sidecar");
    }
    for change in &upgrade.changes {
        let (container, from, to) = (&change.container, &change.from, &change.to);
        match upgrade.step {
            Step::Definition | Step::Resize => info!(%pod, %container, %from, %to, "upgraded the sidecar image"),
            Step::Flip => info!(%pod, %container, %from, %to, "reset the container that another one took over from"),
        }
    }
}

fn tell_hold(pod: &PodKey, hold: WriteHold, source: &(dyn Error + 'static)) {
    match hold {
        WriteHold::Conflict => debug!(%pod, ?hold, "the pod changed before it was upgraded"),
        WriteHold::NotLeading => debug!(%pod, ?hold, "left the pod to whoever leads now"),
        WriteHold::Refused
        | WriteHold::ResizeRefused
        | WriteHold::NotMerged
        | WriteHold::Throttled { .. }
        | WriteHold::Failed
        | WriteHold::Unanswered => {
            warn!(%pod, ?hold, error = source, "could not upgrade the pod");
        }
    }
}
