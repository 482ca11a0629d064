//! The watch of ControllerRevisions: the past definitions of sets, which are kept in the operator's namespace.

use super::newest::newest;
use super::{Feed, follow};
use crate::context::Context;
use crate::metrics::Kind;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, ResourceExt};
use sidecarset_api::item::Item;
use sidecarset_api::markers;
use sidecarset_core::revision::Revision;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// With a set its revisions are deleted, and the watch of sets may be the one that tells later: it is waited for, or they
/// would be written again.
const GRACE: Duration = Duration::from_secs(1);

/// Keeps the catalog's revisions, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<Item<ControllerRevision>> = Api::namespaced(newest(&ctx.client), &ctx.settings.namespace);
    let mut list = BTreeSet::new();
    // Other controllers keep their revisions in the same namespace: our own DaemonSets, if there are any.
    let feed = Feed { kind: Kind::Revision, metrics: ctx.metrics(), contact: &ctx.contact };
    let labelled = Config::default().labels(markers::REVISION_OF);
    follow(feed, (api, labelled), listed, |event| take(event, &mut list, &ctx)).await;
}

fn take(event: Event<Item<ControllerRevision>>, list: &mut BTreeSet<String>, ctx: &Context) {
    match event {
        Event::Init => list.clear(),
        Event::InitApply(revision) => {
            list.insert(revision.name_any());
            put(&revision, ctx);
        }
        Event::Apply(revision) => put(&revision, ctx),
        Event::Delete(revision) => remove(&revision.name_any(), ctx),
        Event::InitDone => {
            let is_gone = |name: &&Arc<str>| !list.contains(&***name);
            let gone: Vec<Arc<str>> = ctx.catalog.read().revisions().names().filter(is_gone).cloned().collect();
            for name in gone {
                remove(&name, ctx);
            }
            list.clear();
        }
    }
}

// One that cannot be read is none that a set could return to.
fn put(object: &Item<ControllerRevision>, ctx: &Context) {
    match object.object.as_ref().ok().and_then(Revision::read) {
        Some(revision) => {
            let changed = ctx.catalog.write().put_revision(revision);
            ctx.add(changed);
        }
        None => remove(&object.name_any(), ctx),
    }
}

fn remove(name: &str, ctx: &Context) {
    let set = ctx.catalog.write().remove_revision(name);
    ctx.drive(|driver| driver.add(set, ctx.clock.now() + GRACE));
}
