//! The forms of output that kubectl has.

use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::Write;

/// How the output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table, or sentences
    #[default]
    #[value(skip)]
    Table,
    /// A table with more columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Only names, as KIND/NAME
    Name,
}

/// Chooses how the output is written.
#[derive(Debug, Clone, Copy, Args)]
pub struct FormatArguments {
    /// How the output is written; without it, as a table
    #[arg(short, long, value_enum, value_name = "FORM")]
    output: Option<Format>,
}

impl FormatArguments {
    /// Returns the form of the output.
    pub fn format(self) -> Format {
        self.output.unwrap_or_default()
    }
}

/// Writes an object as JSON, indented as kubectl does.
pub fn write_json(out: &mut impl Write, object: &impl Serialize) -> anyhow::Result<()> {
    let mut writer =
        serde_json::Serializer::with_formatter(&mut *out, serde_json::ser::PrettyFormatter::with_indent(b"    "));
    object.serialize(&mut writer)?;
    Ok(writeln!(out)?)
}

/// Writes an object as YAML.
pub fn write_yaml(out: &mut impl Write, object: &impl Serialize) -> anyhow::Result<()> {
    Ok(write!(out, "{}", serde_saphyr::to_string(object)?)?)
}
