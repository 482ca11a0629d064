//! The watch of SidecarSets.

use super::{Feed, follow};
use crate::context::Context;
use crate::metrics::Kind;
use crate::sets::News;
use kube::core::{DeserializeGuard, Resource};
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};
use sidecarset_api::v1beta1::SidecarSet;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::warn;

/// Keeps the catalog's sets, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<DeserializeGuard<SidecarSet>> = Api::all(ctx.client.clone());
    let feed = Feed { kind: Kind::Set, metrics: ctx.metrics() };
    follow(feed, api, listed, |event| take(event, &ctx)).await;
}

fn take(event: Event<DeserializeGuard<SidecarSet>>, ctx: &Context) {
    match event {
        Event::Init => ctx.sets.lock().begin_list(),
        Event::InitApply(set) | Event::Apply(set) => observe(&set, ctx),
        Event::Delete(set) => ctx.forget_set(&set.name_any()),
        Event::InitDone => {
            let gone = ctx.sets.lock().finish_list();
            for name in gone {
                ctx.forget_set(&name);
            }
        }
    }
}

fn observe(set: &DeserializeGuard<SidecarSet>, ctx: &Context) {
    let name: Arc<str> = set.meta().name.as_deref().unwrap_or_default().into();
    let set = match &set.0 {
        Ok(set) => set,
        Err(error) => {
            // The last definition that could be read stays in force.
            ctx.sets.lock().seen(&name);
            warn!(set = %name, error = %error.error, "could not read the SidecarSet");
            return;
        }
    };
    let news = ctx.sets.lock().observe(set);
    match news {
        News::Nothing => return,
        News::Status => ctx.change_catalog(|catalog| catalog.note_failure(set)),
        News::Definition => {
            ctx.change_catalog(|catalog| catalog.put_set(set));
        }
    }
    ctx.queue.add([name]);
}
