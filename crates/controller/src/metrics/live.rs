//! What is looked up when somebody asks: how many sets wait, and how much is known.

use crate::context::Context;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::reconcile::{PodCounts, Waiting};
use sidecarset_metrics::{Collector, DescriptorEncoder, Scrape};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// The controller, once it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<OnceLock<Weak<Context>>>);

/// What the controller knows.
#[derive(Debug, Default)]
struct Known {
    valid_sets: usize,
    invalid_sets: usize,
    namespaces: usize,
    revisions: usize,
    pods: PodCounts,
    waiting: Waiting,
}

impl Live {
    pub(super) fn look_at(&self, ctx: &Arc<Context>) {
        // A second controller of one process would share the numbers of the first one.
        let _ = self.0.set(Arc::downgrade(ctx));
    }

    fn known(&self) -> Known {
        match self.0.get().and_then(Weak::upgrade) {
            Some(ctx) => Known::of(&ctx),
            None => Known::default(),
        }
    }
}

impl Known {
    fn of(ctx: &Context) -> Self {
        let known = Self::of_catalog(&ctx.catalog.read());
        let driver = ctx.driver.lock();
        Self { pods: driver.index().known(), waiting: driver.waiting(ctx.clock.now()), ..known }
    }

    fn of_catalog(catalog: &Catalog) -> Self {
        let is_valid = |entry: &Entry| matches!(entry, Entry::Valid(_));
        let (valid, invalid): (Vec<_>, Vec<_>) = catalog.sets().partition(|(_, entry)| is_valid(entry));
        Self {
            valid_sets: valid.len(),
            invalid_sets: invalid.len(),
            namespaces: catalog.namespaces().count(),
            revisions: catalog.revisions().names().count(),
            ..Self::default()
        }
    }
}

impl Collector for Live {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let known = self.known();
        let mut scrape = Scrape::new(encoder);
        let sets = [([("state", "valid")], known.valid_sets), ([("state", "invalid")], known.invalid_sets)];
        scrape.gauge("sets", "SidecarSets that are known, by whether they can be acted on.", on_the_wire(sets))?;
        let objects = [
            ([("kind", "namespace")], known.namespaces),
            ([("kind", "revision")], known.revisions),
            ([("kind", "pod_with_sidecars")], known.pods.carriers),
            ([("kind", "pod_without_sidecars")], known.pods.bystanders),
        ];
        scrape.gauge("cached_objects", "Objects that are remembered, by their kind.", on_the_wire(objects))?;
        scrape.number("cached_strings", "Strings that remembered Pods share.", known.pods.strings as u64)?;
        let waiting = known.waiting;
        scrape.number(
            "queue_sets",
            "SidecarSets that are to be looked at now and wait for it.",
            waiting.sets as u64,
        )?;
        let longest = waiting.longest.as_secs_f64();
        scrape.number("queue_longest_wait_seconds", "How long the first of these has waited.", longest)
    }
}

fn on_the_wire<const N: usize, L>(series: [(L, usize); N]) -> [(L, u64); N] {
    series.map(|(labels, count)| (labels, count as u64))
}
