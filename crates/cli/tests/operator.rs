//! The operator as it runs: its own process, with an API server that has what a test gives it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "operator/addresses.rs"]
mod addresses;
#[path = "operator/api_server.rs"]
mod api_server;
#[cfg(feature = "otel")]
#[path = "operator/collector.rs"]
mod collector;
#[path = "operator/document.rs"]
mod document;
#[path = "operator/ending.rs"]
mod ending;
#[path = "operator/health.rs"]
mod health;
#[path = "operator/log.rs"]
mod log;
#[path = "operator/metrics.rs"]
mod metrics;
#[path = "operator/monitoring.rs"]
mod monitoring;
#[path = "operator/process.rs"]
mod process;
#[path = "operator/query.rs"]
mod query;
#[path = "operator/replicas.rs"]
mod replicas;
#[path = "operator/rotation.rs"]
mod rotation;
#[path = "operator/scrape.rs"]
mod scrape;
#[cfg(feature = "otel")]
#[path = "operator/traces.rs"]
mod traces;
