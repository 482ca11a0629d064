//! What is shipped for a monitoring system asks for what there is: the dashboard and the alerts.

use crate::process::Operator;
use crate::query::faults;
use crate::scrape::Scrape;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn scrape() -> Scrape {
    Scrape::read(&Operator::start().get("/metrics").1)
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/chart/files/dashboard.json")).unwrap()
}

fn alerts() -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(&read("deploy/chart/files/alerts.yaml")).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path} is no text in {value}"))
}

/// The panels that show something, with the queries of each.
fn panels(dashboard: &Value) -> Vec<(&Value, Vec<&str>)> {
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let queries = |panel: &'_ Value| panel["targets"].as_array().unwrap().len();
    let panels = panels.inspect(|panel| assert!(queries(panel) > 0, "{panel}"));
    panels
        .map(|panel| (panel, panel["targets"].as_array().unwrap().iter().map(|it| text(it, "/expr")).collect()))
        .collect()
}

#[test]
fn every_query_of_the_dashboard_asks_for_what_is_there() {
    let (scrape, dashboard) = (scrape(), dashboard());

    let panels = panels(&dashboard);

    assert!(panels.len() > 20, "{}", panels.len());
    for query in panels.iter().flat_map(|(_, queries)| queries) {
        assert_eq!(faults(query, &scrape), [""; 0], "{query}");
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().filter(|it| it["type"] == "query") {
        let query = text(variable, "/query/query").strip_prefix("label_values(").unwrap();
        let (metric, label) = query.strip_suffix(')').unwrap().split_once(", ").unwrap();
        assert!(scrape.metrics[metric].labels().contains(label), "{query}");
    }
}

#[test]
fn every_panel_of_the_dashboard_has_a_place_and_says_what_it_shows() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();

    for panel in dashboard["panels"].as_array().unwrap() {
        let number = |member: &str| panel["gridPos"][member].as_u64().unwrap();
        assert!(number("x") + number("w") <= 24, "{panel}");
        for (x, y) in (0..number("w")).flat_map(|x| (0..number("h")).map(move |y| (x, y))) {
            assert!(taken.insert((number("x") + x, number("y") + y)), "{} lies on another one", panel["title"]);
        }
        assert!(panel["type"] == "row" || text(panel, "/description").ends_with('.'), "{}", panel["title"]);
    }
    let ids: BTreeSet<u64> =
        dashboard["panels"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), dashboard["panels"].as_array().unwrap().len());
}

#[test]
fn every_alert_asks_for_what_is_there() {
    let scrape = scrape();

    let alerts = alerts();

    assert!(alerts.len() > 10, "{}", alerts.len());
    for alert in &alerts {
        let query = text(alert, "/expr");
        assert_eq!(faults(query, &scrape), [""; 0], "{query}");
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_where_it_is_explained() {
    for alert in alerts() {
        let name = text(&alert, "/alert");
        assert!(["critical", "warning"].contains(&text(&alert, "/labels/severity")), "{name}");
        assert!(!text(&alert, "/annotations/summary").is_empty(), "{name}");
        assert!(text(&alert, "/annotations/description").ends_with('.'), "{name}");
        let runbook = format!("docs/alerts.md#{}", name.to_lowercase());
        assert_eq!(text(&alert, "/annotations/runbook"), runbook);
    }
}

#[test]
fn every_alert_has_a_chapter_and_every_chapter_an_alert() {
    let document = read("docs/alerts.md");

    let chapters: Vec<&str> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();

    let alerts = alerts();
    assert_eq!(chapters, alerts.iter().map(|alert| text(alert, "/alert")).collect::<Vec<_>>());
    for chapter in document.split("\n## ").skip(1) {
        for part in ["- It means: ", "- Look at: ", "- Do: "] {
            assert_eq!(chapter.matches(part).count(), 1, "{part} in {chapter}");
        }
    }
}

#[test]
fn what_the_explanations_of_alerts_name_is_there() {
    let (scrape, document) = (scrape(), read("docs/alerts.md"));
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';

    let words = document.split(|letter| !is_of_name(letter));
    let named: BTreeSet<&str> =
        words.filter(|word| word.starts_with("sidecarset_") || word.starts_with("process_")).collect();

    assert!(named.len() > 5, "{named:?}");
    let names: BTreeSet<&str> =
        scrape.metrics.iter().flat_map(|(name, it)| it.series.iter().map(|it| &*it.name).chain([&**name])).collect();
    assert_eq!(named.difference(&names).collect::<Vec<_>>(), [&""; 0]);
}
