//! Writes what was decided: in each round the upgrades and conditions of Pods, and beside them the revisions and the status of
//! the set. What is written when says the driver; what becomes of it, it is told.

mod conditions;
pub(crate) mod outcome;
mod revisions;
mod status;
mod upgrades;

use crate::context::Context;
use crate::pod::PodLite;
use crate::spans;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use outcome::{Answer, said};
use sidecarset_core::reconcile::{Monotonic, PodAnswer, PodWrite, Poll, RecordWrite};
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tracing::{Instrument, Span};

/// How long the API server may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// The permit of a write of a Pod. It is given back even if the write ends in a panic.
struct Permit {
    set: Arc<str>,
    ctx: Arc<Context>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.ctx.drive(|driver| driver.release(&self.set));
        self.ctx.released.notify_waiters();
    }
}

/// Writes the Pods of a set, several at once. What becomes of one Pod changes nothing for the others, and the last upgrades are not
/// waited for when the round is over: the next round knows of them.
pub(crate) async fn pods(name: &Arc<str>, ctx: &Arc<Context>) {
    let mut begun = FuturesUnordered::new();
    loop {
        // Before it is asked whether there is a permit: one may be given back right after.
        let released = ctx.released.notified();
        match ctx.drive_beside(|driver, catalog| driver.poll_pod(ctx.clock.now(), name, catalog)) {
            Poll::Write(write) => begun.push(begin(write, ctx)),
            Poll::Wait(until) => tokio::select! {
                Some(ended) = begun.next() => ended.unwrap_or_else(|error| resume_unwind(error.into_panic())),
                () = released => {}
                () = reach(until, ctx) => {}
            },
            Poll::Over => break,
        }
    }
    // Of those that have ended none is missed that ended in a panic.
    while let Some(Some(ended)) = begun.next().now_or_never() {
        ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
    }
}

async fn reach(until: Option<Monotonic>, ctx: &Context) {
    match until {
        Some(until) => sleep_until(ctx.clock.instant(until)).await,
        None => pending().await,
    }
}

fn begin(write: PodWrite, ctx: &Arc<Context>) -> JoinHandle<()> {
    let permit = Permit { set: Arc::clone(write.set()), ctx: Arc::clone(ctx) };
    let span = match &write {
        PodWrite::Upgrade(write) => spans::upgrade(&write.pod.key, write.upgrade.step),
        PodWrite::Condition(_) => Span::none(),
    };
    ctx.pod_writes.spawn(write_pod(write, permit).instrument(span))
}

async fn write_pod(mut write: PodWrite, permit: Permit) {
    let ctx = &permit.ctx;
    let answer = match &mut write {
        PodWrite::Upgrade(write) => upgrades::write(write, ctx).await,
        PodWrite::Condition(write) => conditions::write(write, ctx).await,
    };
    hear(&write, &answer, ctx);
}

fn hear(write: &PodWrite, answer: &Answer<PodLite>, ctx: &Context) {
    let text = match answer {
        Answer::Held(_, source) => said(source.as_ref()),
        Answer::Written(_) | Answer::Altered(_) | Answer::Gone => String::new(),
    };
    let answer = match answer {
        Answer::Written(pod) => PodAnswer::Written(pod.observed()),
        Answer::Altered(pod) => PodAnswer::Altered(pod.observed()),
        Answer::Gone => PodAnswer::Gone,
        Answer::Held(hold, _) => PodAnswer::Held(*hold, &text),
    };
    ctx.drive(|driver| driver.answer_pod(ctx.clock.now(), write, &answer));
}

/// Writes what is recorded of a set: its revisions, and then its status.
pub(crate) async fn records(name: &Arc<str>, ctx: &Context) {
    while let Poll::Write(write) = ctx.drive_among(|driver, around| driver.poll_record(name, around)) {
        match write {
            RecordWrite::Revision(set, change) => revisions::write(&set, &change, ctx).await,
            RecordWrite::Status(write) => status::write(&write, ctx).await,
        }
    }
}
