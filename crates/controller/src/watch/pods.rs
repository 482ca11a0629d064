//! The watch of Pods.

use super::newest::newest;
use super::{Feed, follow, selection};
use crate::context::Context;
use crate::metrics::Kind;
use crate::pod::PodLite;
use kube::Api;
use kube::runtime::watcher::{Config, Event};
use sidecarset_core::reconcile::PodNews;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::interval;

/// How often is let go of what means nothing any more: own writes whose deadline has passed, and what is left of Pods and of sets
/// that are gone.
const EXPIRY: Duration = Duration::from_secs(10);

/// Keeps the index, for ever. It begins once the sets are listed: what Pods say of sets is read at once then, and not with each set
/// that comes.
pub(crate) async fn watch<E>(
    ctx: Arc<Context>,
    sets_listed: impl Future<Output = Result<(), E>>,
    listed: oneshot::Sender<()>,
) {
    if sets_listed.await.is_err() {
        // Nobody follows the sets any more: the controller is being shut down.
        return std::future::pending().await;
    }
    let api: Api<PodLite> = Api::all(newest(&ctx.client));
    let feed = Feed { kind: Kind::Pod, metrics: ctx.metrics(), contact: &ctx.contact };
    tokio::join!(follow(feed, (api, Config::default()), listed, |event| take(&event, &ctx)), expire(&ctx));
}

fn take(event: &Event<PodLite>, ctx: &Context) {
    let news = match event {
        Event::Init => PodNews::ListBegins,
        Event::InitApply(pod) | Event::Apply(pod) => PodNews::Shown(pod.observed()),
        Event::Delete(pod) => PodNews::Gone(pod.observed()),
        Event::InitDone => PodNews::ListEnds,
    };
    ctx.drive(|driver| driver.observe_pods(ctx.clock.now(), news));
    if let Event::InitApply(pod) | Event::Apply(pod) = event {
        selection::place(pod, ctx);
    }
}

async fn expire(ctx: &Context) {
    let mut ticks = interval(EXPIRY);
    loop {
        ticks.tick().await;
        ctx.drive(|driver| driver.expire(ctx.clock.now()));
    }
}
