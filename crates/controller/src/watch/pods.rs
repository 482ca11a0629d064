//! The watch of Pods.

use super::{Feed, follow_many, newest, selection};
use crate::context::Context;
use crate::index::Touched;
use crate::metrics::Kind;
use crate::pod::PodLite;
use kube::Api;
use kube::runtime::watcher::Event;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, interval};

/// How often own writes are looked through for those whose deadline has passed.
const EXPIRY: Duration = Duration::from_secs(10);

/// Keeps the index, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<PodLite> = Api::all(newest::newest(&ctx.client));
    let feed = Feed { kind: Kind::Pod, metrics: ctx.metrics() };
    tokio::join!(follow_many(feed, api, listed, |event| take(&event, &ctx)), expire(&ctx));
}

fn take(event: &Event<PodLite>, ctx: &Context) {
    let now = Instant::now();
    ctx.change_index(|index| match event {
        Event::Init => {
            index.begin_list();
            Touched::new()
        }
        Event::InitApply(pod) | Event::Apply(pod) => index.observe(pod.observed(), now),
        Event::Delete(pod) => index.delete(pod.observed()),
        Event::InitDone => index.finish_list(),
    });
    if let Event::InitApply(pod) | Event::Apply(pod) = event {
        selection::place(pod, ctx);
    }
}

async fn expire(ctx: &Context) {
    let mut ticks = interval(EXPIRY);
    loop {
        let now = ticks.tick().await;
        ctx.change_index(|index| index.expire(now));
    }
}
