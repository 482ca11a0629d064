//! Everything that a monitoring system is told.

use crate::health::Readiness;
use crate::process::{self, Process};
use leader_lease::Leadership;
use sidecarset_metrics::{Collector, DescriptorEncoder, Registry, Scrape};
use std::fmt;

/// What the name of every metric begins with, but for those of any process.
const PREFIX: &str = "sidecarset";

/// What is known of the operator as a whole.
#[derive(Debug)]
struct Operator {
    readiness: Readiness,
    leadership: Leadership,
}

/// Returns everything that is told.
pub fn registry(
    webhook: &sidecarset_webhook::Metrics,
    controller: &sidecarset_controller::Metrics,
    (readiness, leadership): (Readiness, Leadership),
) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process));
    let own = registry.sub_registry_with_prefix(PREFIX);
    own.register_collector(Box::new(Operator { readiness, leadership }));
    webhook.register(own);
    controller.register(own);
    registry
}

impl Collector for Operator {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut scrape = Scrape::new(encoder);
        let build = [([("version", env!("CARGO_PKG_VERSION"))], 1_u64)];
        scrape.gauge("build_info", "Which version of the operator runs.", build)?;
        let is_ready = u64::from(self.readiness.is_ready());
        scrape.number("ready", "Whether the API server can ask about new Pods.", is_ready)?;
        let silence = self.readiness.contact.silence().unwrap_or_default().as_secs_f64();
        scrape.number("api_server_silence_seconds", "Time since the API server last answered anything.", silence)?;
        let leads = u64::from(self.leadership.leads());
        scrape.number("leader", "Whether this replica writes.", leads)?;
        match process::memory_limit() {
            Some(limit) => {
                scrape.number("memory_limit_bytes", "How much memory the operator may use, in bytes.", limit)
            }
            None => Ok(()),
        }
    }
}
