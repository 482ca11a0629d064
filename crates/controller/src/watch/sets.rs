//! The watch of SidecarSets.

use super::newest::newest;
use super::{Feed, follow};
use crate::context::Context;
use crate::metrics::Kind;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, ResourceExt};
use sidecarset_api::item::Item;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::salvage;
use sidecarset_core::reconcile::Driver;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Keeps the catalog's sets, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<Item<SidecarSet>> = Api::all(newest(&ctx.client));
    let feed = Feed { kind: Kind::Set, metrics: ctx.metrics(), contact: &ctx.contact };
    follow(feed, (api, Config::default()), listed, |event| take(event, &ctx)).await;
}

fn take(event: Event<Item<SidecarSet>>, ctx: &Context) {
    let now = ctx.clock.now();
    match event {
        Event::Init => ctx.drive(Driver::begin_sets),
        Event::InitApply(set) | Event::Apply(set) => {
            let (set, violations) = salvage(set);
            ctx.drive_changing(|driver, catalog| driver.observe_set(now, &set, violations, catalog));
        }
        Event::Delete(set) => ctx.drive_changing(|driver, catalog| driver.forget_set(now, &set.name_any(), catalog)),
        Event::InitDone => ctx.drive_changing(|driver, catalog| driver.finish_sets(now, catalog)),
    }
}
