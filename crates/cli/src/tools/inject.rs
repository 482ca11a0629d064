//! `sidecarset inject`

mod sets;

pub use sets::{is_set, read as read_set};

use super::diff;
use super::failure::{self, Failure};
use super::format::{Document, reference, write_documents};
use super::manifest::{FileArguments, Manifest};
use super::workload::{self, Workload};
use anstream::eprintln;
use clap::Args;
use serde_json::Value;
use sets::Sets;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
Examples:
  # What the Pods of a Deployment get
  sidecarset inject -f sets.yaml -f deployment.yaml

  # Only what changes
  kubectl get deployment web -o yaml | sidecarset inject -f sets/ -f - --diff";

/// What is injected into what.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// The namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    namespace: String,

    /// Where a set gives an earlier revision to a share of its Pods: which of them is meant, as a number from 0 to below 1
    #[arg(long, default_value_t = 0.0, value_parser = draw, value_name = "NUMBER")]
    draw: f64,

    /// When the Pods are created: it is recorded in their annotations. Without it, now
    #[arg(long, value_name = "RFC 3339")]
    time: Option<jiff::Timestamp>,

    /// Show what changes instead of the result
    #[arg(long, conflicts_with = "output")]
    diff: bool,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Document,
}

/// An object, before and after.
struct Outcome {
    before: Value,
    after: Value,
}

/// Prints every object that has Pods, with the sidecars that these get, and every other as it is.
///
/// # Errors
/// A file cannot be read.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let manifests = arguments.files.manifests()?;
    let sets = Sets::gather(&manifests, &arguments.namespace)?;
    let (mut outcomes, mut refused) = (Vec::new(), Vec::new());
    for manifest in manifests.iter().filter(|manifest| !sets::is_read(&manifest.object)) {
        match inject(manifest, &sets, arguments) {
            Ok(outcome) => outcomes.push(outcome),
            Err(refusal) => refused.push(refusal),
        }
    }
    if !refused.is_empty() {
        // Somebody who pipes the objects into kubectl gets all of them, or none.
        for refusal in &refused {
            failure::report(refusal);
        }
        return Ok(ExitCode::FAILURE);
    }
    if outcomes.is_empty() {
        return Err(Failure::new(
            "there is nothing to inject into: the files hold no object but SidecarSets and what they need",
        )
        .hinting("name the file of a Deployment, or of something else that has Pods, by another -f")
        .into());
    }
    tell_of_the_unknown(&outcomes, &arguments.namespace);
    if arguments.diff {
        for outcome in &outcomes {
            diff::write(out, &reference(&outcome.after), &outcome.before, &outcome.after)?;
        }
    } else {
        let objects: Vec<Value> = outcomes.into_iter().map(|outcome| outcome.after).collect();
        write_documents(out, arguments.output, &objects)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Injects into every template of an object.
fn inject(manifest: &Manifest, sets: &Sets, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let before = manifest.object.clone();
    let mut after = before.clone();
    for workload in Workload::all(&before, &arguments.namespace) {
        inject_into(&workload, &manifest.file, (sets, arguments), &mut after)?;
    }
    Ok(Outcome { before, after })
}

fn inject_into(
    workload: &Workload<'_>,
    file: &str,
    (sets, arguments): (&Sets, &Arguments),
    after: &mut Value,
) -> anyhow::Result<()> {
    let name = workload.name();
    let in_the_dark = sets.in_the_dark(workload);
    if !in_the_dark.is_empty() {
        let (sets, namespace) = (in_the_dark.join(", "), &workload.namespace);
        eprintln!(
            "Warning: {name}: {sets} selects by labels of namespaces, and those of {namespace} are not in the files"
        );
    }
    let now = arguments.time.unwrap_or_else(jiff::Timestamp::now);
    let decision = sets.decide(workload, arguments.draw, now);
    let injection =
        decision.map_err(|rejection| Failure::new(format!("{file}: {name} would get no Pod: {rejection}")))?;
    for warning in &injection.warnings {
        eprintln!("Warning: {name}: {warning}");
    }
    if injection.injected.is_empty() {
        eprintln!("{name}: {}", sets.why_not(workload));
    }
    workload.apply(&injection.patch.operations(), after)
}

/// Tells of objects that may have Pods in a way that is not known here.
fn tell_of_the_unknown(outcomes: &[Outcome], namespace: &str) {
    let objects = outcomes.iter().map(|outcome| &outcome.before);
    let unknown: Vec<&Value> =
        objects.filter(|it| !workload::is_known(it) && Workload::all(it, namespace).is_empty()).collect();
    let kinds: BTreeSet<&str> = unknown.iter().filter_map(|object| object["kind"].as_str()).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
    match unknown.len() {
        0 => {}
        1 => eprintln!("1 object of kind {kinds} has no Pod template that is known"),
        count => eprintln!("{count} objects of kinds {kinds} have no Pod template that is known"),
    }
}

fn draw(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.0..1.0).contains(&number) { Ok(number) } else { Err("expected a number from 0 to below 1".to_owned()) }
}
