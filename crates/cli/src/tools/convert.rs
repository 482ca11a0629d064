//! `sidecarset convert`

mod form;
mod spelling;

use super::failure::Failure;
use super::format::{Document, reference, write_documents};
use super::inject::is_set;
use super::manifest::{FileArguments, Manifest};
use anstream::eprintln;
use clap::Args;
use form::Form;
use serde_json::Value;
use spelling::Unsayable;
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
The meaning stays: the same Pods are selected, and the hashes by which they are known do not change. Nothing is lost: what a
form has no words for is refused, with its path. Comments and the order of fields are not kept.

Examples:
  # From the form of the oldest guide, or of Kruise before 1.9, to today's
  sidecarset convert -f sidecarset.yaml

  # To what Kruise before 1.9 reads
  kubectl get sidecarset log-shipper -o yaml | sidecarset convert -f - --to v1alpha1";

/// What is converted to what.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// The form that is wanted
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    to: Form,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Document,
}

/// Prints the SidecarSets of the files in another form.
///
/// # Errors
/// A file cannot be read, there is no SidecarSet in them, or one says what the form has no words for.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let manifests = arguments.files.manifests()?;
    let (sets, others): (Vec<Manifest>, Vec<Manifest>) = manifests.into_iter().partition(|it| is_set(&it.object));
    if sets.is_empty() {
        return Err(Failure::new("there is no SidecarSet in the files").into());
    }
    let converted: Result<Vec<Value>, Failure> = sets.iter().map(|set| convert(set, arguments.to)).collect();
    write_documents(out, arguments.output, &converted?)?;
    if !others.is_empty() {
        eprintln!("objects of other kinds, which were left out: {}", others.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn convert(manifest: &Manifest, form: Form) -> Result<Value, Failure> {
    form.of(manifest.object.clone()).map_err(|Unsayable { path, why }| {
        let place = manifest.place(&path);
        let (file, name) = (&manifest.file, reference(&manifest.object));
        Failure::new(format!("{file}:{}:{}: {name}: {path}: {why}", place.line, place.column))
    })
}
