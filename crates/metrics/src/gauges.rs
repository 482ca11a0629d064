//! Numbers that go up and down.

use crate::labels::{Labels, write_series};
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A number that goes up and down, and that somebody sets. Copies show the same number.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Returns one with a number.
    #[must_use]
    pub fn new(number: i64) -> Self {
        Self(Arc::new(AtomicI64::new(number)))
    }

    /// Registers it under a name.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(name, help, self.clone());
    }

    /// Registers it under a name, to which `_seconds` is added.
    pub fn register_seconds(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register_with_unit(name, help, Unit::Seconds, self.clone());
    }

    /// Sets the number.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Adds to the number, or takes away from it.
    pub fn add(&self, difference: i64) {
        self.0.fetch_add(difference, Ordering::Relaxed);
    }

    /// Returns the number.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl EncodeMetric for Gauge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.number())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// A number that goes up and down, for each value of its labels.
#[derive(Debug)]
pub struct Gauges<L: Labels> {
    numbers: Arc<[AtomicI64]>,
    labels: PhantomData<L>,
}

impl<L: Labels> Gauges<L> {
    /// Registers them under a name.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        let shared = Self { numbers: Arc::clone(&self.numbers), labels: PhantomData };
        registry.register(name, help, shared);
    }

    /// Sets the number of one.
    pub fn set(&self, labels: L, number: i64) {
        if let Some(gauge) = self.numbers.get(labels.index()) {
            gauge.store(number, Ordering::Relaxed);
        }
    }

    /// Returns the number of one.
    #[must_use]
    pub fn number(&self, labels: L) -> i64 {
        self.numbers.get(labels.index()).map_or(0, |gauge| gauge.load(Ordering::Relaxed))
    }
}

impl<L: Labels> Default for Gauges<L> {
    fn default() -> Self {
        Self { numbers: (0..L::COUNT).map(|_| AtomicI64::new(0)).collect(), labels: PhantomData }
    }
}

impl<L: Labels> EncodeMetric for Gauges<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for labels in L::all() {
            let number = self.number(labels);
            write_series(labels, &mut encoder, |encoder| encoder.encode_gauge(&number))?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// Writes numbers that are looked up when somebody asks.
#[derive(Debug)]
pub struct Scrape<'a>(DescriptorEncoder<'a>);

impl<'a> Scrape<'a> {
    /// Writes with this.
    #[must_use]
    pub fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// Writes the series of one gauge, each with its labels.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn gauge<'l, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([(&'l str, &'l str); N], V)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, number) in series {
            encoder.encode_family(&labels)?.encode_gauge(&number)?;
        }
        Ok(())
    }

    /// Writes a number that only grows under a name, to which `_total` is added.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn counter(&mut self, name: &str, help: &str, total: f64) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, u64>(&total, None)
    }

    /// Writes a gauge without labels.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn number(&mut self, name: &str, help: &str, number: impl EncodeGaugeValue + Copy) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Collector, scrape};

    #[derive(Debug)]
    struct Shelf;

    impl Collector for Shelf {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let boxes = [([("owner", "a \"b\"")], 3_u64), ([("owner", "c")], 0)];
            let mut scrape = Scrape::new(encoder);
            scrape.gauge("boxes", "Boxes on the shelf.", boxes)?;
            scrape.number("height", "Height of the shelf.", 7_u64)?;
            scrape.counter("dust", "Dust that fell.", 0.5)
        }
    }

    #[test]
    fn the_newest_number_is_told() {
        let mut registry = Registry::default();
        let gauge = Gauge::new(1);
        gauge.register(&mut registry, "leader", "Whether it leads");

        gauge.set(0);

        assert!(scrape(&registry).unwrap().contains("\nleader 0\n"));
    }

    crate::label! {
        /// A colour.
        enum Colour: "colour" {
            Red = "red",
            Green = "green",
        }
    }

    #[test]
    fn each_label_has_a_number_of_its_own() {
        let mut registry = Registry::default();
        let cars = Gauges::<Colour>::default();
        cars.register(&mut registry, "cars", "Cars that are there");

        cars.set(Colour::Green, 3);
        cars.set(Colour::Green, 2);

        let text = scrape(&registry).unwrap();
        assert!(text.contains("\ncars{colour=\"red\"} 0\ncars{colour=\"green\"} 2\n"), "{text}");
    }

    #[test]
    fn a_value_that_is_not_ours_is_escaped() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Shelf));

        let text = scrape(&registry).unwrap();

        assert_eq!(
            text,
            "# HELP boxes Boxes on the shelf.\n\
             # TYPE boxes gauge\n\
             boxes{owner=\"a \\\"b\\\"\"} 3\n\
             boxes{owner=\"c\"} 0\n\
             # HELP height Height of the shelf.\n\
             # TYPE height gauge\n\
             height 7\n\
             # HELP dust Dust that fell.\n\
             # TYPE dust counter\n\
             dust_total 0.5\n\
             # EOF\n"
        );
    }
}
