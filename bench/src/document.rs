//! Puts the tables and charts of a run into a document.

use crate::machine::Machine;
use crate::report::Section;
use crate::results::Results;
use anyhow::{Context, ensure};
use std::fs;
use std::path::Path;

/// Puts the tables of a run into a document, each section between its marks, and its charts into the directory beside it that
/// has the name of the document.
///
/// # Errors
/// A file cannot be read or written, or the document lacks the marks of a section.
pub fn fill(document: &Path, results: &Results) -> anyhow::Result<()> {
    let charts = document.with_extension("");
    fs::create_dir_all(&charts).with_context(|| format!("failed to make {}", charts.display()))?;
    let mut text = fs::read_to_string(document).with_context(|| format!("failed to read {}", document.display()))?;
    text = filled(&text, "machine", &machine(&results.machine, results))?;
    let directory = charts.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    for section in results.sections() {
        for chart in &section.charts {
            let file = charts.join(format!("{}.svg", chart.name));
            fs::write(&file, chart.svg()?).with_context(|| format!("failed to write {}", file.display()))?;
        }
        text = filled(&text, section.name, &told(&section, directory))?;
    }
    fs::write(document, text).with_context(|| format!("failed to write {}", document.display()))
}

fn told(section: &Section, directory: &str) -> String {
    let tables = section.tables.iter().map(ToString::to_string);
    let charts = section.charts.iter().map(|chart| format!("![{}]({directory}/{}.svg)\n", chart.title, chart.name));
    tables.chain(charts).collect::<Vec<_>>().join("\n")
}

fn machine(machine: &Machine, results: &Results) -> String {
    let Machine { processor, processors, memory, kernel, compiler, kubernetes, revision, time } = machine;
    format!(
        "| | |\n|---|---|\n| processor | {processors} × {processor} |\n| memory | {memory} GiB |\n| kernel | {kernel} |\n\
         | compiler | {compiler} |\n| Kubernetes | {kubernetes} |\n| sources | {revision} |\n\
         | measured | {time} UTC, in {} s |\n",
        results.seconds
    )
}

/// Replaces what stands between the marks of a section.
fn filled(text: &str, name: &str, content: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    ensure!(parts.is_some(), "the document lacks the marks of the section {name}: {begin:?} and {end:?}");
    Ok(parts.map(|(before, after)| format!("{before}{begin}\n{content}\n{end}{after}")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced() {
        let text = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n";

        assert_eq!(filled(text, "x", "new\n").unwrap(), "a\n<!-- begin: x -->\n\nnew\n\n<!-- end: x -->\nb\n");
    }

    #[test]
    fn a_document_without_the_marks_is_left_alone() {
        let error = filled("a\n", "x", "new").unwrap_err();

        assert!(error.to_string().contains("lacks the marks of the section x"), "{error}");
    }
}
