//! What happens to sets, for programs: as the watches of the API server say it.

use crate::tools::format::{Format, write_yaml};
use crate::tools::status::overview::Overview;
use serde::Serialize;
use std::io::Write;

/// What happened.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A set that was not known before.
    Added,
    /// Something of it has changed.
    Modified,
    /// It is no more.
    Deleted,
}

/// What happened to a set.
#[derive(Debug, Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    object: &'a Overview,
}

/// Writes what happened: as a line of JSON, as a document of YAML, or as the name of the set.
pub fn write(kind: Kind, object: &Overview, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    let event = Event { kind, object };
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(&event)?)?,
        Format::Yaml => {
            writeln!(out, "---")?;
            write_yaml(out, &event)?;
        }
        Format::Name | Format::Table | Format::Wide => writeln!(out, "sidecarset.apps.kruise.io/{}", object.name)?,
    }
    Ok(out.flush()?)
}
