//! Everything that a monitoring system is told.

use crate::process::{self, Process};
use sidecarset_metrics::{Collector, DescriptorEncoder, Registry, Scrape};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the name of every metric begins with, but for those of any process.
const PREFIX: &str = "sidecarset";

/// What is known of the operator as a whole.
#[derive(Debug)]
struct Operator {
    is_ready: Arc<AtomicBool>,
}

/// Returns everything that is told.
pub fn registry(
    webhook: &sidecarset_webhook::Metrics,
    controller: &sidecarset_controller::Metrics,
    is_ready: Arc<AtomicBool>,
) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process));
    let own = registry.sub_registry_with_prefix(PREFIX);
    own.register_collector(Box::new(Operator { is_ready }));
    webhook.register(own);
    controller.register(own);
    registry
}

impl Collector for Operator {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut scrape = Scrape::new(encoder);
        let build = [([("version", env!("CARGO_PKG_VERSION"))], 1_u64)];
        scrape.gauge("build_info", "Which version of the operator runs.", build)?;
        let is_ready = u64::from(self.is_ready.load(Ordering::Relaxed));
        scrape.number("ready", "Whether the API server can ask about new Pods.", is_ready)?;
        match process::memory_limit() {
            Some(limit) => {
                scrape.number("memory_limit_bytes", "How much memory the operator may use, in bytes.", limit)
            }
            None => Ok(()),
        }
    }
}
