//! What a run is told with: tables in Markdown and charts in SVG.

mod chart;
mod table;

pub use chart::{Chart, Series};
pub use table::Table;

/// What is told of one part of a run.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Identifies the place in the document that it fills.
    pub name: &'static str,
    /// Its tables, in order.
    pub tables: Vec<Table>,
    /// Its charts, in order.
    pub charts: Vec<Chart>,
}
