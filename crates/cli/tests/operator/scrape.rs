//! What a monitoring system reads.

use std::collections::{BTreeMap, BTreeSet};

/// What was scraped, by the name of each metric.
#[derive(Debug, Default)]
pub struct Scrape {
    pub metrics: BTreeMap<String, Metric>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Metric {
    pub kind: String,
    pub help: String,
    pub series: Vec<Series>,
}

#[derive(Debug, PartialEq)]
pub struct Series {
    /// With the end that the type adds: `_total`, `_bucket`, `_sum`, `_count`.
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub number: f64,
}

impl Scrape {
    /// Reads an OpenMetrics text.
    pub fn read(text: &str) -> Self {
        let mut scrape = Self::default();
        let mut metric = String::new();
        let lines = text.strip_suffix("# EOF\n").expect("the text is whole").lines();
        for line in lines {
            match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
                ["#", "HELP", name, help] => {
                    metric = name.to_owned();
                    let before =
                        scrape.metrics.insert(metric.clone(), Metric { help: help.to_owned(), ..Metric::default() });
                    assert_eq!(before, None, "{name} is there twice");
                }
                ["#", "TYPE", name, kind] => scrape.metrics.get_mut(name).unwrap().kind = kind.to_owned(),
                ["#", "UNIT", name, unit] => assert!(name.ends_with(unit), "{line}"),
                _ => scrape.metrics.get_mut(&metric).unwrap().series.push(Series::read(line)),
            }
        }
        scrape
    }

    /// Returns the number of a series, given its name with its labels in their order.
    pub fn number(&self, series: &str) -> Option<f64> {
        let wanted = Series::read(&format!("{series} 0"));
        let mut all = self.metrics.values().flat_map(|metric| &metric.series);
        all.find(|it| it.name == wanted.name && it.labels == wanted.labels).map(|it| it.number)
    }
}

impl Metric {
    /// Returns the labels, but for those that the type adds.
    pub fn labels(&self) -> BTreeSet<&str> {
        let labels = self.series.iter().flat_map(|series| series.labels.keys());
        labels.map(String::as_str).filter(|label| *label != "le").collect()
    }

    /// Returns the values of a label.
    pub fn values(&self, label: &str) -> BTreeSet<&str> {
        self.series.iter().filter_map(|series| series.labels.get(label)).map(String::as_str).collect()
    }
}

impl Series {
    // No value of a test has a quote or a comma in it.
    fn read(line: &str) -> Self {
        let (series, number) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let label = |pair: &str| {
            let (label, value) = pair.split_once('=').unwrap();
            (label.to_owned(), value.trim_matches('"').to_owned())
        };
        let labels = labels.strip_suffix('}').unwrap().split(',').filter(|pair| !pair.is_empty()).map(label);
        Self { name: name.to_owned(), labels: labels.collect(), number: number.parse().unwrap() }
    }
}
