//! Connections to the port of reviews, as they are counted.

use super::Metrics;
use sidecarset_metrics::{Counters, Gauge, Registry, label};

label! {
    /// Why a connection was closed.
    pub enum Closed: "reason" {
        /// Both ends were done, or one was gone.
        Done = "done",
        /// There was no handshake.
        Handshake = "handshake",
        /// Nothing showed in time that it was one of an API server.
        Unknown = "unknown",
        /// An API server asked nothing for long.
        Idle = "idle",
        /// There were too many, and it was the oldest that was not known to be one of an API server.
        Evicted = "evicted",
        /// The operator ended, and it did not.
        CutOff = "cut_off",
    }
}

/// What is counted of connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Gauge,
    closed: Counters<Closed>,
}

/// A connection that is open.
#[derive(Debug)]
#[must_use = "a connection that is dropped is closed"]
pub(crate) struct Open<'a> {
    metrics: &'a Metrics,
    // Why it is closed if that is now.
    closed: Closed,
}

impl Connections {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.open.register(registry, "connections", "Connections to the port of reviews");
        self.closed.register(
            registry,
            "connections_closed",
            "Connections to the port of reviews that ended, by reason",
        );
    }

    pub(super) fn open<'a>(&self, metrics: &'a Metrics) -> Open<'a> {
        self.open.add(1);
        Open { metrics, closed: Closed::CutOff }
    }

    pub(super) fn closed(&self, reason: Closed) -> u64 {
        self.closed.total(reason)
    }
}

impl Open<'_> {
    /// Counts that it is closed now.
    pub(crate) fn close(mut self, closed: Closed) {
        self.closed = closed;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let connections = &self.metrics.connections;
        connections.open.add(-1);
        connections.closed.count(self.closed);
    }
}
