//! Numbers that a monitoring system reads: counters and histograms whose labels are closed, so that nobody can make series
//! without end, and that cost an atomic addition or two, so that they can be anywhere.

mod counters;
mod gauges;
mod histogram;
mod labels;

pub use counters::Counters;
pub use gauges::{Gauge, Gauges, Scrape};
pub use histogram::{Bounds, Histogram};
pub use labels::{Labels, NoLabels};
pub use prometheus_client::collector::Collector;
pub use prometheus_client::encoding::DescriptorEncoder;
pub use prometheus_client::registry::Registry;

use prometheus_client::encoding::text;
use std::fmt;

/// The media type of what [`scrape`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns everything that is registered as it is now, as an OpenMetrics text.
///
/// # Errors
/// Something that is registered cannot be written.
pub fn scrape(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    text::encode(&mut text, registry)?;
    Ok(text)
}
