//! The forms of output that kubectl has.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
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

/// How whole objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Document {
    /// YAML
    #[default]
    Yaml,
    /// JSON
    Json,
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

/// Writes an object as YAML that kubectl reads.
pub fn write_yaml(out: &mut impl Write, object: &impl Serialize) -> anyhow::Result<()> {
    // kubectl takes a tab at the beginning of a block for its indentation, and refuses it: such texts are quoted.
    let options =
        serde_saphyr::ser_options! { prefer_block_scalars: !begins_with_a_tab(&serde_json::to_value(object)?) };
    Ok(write!(out, "{}", serde_saphyr::to_string_with_options(object, options)?)?)
}

/// Says whether a text in a value has a tab at the beginning of its first line that is not empty.
fn begins_with_a_tab(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_start_matches(['\n', ' ']).starts_with('\t'),
        Value::Array(items) => items.iter().any(begins_with_a_tab),
        Value::Object(members) => members.values().any(begins_with_a_tab),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Writes objects one after the other; several as JSON are one List, as in kubectl.
pub fn write_documents(out: &mut impl Write, form: Document, objects: &[Value]) -> anyhow::Result<()> {
    match (form, objects) {
        (Document::Name, objects) => {
            for object in objects {
                writeln!(out, "{}", reference(object))?;
            }
            Ok(())
        }
        (Document::Json, [object]) => write_json(out, object),
        (Document::Json, objects) => {
            write_json(out, &json!({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {}}))
        }
        (Document::Yaml, objects) => {
            for (at, object) in objects.iter().enumerate() {
                if at > 0 {
                    writeln!(out, "---")?;
                }
                write_yaml(out, object)?;
            }
            Ok(())
        }
    }
}

/// Returns what kubectl calls an object, such as `deployment.apps/web`.
pub fn reference(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("object").to_lowercase();
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group);
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or_default();
    match group {
        Some(group) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}
