//! All there is to say of one set, for people.

use super::progress::bar;
use super::story::Story;
use crate::tools::format::Format;
use crate::tools::{age, table};
use anstyle::Style;
use std::io::{self, Write};
use std::time::Duration;

const HEADING: Style = Style::new().bold();

/// So many sidecars that do not run are told, then only how many more there are.
const MOST_FAILING: usize = 10;

/// Writes everything.
pub fn tell(story: &Story, format: Format, out: &mut impl Write) -> io::Result<()> {
    summary(story, out)?;
    if !story.conditions.is_empty() {
        heading(out, "Conditions")?;
        let rows = story
            .conditions
            .iter()
            .map(|it| [it.kind.clone(), it.status.clone(), old(it.age_seconds), it.reason.clone(), it.message.clone()]);
        table::write(out, ["TYPE", "STATUS", "AGE", "REASON", "MESSAGE"], rows)?;
    }
    if !story.revisions.is_empty() {
        heading(out, "Revisions")?;
        let rows = story.revisions.iter().map(|it| {
            let images = it.images.join(",");
            [
                it.number.to_string(),
                it.name.clone(),
                old(it.age_seconds),
                it.version.clone(),
                it.pods.to_string(),
                images,
            ]
        });
        table::write(out, ["REVISION", "NAME", "AGE", "VERSION", "PODS", "IMAGES"], rows)?;
    }
    holds(story, out)?;
    failing(story, format, out)
}

fn summary(story: &Story, out: &mut impl Write) -> io::Result<()> {
    let set = &story.overview;
    writeln!(out, "{HEADING}Name:{HEADING:#}        {}", set.name)?;
    if !story.selector.is_empty() {
        writeln!(out, "{HEADING}Selects:{HEADING:#}     {}, in {}", story.selector, story.namespaces)?;
    }
    for violation in &story.violations {
        writeln!(out, "{HEADING}Invalid:{HEADING:#}     {violation}")?;
    }
    let left = story.seconds_left.map(|left| format!(", about {} left", old(left))).unwrap_or_default();
    let bar = bar(set.updated_ready, set.matched);
    writeln!(
        out,
        "{HEADING}Progress:{HEADING:#}    {bar} {}/{} updated and ready{left}",
        set.updated_ready, set.matched
    )?;
    let (matched, updated, ready, without) = (set.matched, set.updated, set.ready, set.not_injected);
    writeln!(
        out,
        "{HEADING}Pods:{HEADING:#}        {matched} matched, {updated} updated, {ready} ready, {without} without the sidecars"
    )?;
    writeln!(
        out,
        "{HEADING}Rollout:{HEADING:#}     {}",
        if set.is_observed { &set.rollout } else { "NotObserved: the operator has not seen this generation yet" }
    )
}

fn holds(story: &Story, out: &mut impl Write) -> io::Result<()> {
    if story.holds.is_empty() {
        return Ok(());
    }
    heading(out, "Pods that keep their present sidecars")?;
    let rows = story.holds.iter().map(|it| {
        let fields = if it.fields.is_empty() { String::new() } else { format!(" ({})", it.fields.join(", ")) };
        [it.pods.to_string(), it.reason.clone(), format!("{}{fields}", it.because), it.until.clone()]
    });
    table::write(out, ["PODS", "REASON", "BECAUSE", "UNTIL"], rows)
}

fn failing(story: &Story, format: Format, out: &mut impl Write) -> io::Result<()> {
    if story.failing.is_empty() {
        return Ok(());
    }
    heading(out, "Sidecars that do not run")?;
    let shown = if format == Format::Wide { story.failing.len() } else { MOST_FAILING };
    let rows =
        story.failing.iter().take(shown).map(|it| {
            [it.namespace.clone(), it.pod.clone(), it.container.clone(), it.reason.clone(), it.message.clone()]
        });
    table::write(out, ["NAMESPACE", "POD", "CONTAINER", "REASON", "MESSAGE"], rows)?;
    match story.failing.len().saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more: sidecarset pods {} --state failing", story.overview.name),
    }
}

fn heading(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{HEADING}{text}{HEADING:#}")
}

fn old(seconds: u64) -> String {
    age::short(Duration::from_secs(seconds))
}
