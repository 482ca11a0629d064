//! The watch of ControllerRevisions: the past definitions of sets, which are kept in the operator's namespace.

use super::{Feed, follow_labelled};
use crate::context::Context;
use crate::metrics::Kind;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};
use sidecarset_api::markers;
use sidecarset_core::revision::Revision;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// With a set its revisions are deleted, and the watch of sets may be the one that tells later: it is waited for, or they
/// would be written again.
const GRACE: Duration = Duration::from_secs(1);

/// Keeps the catalog's revisions, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<ControllerRevision> = Api::namespaced(ctx.client.clone(), &ctx.settings.namespace);
    let mut list = BTreeSet::new();
    // Other controllers keep their revisions in the same namespace: our own DaemonSets, if there are any.
    let feed = Feed { kind: Kind::Revision, metrics: ctx.metrics() };
    follow_labelled(feed, (api, markers::REVISION_OF), listed, |event| take(event, &mut list, &ctx)).await;
}

fn take(event: Event<ControllerRevision>, list: &mut BTreeSet<String>, ctx: &Context) {
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

fn put(object: &ControllerRevision, ctx: &Context) {
    match Revision::read(object) {
        Some(revision) => {
            let changed = ctx.catalog.write().put_revision(revision);
            ctx.queue.add(changed);
        }
        None => remove(&object.name_any(), ctx),
    }
}

fn remove(name: &str, ctx: &Context) {
    let set = ctx.catalog.write().remove_revision(name);
    for set in set {
        ctx.queue.add_at(set, Instant::now() + GRACE);
    }
}
