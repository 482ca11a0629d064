//! Numbers that only grow.

use crate::labels::{Labels, NoLabels, write_series};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, for each value of its labels.
#[derive(Debug)]
pub struct Counters<L: Labels = NoLabels> {
    counts: Arc<[AtomicU64]>,
    labels: PhantomData<L>,
}

impl<L: Labels> Counters<L> {
    /// Registers them under a name, to which `_total` is added.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        let shared = Self { counts: Arc::clone(&self.counts), labels: PhantomData };
        registry.register(name, help, shared);
    }

    /// Counts one more.
    pub fn count(&self, labels: L) {
        self.add(labels, 1);
    }

    /// Counts so many more.
    pub fn add(&self, labels: L, count: u64) {
        self.counts[labels.index()].fetch_add(count, Ordering::Relaxed);
    }

    /// Returns how many there were.
    #[must_use]
    pub fn total(&self, labels: L) -> u64 {
        self.counts[labels.index()].load(Ordering::Relaxed)
    }
}

impl<L: Labels> Default for Counters<L> {
    fn default() -> Self {
        Self { counts: (0..L::COUNT).map(|_| AtomicU64::new(0)).collect(), labels: PhantomData }
    }
}

impl<L: Labels> EncodeMetric for Counters<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for labels in L::all() {
            let total = self.total(labels);
            write_series(labels, &mut encoder, |encoder| encoder.encode_counter::<NoLabelSet, _, u64>(&total, None))?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{label, scrape};

    label! {
        /// A colour.
        enum Colour: "colour" {
            Red = "red",
            Green = "green",
        }
    }

    #[test]
    fn a_series_is_there_before_anything_is_counted() {
        let mut registry = Registry::default();
        let seen = Counters::<Colour>::default();
        seen.register(&mut registry, "seen", "Colours that were seen");

        seen.count(Colour::Green);
        seen.add(Colour::Green, 2);

        assert_eq!(
            scrape(&registry).unwrap(),
            "# HELP seen Colours that were seen.\n\
             # TYPE seen counter\n\
             seen_total{colour=\"red\"} 0\n\
             seen_total{colour=\"green\"} 3\n\
             # EOF\n"
        );
    }

    #[test]
    fn without_a_label_there_is_one_series() {
        let mut registry = Registry::default();
        let seen = Counters::<NoLabels>::default();
        seen.register(&mut registry, "seen", "Things that were seen");

        seen.count(NoLabels);

        assert!(scrape(&registry).unwrap().contains("\nseen_total 1\n"));
    }
}
