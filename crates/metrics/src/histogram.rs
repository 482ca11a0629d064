//! How long things take.

use crate::labels::{Labels, NoLabels, write_series};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest time of each bucket, the shortest first.
pub type Bounds = &'static [Duration];

/// How long something takes, for each value of its labels. What [`prometheus_client`] has for this takes a lock.
#[derive(Debug)]
pub struct Histogram<L: Labels = NoLabels> {
    bounds: Bounds,
    series: Arc<[Series]>,
    labels: PhantomData<L>,
}

#[derive(Debug)]
struct Series {
    // How many times belong into each bucket and no earlier one; the last one has no bound.
    buckets: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

impl<L: Labels> Histogram<L> {
    /// Returns one that has seen nothing.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let series = (0..L::COUNT).map(|_| Series::new(bounds.len() + 1));
        Self { bounds, series: series.collect(), labels: PhantomData }
    }

    /// Registers it under a name, to which `_seconds` is added.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        let shared = Self { series: Arc::clone(&self.series), ..*self };
        registry.register_with_unit(name, help, Unit::Seconds, shared);
    }

    /// Takes note of a time.
    pub fn observe(&self, labels: L, time: Duration) {
        let series = &self.series[labels.index()];
        let bucket = self.bounds.partition_point(|bound| *bound < time);
        series.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        series.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Returns how many times were noted.
    #[must_use]
    pub fn count(&self, labels: L) -> u64 {
        self.series[labels.index()].counts().iter().sum()
    }
}

impl Series {
    fn new(buckets: usize) -> Self {
        Self { buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(), nanoseconds: AtomicU64::new(0) }
    }

    fn counts(&self) -> Vec<u64> {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect()
    }
}

impl<L: Labels> EncodeMetric for Histogram<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = self.bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        for labels in L::all() {
            let series = &self.series[labels.index()];
            let sum = Duration::from_nanos(series.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
            let counts = series.counts();
            let count = counts.iter().sum();
            let buckets: Vec<(f64, u64)> = bounds.clone().zip(counts).collect();
            write_series(labels, &mut encoder, |encoder| {
                encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            })?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape;

    const BOUNDS: Bounds = &[Duration::from_millis(1), Duration::from_millis(10)];

    fn text_after(times: &[Duration]) -> String {
        let mut registry = Registry::default();
        let wait = Histogram::<NoLabels>::new(BOUNDS);
        wait.register(&mut registry, "wait", "How long one waits");
        for time in times {
            wait.observe(NoLabels, *time);
        }
        scrape(&registry).unwrap()
    }

    #[test]
    fn a_bucket_holds_what_is_no_longer_than_its_bound() {
        let text = text_after(&[1, 2, 10, 11].map(Duration::from_millis));

        assert_eq!(
            text,
            "# HELP wait_seconds How long one waits.\n\
             # TYPE wait_seconds histogram\n\
             # UNIT wait_seconds seconds\n\
             wait_seconds_sum 0.024\n\
             wait_seconds_count 4\n\
             wait_seconds_bucket{le=\"0.001\"} 1\n\
             wait_seconds_bucket{le=\"0.01\"} 3\n\
             wait_seconds_bucket{le=\"+Inf\"} 4\n\
             # EOF\n"
        );
    }

    #[test]
    fn a_time_without_end_is_in_the_last_bucket() {
        let text = text_after(&[Duration::MAX]);

        assert!(text.contains("wait_seconds_bucket{le=\"0.01\"} 0\nwait_seconds_bucket{le=\"+Inf\"} 1\n"), "{text}");
    }
}
