//! What applying a set would lead to, for people.

use super::change::{Change, Held, Kind, Rejected};
use crate::tools::format::Format;
use crate::tools::{diff, table};
use anstyle::Style;
use std::collections::BTreeMap;
use std::io::Write;

const HEADING: Style = Style::new().bold();

/// So many Pods are named, then only how many more there are.
const MOST: usize = 10;

/// Writes everything.
pub fn tell(change: &Change, form: Format, out: &mut impl Write) -> anyhow::Result<()> {
    let most = if form == Format::Wide { usize::MAX } else { MOST };
    let what = match change.kind {
        Kind::Created => "would be created",
        Kind::Changed => "would be changed",
        Kind::Unchanged => "stays as it is",
    };
    writeln!(out, "{HEADING}sidecarset.apps.kruise.io/{}{HEADING:#} {what}", change.name)?;
    if let (Some(before), after) = &change.specs {
        diff::write(out, "spec", before, after)?;
    }
    gives(change, out)?;
    let total = |count: fn(&super::change::Selected) -> usize| change.namespaces.values().map(count).sum::<usize>();
    let (carrying, missing) = (total(|it| it.carrying), total(|it| it.missing));
    heading(out, &format!("Selects {}: {carrying} with the sidecars, {missing} without", counted(carrying + missing)))?;
    let rows = change
        .namespaces
        .iter()
        .map(|(namespace, it)| [namespace.clone(), it.carrying.to_string(), it.missing.to_string()]);
    if !change.namespaces.is_empty() {
        table::write(out, ["NAMESPACE", "CARRYING", "WITHOUT"], rows)?;
    }
    upgrades(change, most, out)?;
    change.holds.iter().try_for_each(|held| hold(held, most, out))?;
    change.rejected.iter().try_for_each(|rejected| rejection(rejected, most, out))?;
    without(change, most, out)?;
    Ok(writeln!(out)?)
}

fn gives(change: &Change, out: &mut impl Write) -> anyhow::Result<()> {
    if change.gives.is_empty() {
        heading(out, "A new Pod gets nothing: the injection is paused")?;
    }
    for (at, gives) in change.gives.iter().enumerate() {
        let who = if at == 0 { "A new Pod gets" } else { "Some, as spec.injectionStrategy chooses, get" };
        let past = gives.revision.as_ref().map(|revision| format!(" what {revision} describes"));
        heading(out, &format!("{who}{}", past.unwrap_or_default()))?;
        let lists = [
            ("init containers", &gives.init_containers),
            ("containers", &gives.containers),
            ("volumes", &gives.volumes),
            ("annotations", &gives.annotations),
        ];
        for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            writeln!(out, "  {what}: {}", list.join(", "))?;
        }
    }
    Ok(())
}

fn upgrades(change: &Change, most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    if change.upgrades.is_empty() {
        return Ok(());
    }
    let (count, at_once) = (change.upgrades.len(), change.at_once);
    let pace = if at_once == 0 { "once other Pods are ready again".to_owned() } else { format!("{at_once} at once") };
    heading(out, &format!("Upgraded in place, {pace}, in this order: {}", counted(count)))?;
    pods(&change.upgrades, most, out)
}

fn hold(held: &Held, most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    let fields = if held.fields.is_empty() { String::new() } else { format!(": {}", held.fields.join(", ")) };
    heading(out, &format!("Left as they are: {} ({})", counted(held.pods.len()), held.reason))?;
    writeln!(out, "  because {}{fields}\n  until: {}", held.because, held.until)?;
    pods(&held.pods, most, out)
}

fn rejection(rejected: &Rejected, most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    heading(out, &format!("Rejected when they are created anew: {}", counted(rejected.pods.len())))?;
    writeln!(out, "  because {}", rejected.because)?;
    pods(&rejected.pods, most, out)
}

fn without(change: &Change, most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    if change.missing.is_empty() {
        return Ok(());
    }
    heading(out, &format!("Without the sidecars until they are created anew: {}", counted(change.missing.len())))?;
    pods(&change.missing, most, out)?;
    let added = &change.requests_added;
    if added.total.is_empty() {
        return Ok(());
    }
    heading(out, &format!("Then their nodes are asked for {} more", amounts(&added.total)))?;
    for (node, more) in added.nodes.iter().take(most) {
        writeln!(out, "  on {node}: {}", amounts(more))?;
    }
    more(added.nodes.len(), most, out)
}

fn pods(pods: &[String], most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    for pod in pods.iter().take(most) {
        writeln!(out, "  {pod}")?;
    }
    more(pods.len(), most, out)
}

fn more(all: usize, most: usize, out: &mut impl Write) -> anyhow::Result<()> {
    match all.saturating_sub(most) {
        0 => Ok(()),
        more => Ok(writeln!(out, "  and {more} more (-o wide names all)")?),
    }
}

fn amounts(amounts: &BTreeMap<&'static str, String>) -> String {
    let told: Vec<String> = amounts.iter().map(|(resource, amount)| format!("{resource} {amount}")).collect();
    told.join(" and ")
}

fn counted(pods: usize) -> String {
    if pods == 1 { "1 Pod".to_owned() } else { format!("{pods} Pods") }
}

fn heading(out: &mut impl Write, text: &str) -> anyhow::Result<()> {
    Ok(writeln!(out, "\n{HEADING}{text}{HEADING:#}")?)
}
