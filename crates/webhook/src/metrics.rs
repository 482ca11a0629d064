//! What is counted of reviews, and of what they depend on. All of it is told to monitoring by numbers whose labels are closed.

mod connection;
mod outcome;
mod review;

pub use connection::Closed;
pub use outcome::{DenialReason, Outcome};
pub use review::Review;

use crate::confirmation;
use crate::namespace;
use crate::upkeep;
use connection::{Connections, Open};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::{Coverage, WebhookScope};
use sidecarset_metrics::{Bounds, Counters, Gauge, Gauges, Histogram, Labels, NoLabels, Registry, label};
use std::collections::BTreeMap;
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
        /// Whether sets select a namespace whose labels are written.
        ValidateNamespace = "validate_namespace",
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
    /// What became of the question whether there are other SidecarSets.
    pub(crate) enum Confirmed: "result" {
        Known = "known",
        Unknown = "unknown",
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

label! {
    /// How the API server calls for the Pods of a set.
    pub(crate) enum SetCoverage: "coverage" {
        Exact = "exact",
        Wide = "wide",
        TooManyRequirements = "too_many_requirements",
        OperatorNamespace = "operator_namespace",
        Rejected = "rejected",
    }
}

label! {
    /// What others did to the webhook configurations.
    pub(crate) enum ForeignChange: "effect" {
        // A field of ours has another value, and is written again.
        Overwritten = "overwritten",
        // The API server calls us less often, which stays.
        Narrowed = "narrowed",
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
    confirmations: Counters<Confirmed>,
    registrations: Counters,
    registered: Gauges<SetCoverage>,
    foreign_changes: Counters<ForeignChange>,
    failures: Counters<Failure>,
    certificate_expiry: Gauge,
    connections: Connections,
    strangers: Counters,
    review_bytes: Gauge,
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
        self.confirmations.register(
            registry,
            "set_confirmations",
            "Times that a review had to ask the API server whether there are other SidecarSets, by result",
        );
        self.registrations.register(
            registry,
            "registration_writes",
            "Times that the webhook configurations had to be written",
        );
        self.registered.register(
            registry,
            "registered_sets",
            "SidecarSets by how the API server calls for their Pods, as told by the replica that leads",
        );
        self.foreign_changes.register(
            registry,
            "registration_foreign_changes",
            "Times that others changed what the webhook configurations say of the operator's webhooks, by effect",
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
        self.register_port(registry);
    }

    fn register_port(&self, registry: &mut Registry) {
        self.connections.register(registry);
        self.strangers.register(
            registry,
            "requests_without_proof",
            "Requests to the port of reviews that did not show that they were an API server's",
        );
        self.review_bytes.register(registry, "review_bytes", "Bytes of memory that reviews under way may take");
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

    /// Counts a connection, until what is returned is dropped.
    pub(crate) fn connected(&self) -> Open<'_> {
        self.connections.open(self)
    }

    /// Returns how many connections were closed for a reason.
    #[must_use]
    pub fn closed(&self, reason: Closed) -> u64 {
        self.connections.closed(reason)
    }

    /// Returns what shows how much memory reviews may take.
    #[must_use]
    pub fn review_bytes(&self) -> Gauge {
        self.review_bytes.clone()
    }

    /// Counts a request of somebody who has not shown that he is an API server.
    pub(crate) fn turned_away(&self) {
        self.strangers.count(NoLabels);
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

    /// Counts the question whether there are other SidecarSets.
    pub(crate) fn confirmed(&self, answer: &Result<(), confirmation::Error>) {
        self.confirmations.count(match answer {
            Ok(()) => Confirmed::Known,
            Err(confirmation::Error::Unknown(_)) => Confirmed::Unknown,
            Err(confirmation::Error::List(_)) => Confirmed::Failed,
            Err(confirmation::Error::Deadline) => Confirmed::Deadline,
        });
    }

    /// Counts that the registration has to be written.
    pub(crate) fn registers(&self) {
        self.registrations.count(NoLabels);
    }

    /// Notes how the API server calls for the Pods of each set. Where it evaluates no condition, it calls for all.
    pub(crate) fn registered(&self, catalog: &Catalog, coverage: &BTreeMap<WebhookScope, Coverage>, is_narrow: bool) {
        let registered = |coverage: &Coverage| match coverage {
            Coverage::Exact if is_narrow => SetCoverage::Exact,
            Coverage::Exact | Coverage::Wide => SetCoverage::Wide,
            Coverage::TooManyRequirements => SetCoverage::TooManyRequirements,
            Coverage::OperatorNamespace => SetCoverage::OperatorNamespace,
            Coverage::Rejected { .. } => SetCoverage::Rejected,
        };
        let scopes: Vec<WebhookScope> = catalog.scopes().collect();
        let present: Vec<SetCoverage> = scopes.iter().filter_map(|it| coverage.get(it)).map(registered).collect();
        for each in SetCoverage::all() {
            let sets = present.iter().filter(|present| present.index() == each.index()).count();
            self.registered.set(each, i64::try_from(sets).unwrap_or(i64::MAX));
        }
    }

    /// Notes that another replica registers the sets, and says so.
    pub(crate) fn stands_by(&self) {
        SetCoverage::all().for_each(|each| self.registered.set(each, 0));
    }

    /// Counts what others did to the registration.
    pub(crate) fn changed_by_others(&self, change: ForeignChange) {
        self.foreign_changes.count(change);
    }

    #[cfg(test)]
    pub(crate) fn foreign_changes(&self, change: ForeignChange) -> u64 {
        self.foreign_changes.total(change)
    }

    /// Counts what could not be kept good.
    pub(crate) fn failed(&self, error: &upkeep::Error) {
        self.failures.count(match error {
            upkeep::Error::Certificate(_) | upkeep::Error::NoProof => Failure::Certificate,
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
            confirmations: Counters::default(),
            registrations: Counters::default(),
            registered: Gauges::default(),
            foreign_changes: Counters::default(),
            failures: Counters::default(),
            certificate_expiry: Gauge::default(),
            connections: Connections::default(),
            strangers: Counters::default(),
            review_bytes: Gauge::default(),
        }
    }
}
