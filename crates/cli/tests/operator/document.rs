//! What docs/metrics.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The metrics that are described, by the name under which they are asked for.
pub fn metrics() -> BTreeMap<String, Described> {
    let rows = rows().into_iter().filter(|row| row.len() == 5 && is_metric(&row[0]));
    let described = rows.map(|row| {
        let (kind, unit, labels) = (row[1].clone(), row[2].clone(), quoted(&row[3]));
        (quoted(&row[0]).remove(0), Described { kind, unit, labels: labels.into_iter().collect() })
    });
    described.collect()
}

/// The values of labels that are described, by the metric and the label.
pub fn values() -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut values = BTreeMap::new();
    for row in rows().into_iter().filter(|row| row.len() == 3 && is_metric(&row[0])) {
        for metric in quoted(&row[0]) {
            let of_label = quoted(&row[2]).into_iter().collect();
            assert_eq!(values.insert((metric, quoted(&row[1]).remove(0)), of_label), None, "{row:?}");
        }
    }
    values
}

#[derive(Debug, PartialEq, Eq)]
pub struct Described {
    pub kind: String,
    pub unit: String,
    pub labels: BTreeSet<String>,
}

/// The queries that stand as examples.
pub fn queries() -> Vec<String> {
    let text = text();
    let blocks = text.split("```promql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim().to_owned()).collect()
}

fn text() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md")).unwrap()
}

/// Returns the cells of each row of each table.
fn rows() -> Vec<Vec<String>> {
    let text = text();
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn is_metric(cell: &str) -> bool {
    cell.starts_with("`sidecarset_") || cell.starts_with("`process_")
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
