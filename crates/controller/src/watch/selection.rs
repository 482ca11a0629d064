//! Which Pods lack a set that selects them. Each Pod is looked at when it changes, and all of them when the selection does.

use crate::context::Context;
use crate::pod::PodLite;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::reconcile::{Driver, PodIndex, Selectable, Touched};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

/// How long after a change of the selection the Pods are looked at: further changes often follow.
const PAUSE: Duration = Duration::from_millis(500);

/// How many Pods are looked at before others have their turn.
const PAGE: usize = 256;

/// Looks at every Pod whenever other ones than before may be selected, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, mut synced: watch::Receiver<bool>, mut selection: watch::Receiver<u64>) {
    // Before all sets are known there is nothing to count.
    if synced.wait_for(|is_synced| *is_synced).await.is_err() {
        return std::future::pending().await;
    }
    loop {
        selection.mark_unchanged();
        look(&ctx).await;
        if selection.changed().await.is_err() {
            // Nobody tells any more: the controller is being shut down.
            return std::future::pending().await;
        }
        sleep(PAUSE).await;
    }
}

/// Takes in what a watch shows of a Pod.
pub(super) fn place(pod: &PodLite, ctx: &Context) {
    let pod = pod.observed();
    if !pod.may_lack_sets() {
        return ctx.change_index(|index| index.displace(pod));
    }
    loop {
        let (lacks, version) = {
            let catalog = ctx.catalog.read();
            (pod.lacks(&catalog), catalog.selection_version())
        };
        let is_placed = ctx.drive(|driver| driver.place(ctx.clock.now(), pod, &lacks, version));
        // A version that is older than what was counted with is out of date: there is a newer one.
        if is_placed {
            return;
        }
    }
}

async fn look(ctx: &Context) {
    let version = ctx.catalog.read().selection_version();
    ctx.drive(|driver| driver.begin_count(version));
    let mut page = ctx.driver.lock().index().page(None, PAGE);
    while let Some(last) = page.last().map(|pod| pod.key.clone()) {
        let lacks: Vec<Vec<Arc<str>>> = {
            let catalog = ctx.catalog.read();
            page.iter().map(|pod| lacking(pod, &catalog)).collect()
        };
        ctx.change_index(|index| note(index, &page, &lacks));
        yield_now().await;
        page = ctx.driver.lock().index().page(Some(&last), PAGE);
    }
    if ctx.drive(Driver::finish_count) {
        let sets: Touched = ctx.catalog.read().sets().map(|(name, _)| Arc::clone(name)).collect();
        ctx.look_at(sets);
    }
}

fn lacking(pod: &Selectable, catalog: &Catalog) -> Vec<Arc<str>> {
    let labels = &**pod.labels();
    catalog.lacking((labels, pod.own().os()), pod.key.namespace(), |set| pod.carries(set))
}

fn note(index: &mut PodIndex, page: &[Selectable], lacks: &[Vec<Arc<str>>]) -> Touched {
    page.iter().zip(lacks).flat_map(|(pod, lacks)| index.note(pod, lacks)).collect()
}
