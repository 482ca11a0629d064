//! What is counted of reviews, and of what they depend on. All of it is told to monitoring by numbers whose labels are closed.

mod outcome;
mod review;

pub use outcome::{DenialReason, Outcome};
pub use review::Review;

use crate::namespace;
use crate::upkeep;
use sidecarset_metrics::{Bounds, Counters, Gauge, Histogram, NoLabels, Registry, label};
use std::time::Duration;

/// A review takes some ten microseconds where nothing is waited for, and no longer than the API server waits.
const REVIEW: Bounds = &[
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

label! {
    /// Which webhook was asked.
    pub enum Webhook: "webhook" {
        /// What a new Pod gets.
        Pod = "pod",
        /// What is filled in for a SidecarSet.
        MutateSet = "mutate_sidecarset",
        /// Whether a SidecarSet is refused.
        ValidateSet = "validate_sidecarset",
    }
}

label! {
    /// What became of the look-up of a namespace.
    pub(crate) enum Lookup: "result" {
        Found = "found",
        Missing = "missing",
        Failed = "failed",
        Deadline = "deadline",
    }
}

label! {
    /// What could not be kept good.
    pub(crate) enum Failure: "cause" {
        Certificate = "certificate",
        Unusable = "unusable_certificate",
        Registration = "registration",
        Deadline = "deadline",
    }
}

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    reviews: Counters<(Webhook, Outcome)>,
    duration: Histogram<Webhook>,
    injected_sets: Counters,
    injected_containers: Counters,
    dropped_events: Counters,
    lookups: Counters<Lookup>,
    registrations: Counters,
    failures: Counters<Failure>,
    certificate_expiry: Gauge,
}

impl Metrics {
    /// Registers everything.
    pub fn register(&self, registry: &mut Registry) {
        self.reviews.register(registry, "reviews", "Reviews that were answered, or not, by result and reason");
        self.duration.register(registry, "review_duration", "Time from the arrival of a review to its answer");
        self.injected_sets.register(registry, "injected_sets", "SidecarSets that were injected into new Pods");
        self.injected_containers.register(
            registry,
            "injected_containers",
            "Containers that were injected into new Pods, init containers included",
        );
        self.dropped_events.register(
            registry,
            "review_events_dropped",
            "Events about new Pods for which there was no room in the queue",
        );
        self.lookups.register(
            registry,
            "namespace_lookups",
            "Namespaces that a review had to look up at the API server, by result",
        );
        self.registrations.register(
            registry,
            "registration_writes",
            "Times that the webhook configurations had to be written",
        );
        self.failures.register(
            registry,
            "upkeep_failures",
            "Times that the certificate or the registration could not be kept good, by cause",
        );
        self.certificate_expiry.register_seconds(
            registry,
            "certificate_expiry_timestamp",
            "When the certificate ends that is served, in Unix time",
        );
    }

    /// Begins to count a review.
    pub fn begin(&self, webhook: Webhook) -> Review<'_> {
        Review::begin(self, webhook)
    }

    /// Returns how many reviews of a webhook there were with an outcome.
    #[must_use]
    pub fn reviewed(&self, webhook: Webhook, outcome: Outcome) -> u64 {
        self.reviews.total((webhook, outcome))
    }

    /// Says whether there is a certificate to answer with.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.certificate_expiry.number() != 0
    }

    /// Counts what a new Pod got.
    pub(crate) fn injected(&self, sets: usize, containers: usize) {
        self.injected_sets.add(NoLabels, sets as u64);
        self.injected_containers.add(NoLabels, containers as u64);
    }

    /// Counts an event that is not told.
    pub(crate) fn dropped_event(&self) {
        self.dropped_events.count(NoLabels);
    }

    /// Counts the look-up of a namespace.
    pub(crate) fn looked_up<T>(&self, answer: &Result<T, namespace::Error>) {
        self.lookups.count(match answer {
            Ok(_) => Lookup::Found,
            Err(namespace::Error::Missing) => Lookup::Missing,
            Err(namespace::Error::Read(_)) => Lookup::Failed,
            Err(namespace::Error::Deadline) => Lookup::Deadline,
        });
    }

    /// Counts that the registration has to be written.
    pub(crate) fn registers(&self) {
        self.registrations.count(NoLabels);
    }

    /// Counts what could not be kept good.
    pub(crate) fn failed(&self, error: &upkeep::Error) {
        self.failures.count(match error {
            upkeep::Error::Certificate(_) => Failure::Certificate,
            upkeep::Error::Unusable(_) => Failure::Unusable,
            upkeep::Error::Registration(_) => Failure::Registration,
            upkeep::Error::Deadline(_) => Failure::Deadline,
        });
    }

    /// Returns what shows when the certificate ends that is served.
    pub(crate) fn certificate_expiry(&self) -> Gauge {
        self.certificate_expiry.clone()
    }

    fn ended(&self, webhook: Webhook, outcome: Outcome, after: Duration) {
        self.reviews.count((webhook, outcome));
        self.duration.observe(webhook, after);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            reviews: Counters::default(),
            duration: Histogram::new(REVIEW),
            injected_sets: Counters::default(),
            injected_containers: Counters::default(),
            dropped_events: Counters::default(),
            lookups: Counters::default(),
            registrations: Counters::default(),
            failures: Counters::default(),
            certificate_expiry: Gauge::default(),
        }
    }
}
