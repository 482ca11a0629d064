//! What is told of reviews.

use super::{Cell, Pass, Results, Webhook};
use crate::report::{Chart, Section, Series, Table};

/// The combination of the budgets: as many sets as a large platform has, and a Pod as large as a large application's.
const USUAL_SETS: usize = 50;

/// Returns what is told of reviews.
#[must_use]
pub fn sections(results: &Results) -> Vec<Section> {
    let mut section = Section { name: "injection", ..Section::default() };
    for bytes in distinct(results, |cell| cell.pod_bytes) {
        section.tables.push(table(results, bytes));
    }
    section.tables.push(memory(results));
    section.charts.push(chart(results));
    vec![section]
}

fn table(results: &Results, bytes: usize) -> Table {
    let title = format!("Pod of {} KB", bytes / 1_000);
    let head = [
        "webhook",
        "connections",
        "CPU ÷ null",
        "p99 ÷ null",
        "CPU µs/review",
        "reviews/s per core",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
    ];
    let mut table = Table::new(title, head);
    for cell in results.cells.iter().filter(|cell| cell.pod_bytes == bytes) {
        let webhook =
            if cell.pass == Pass::Last { format!("{}, again", cell.webhook) } else { cell.webhook.to_string() };
        let null = results.null(cell);
        table.row(vec![
            webhook,
            cell.connections.to_string(),
            ratio(null.map(|null| cell.cpu_per_review() / null.cpu_per_review())),
            ratio(null.map(|null| cell.latency.p99 / null.latency.p99)),
            format!("{:.0}", cell.cpu_per_review()),
            format!("{:.0}", 1e6 / cell.cpu_per_review()),
            format!("{:.0}", cell.latency.p50),
            format!("{:.0}", cell.latency.p99),
            format!("{:.0}", cell.latency.p999),
        ]);
    }
    table
}

fn memory(results: &Results) -> Table {
    let mut table = Table::new(
        "Resident memory of the webhook alone, after all reviews of a size, in MiB",
        ["webhook", "Pod KB", "resident", "peak"],
    );
    let most = results.cells.iter().map(|cell| cell.connections).max();
    let cells = results.cells.iter().filter(|cell| Some(cell.connections) == most && cell.pass == Pass::First);
    for cell in cells {
        table.row(vec![
            cell.webhook.to_string(),
            (cell.pod_bytes / 1_000).to_string(),
            mebibytes(cell.memory.resident),
            mebibytes(cell.memory.peak),
        ]);
    }
    table
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes are far below 2⁵²")]
fn chart(results: &Results) -> Chart {
    let series = distinct(results, |cell| cell.connections).into_iter().map(|connections| {
        let cells = results.cells.iter().filter(|cell| cell.connections == connections && cell.pass == Pass::First);
        let points = cells.filter_map(|cell| match cell.webhook {
            Webhook::Ours { sets: USUAL_SETS } => {
                Some((cell.pod_bytes as f64 / 1e3, cell.cpu_per_review() / results.null(cell)?.cpu_per_review()))
            }
            _ => None,
        });
        Series { name: format!("connections: {connections}"), points: points.collect() }
    });
    Chart {
        name: "injection".to_owned(),
        title: format!("CPU of a review, {USUAL_SETS} SidecarSets, as a multiple of a null webhook's"),
        across: "Pod, KB".to_owned(),
        up: "CPU ÷ null".to_owned(),
        is_logarithmic: true,
        series: series.collect(),
    }
}

fn distinct(results: &Results, of: impl Fn(&Cell) -> usize) -> Vec<usize> {
    let mut all: Vec<usize> = results.cells.iter().map(of).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2⁵² bytes")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}

impl Results {
    /// Returns what the null webhook needed for the same.
    #[must_use]
    pub fn null(&self, cell: &Cell) -> Option<&Cell> {
        self.cell(Webhook::Null, Pass::First, cell.pod_bytes, cell.connections)
    }
}
