//! What is told of the paths.

use super::{Across, CATALOGUE, CorePath, Cost, Fit, POD_COUNT, Record, Results, guard};
use crate::report::{Chart, Section, Series, Table};

/// Returns the tables of costs and their growth and of the memory of a Pod, and a chart for each thing that sizes count.
#[must_use]
pub fn sections(results: &Results) -> Vec<Section> {
    let measured = &results.measured;
    vec![Section {
        name: "paths",
        tables: vec![growth(measured), pod_records(results)],
        charts: [Across::Bytes, Across::Sets, Across::Pods].map(|across| chart(across, measured)).into(),
    }]
}

/// Returns the table of everything that was counted, beside what was recorded.
#[must_use]
pub fn costs(results: &Results) -> Table {
    let head = ["path", "size", "", "instructions", "recorded", "change", "allocations", "bytes allocated"];
    let mut table = Table::new("What each path costs, once", head);
    for (path, size, cost) in measured(&results.measured) {
        let before = results.recorded.as_ref().and_then(|recorded| recorded.cost(path.name, size));
        let before = before.map(|before| before.instructions);
        table.row(vec![
            path.name.to_owned(),
            grouped(size as u64),
            path.across.unit().to_owned(),
            grouped(cost.instructions),
            before.map_or_else(String::new, grouped),
            before.map_or_else(String::new, |before| guard::change(before, cost.instructions)),
            grouped(cost.allocations),
            grouped(cost.bytes),
        ]);
    }
    table
}

fn measured(record: &Record) -> impl Iterator<Item = (&'static CorePath, usize, Cost)> {
    let places = CATALOGUE.iter().flat_map(|path| path.sizes.iter().map(move |size| (path, *size)));
    places.filter_map(|(path, size)| Some((path, size, record.cost(path.name, size)?)))
}

/// Returns the table of how the costs grow.
fn growth(record: &Record) -> Table {
    let head = [
        "path",
        "sizes",
        "",
        "instructions",
        "exponent",
        "without fixed part",
        "each more",
        "expected",
        "met",
        "allocations",
    ];
    let mut table = Table::new("How instructions grow with the size", head);
    for path in CATALOGUE {
        let points = record.instructions(path.name);
        let Some(fit) = Fit::of(&points) else { continue };
        table.row(vec![
            path.name.to_owned(),
            joined(points.iter().map(|(size, _)| *size)),
            path.across.unit().to_owned(),
            joined(points.iter().map(|(_, cost)| *cost)),
            format!("{:.2}", fit.exponent),
            fit.marginal.map_or_else(|| "–".to_owned(), |marginal| format!("{marginal:.2}")),
            format!("{:.1}", fit.slope),
            path.growth.word().to_owned(),
            (if path.growth.is_met(&fit) { "yes" } else { "no" }).to_owned(),
            allocations(record, path),
        ]);
    }
    table
}

fn allocations(record: &Record, path: &CorePath) -> String {
    let costs = path.sizes.iter().filter_map(|size| record.cost(path.name, *size));
    costs.map(|cost| grouped(cost.allocations)).collect::<Vec<_>>().join(" / ")
}

/// Returns the table of what is kept of each Pod.
fn pod_records(results: &Results) -> Table {
    let title = format!("Bytes that are allocated for each of {} matched Pods", grouped(POD_COUNT as u64));
    let mut table = Table::new(title, ["a Pod of", "bytes", "recorded"]);
    for (name, bytes) in &results.measured.pod_records {
        let before = results.recorded.as_ref().and_then(|recorded| recorded.pod_records.get(name));
        table.row(vec![name.clone(), grouped(*bytes), before.map_or_else(String::new, |before| grouped(*before))]);
    }
    table
}

fn chart(across: Across, record: &Record) -> Chart {
    let paths = CATALOGUE.iter().filter(|path| path.across == across);
    let series = paths.map(|path| Series { name: path.name.to_owned(), points: record.instructions(path.name) });
    Chart {
        name: format!("instructions-by-{}", across.unit().split(' ').next().unwrap_or_default().to_lowercase()),
        title: format!("Instructions by {}", across.unit()),
        across: across.unit().to_owned(),
        up: "instructions".to_owned(),
        is_logarithmic: true,
        series: series.collect(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "these were counted")]
fn joined(numbers: impl Iterator<Item = f64>) -> String {
    numbers.map(|number| grouped(number as u64)).collect::<Vec<_>>().join(" / ")
}

/// Writes a number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group));
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_path_is_told_beside_what_was_recorded_of_it() {
        let (mut measured, mut recorded) = (Record::default(), Record::default());
        *measured.cost_mut("parse/bytes", 2_000) = Cost { instructions: 110_000, allocations: 50, bytes: 4_000 };
        *recorded.cost_mut("parse/bytes", 2_000) = Cost { instructions: 100_000, allocations: 50, bytes: 4_000 };

        let table = costs(&Results { measured, recorded: Some(recorded) }).to_string();

        let row = "| parse/bytes | 2,000 | bytes of the Pod |      110,000 |  100,000 | +10.0 % |          50 |           4,000 |";
        assert!(table.contains(row), "{table}");
    }

    #[test]
    fn growth_is_told_with_its_exponent_and_whether_it_may_be() {
        let mut record = Record::default();
        for (bytes, instructions) in [(2_000, 20_000), (20_000, 200_000), (200_000, 2_000_000)] {
            record.cost_mut("parse/bytes", bytes).instructions = instructions;
        }

        let table = growth(&record).to_string();

        assert!(
            table.contains("|     1.00 |               1.00 |      10.0 |   linear | yes |   0 / 0 / 0 |"),
            "{table}"
        );
    }

    #[test]
    fn a_chart_has_a_line_for_each_path_of_its_axis() {
        let chart = chart(Across::Pods, &Record::default());

        let names: Vec<_> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(chart.name, "instructions-by-pods");
        assert_eq!(names.first(), Some(&"plan/updated"));
        assert_eq!(names.len(), 6);
    }
}
