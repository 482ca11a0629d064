//! What changes between two objects, line by line.

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use std::io::{self, Write};

const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();
const HEAD: Style = Style::new().bold();

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// Writes what changes between two objects, as YAML and in the form of `diff -u`; nothing where nothing does.
///
/// # Errors
/// It cannot be written.
pub fn write(out: &mut impl Write, name: &str, before: &impl Serialize, after: &impl Serialize) -> anyhow::Result<()> {
    let (before, after) = (serde_saphyr::to_string(before)?, serde_saphyr::to_string(after)?);
    Ok(write_texts(out, (name, name), &before, &after)?)
}

/// Writes what changes between two texts.
pub fn write_texts(out: &mut impl Write, names: (&str, &str), before: &str, after: &str) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "{HEAD}--- {}{HEAD:#}\n{HEAD}+++ {}{HEAD:#}", names.0, names.1)?;
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        writeln!(out, "{PLACE}{}{PLACE:#}", hunk.header())?;
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => writeln!(out, "{OLD}-{line}{OLD:#}")?,
                ChangeTag::Insert => writeln!(out, "{NEW}+{line}{NEW:#}")?,
                ChangeTag::Equal => writeln!(out, " {line}")?,
            }
        }
    }
    Ok(())
}
