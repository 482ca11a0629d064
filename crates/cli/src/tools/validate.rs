//! `sidecarset validate`

mod examination;
mod finding;
mod sarif;
mod schema;

use super::failure::Failure;
use super::format;
use super::manifest::FileArguments;
use anstream::eprintln;
use clap::{Args, ValueEnum};
use finding::{Finding, Severity};
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
Everything that the operator would refuse is found, and what the API server would: unknown fields, and values of a wrong type.
What only a cluster can tell, such as whether a revision exists, is a warning.

Examples:
  sidecarset validate -f sets/
  sidecarset validate -f sets/ --strict --output sarif > sidecarset.sarif

It ends with 1 where there is an error; with --strict, where there is a warning too.";

/// What is looked at.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Take warnings for errors
    #[arg(long)]
    strict: bool,

    /// How the findings are written
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Form,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// A line each, as compilers do
    #[default]
    Text,
    /// A list of objects
    Json,
    /// SARIF 2.1.0, which tools for code review read
    Sarif,
}

/// Prints everything that is wrong with the SidecarSets of the files.
///
/// # Errors
/// A file cannot be read, or there is no SidecarSet in them.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let examined = examination::examine(&arguments.files.sources()?);
    if examined.sets.is_empty() && examined.findings.is_empty() {
        return Err(Failure::new("there is no SidecarSet in the files").into());
    }
    let is_failed = |finding: &Finding| finding.severity == Severity::Error || arguments.strict;
    let code = if examined.findings.iter().any(is_failed) { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    match arguments.output {
        Form::Text => {
            for finding in &examined.findings {
                writeln!(out, "{finding}")?;
            }
            for set in &examined.sets {
                if !examined.findings.iter().any(|finding| is_failed(finding) && finding.is_of(set)) {
                    writeln!(out, "sidecarset.apps.kruise.io/{} is valid", set.name)?;
                }
            }
        }
        Form::Json => format::write_json(out, &examined.findings)?,
        Form::Sarif => format::write_json(out, &sarif::log(&examined.findings))?,
    }
    if examined.skipped > 0 {
        eprintln!("objects of other kinds, which were not looked at: {}", examined.skipped);
    }
    Ok(code)
}
