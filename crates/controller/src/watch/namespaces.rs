//! The watch of namespaces: only their labels matter.

use super::newest::newest;
use super::{Feed, follow};
use crate::context::Context;
use crate::metrics::Kind;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, Resource, ResourceExt};
use sidecarset_api::item::Item;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::selection::Namespaces;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A namespace. Of one that cannot be read the labels are known nevertheless.
type Labelled = Item<PartialObjectMeta<Namespace>>;

/// Keeps the catalog's namespaces, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<Labelled> = Api::all(newest(&ctx.client));
    let mut known = Known::default();
    let feed = Feed { kind: Kind::Namespace, metrics: ctx.metrics(), contact: &ctx.contact };
    follow(feed, (api, Config::default()), listed, |event| known.take(event, &ctx)).await;
}

/// The names of the namespaces that are in the catalog.
#[derive(Debug, Default)]
struct Known {
    names: BTreeSet<String>,
    listed: BTreeSet<String>,
}

impl Known {
    fn take(&mut self, event: Event<Labelled>, ctx: &Context) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(namespace) => {
                self.listed.insert(namespace.name_any());
                self.put(namespace, ctx);
            }
            Event::Apply(namespace) => self.put(namespace, ctx),
            Event::Delete(namespace) => self.remove(&namespace.name_any(), ctx),
            Event::InitDone => {
                let gone: Vec<String> = self.names.difference(&self.listed).cloned().collect();
                for name in gone {
                    self.remove(&name, ctx);
                }
                self.listed.clear();
            }
        }
    }

    fn put(&mut self, mut namespace: Labelled, ctx: &Context) {
        let name = namespace.name_any();
        let labels = namespace.meta_mut().labels.take().unwrap_or_default();
        let is_known = ctx.catalog.read().namespace(&name).is_some_and(|known| **known == labels);
        if !is_known {
            change(ctx, |catalog| catalog.put_namespace(&name, labels));
        }
        self.names.insert(name);
    }

    fn remove(&mut self, name: &str, ctx: &Context) {
        self.names.remove(name);
        change(ctx, |catalog| catalog.remove_namespace(name));
    }
}

/// Changes the catalog, and has the sets looked at whose Pods depend on the labels of namespaces.
fn change(ctx: &Context, change: impl FnOnce(&mut Catalog)) {
    let sets = ctx.change_catalog(|catalog| {
        change(catalog);
        sets_that_ask(catalog)
    });
    ctx.add(sets);
}

fn sets_that_ask(catalog: &Catalog) -> Vec<Arc<str>> {
    let asks = |entry: &Entry| match entry {
        Entry::Valid(set) => set.namespaces != Namespaces::All,
        Entry::Invalid(_) => false,
    };
    catalog.sets().filter(|(_, entry)| asks(entry)).map(|(name, _)| Arc::clone(name)).collect()
}
