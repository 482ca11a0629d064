//! `sidecarset plan`

mod change;
mod requests;
mod tell;

use super::cluster::{ClusterArguments, ScopeArguments};
use super::failure::Failure;
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::inject::{is_set, read_set};
use super::manifest::{FileArguments, Manifest};
use super::run_async;
use super::snapshot::{Keep, SeenPod, Snapshot};
use anstream::eprintln;
use change::Change;
use clap::Args;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::injection::Survey;
use sidecarset_core::revision::Record;
use sidecarset_core::validation::{Violations, examine};
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
Nothing is written. What is told is what the operator would decide about the Pods as they are now.

Examples:
  sidecarset plan -f log-shipper.yaml
  sidecarset plan -f sets/ -o json";

/// Which sets are looked at before they are applied.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Tells what would happen if the sets of the files were applied.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    run_async(async {
        let manifests: Vec<Manifest> =
            arguments.files.manifests()?.into_iter().filter(|manifest| is_set(&manifest.object)).collect();
        if manifests.is_empty() {
            return Err(Failure::new("there is no SidecarSet in the files").into());
        }
        let cluster = arguments.cluster.connect().await?;
        let mut snapshot = Snapshot::without_pods(&cluster).await?;
        let before: Vec<Option<SidecarSet>> = manifests.iter().map(|it| snapshot.sets.get(name(it)).cloned()).collect();
        for (manifest, before) in manifests.iter().zip(&before) {
            snapshot.put(as_applied(manifest, before.as_ref())?);
        }
        if !are_valid(&manifests, &before, &snapshot) {
            return Ok(ExitCode::FAILURE);
        }
        snapshot.read_pods(&cluster, &|pod| kept(pod, &manifests)).await?;
        manifests.iter().for_each(|manifest| warn_of_takeovers(name(manifest), &snapshot));
        let now = Seconds::from(jiff::Timestamp::now());
        let named = manifests.iter().map(name).zip(&before);
        let changes: Vec<Change> =
            named.filter_map(|(name, before)| Change::of(&snapshot, name, before.as_ref(), now)).collect();
        let changes: Vec<Change> = match &cluster.namespace {
            Some(namespace) => changes.into_iter().map(|change| change.within(namespace)).collect(),
            None => changes,
        };
        match arguments.format.format() {
            Format::Json => write_json(out, &changes)?,
            Format::Yaml => write_yaml(out, &changes)?,
            Format::Name => {
                for change in &changes {
                    writeln!(out, "sidecarset.apps.kruise.io/{}", change.name)?;
                }
            }
            form @ (Format::Table | Format::Wide) => {
                for change in &changes {
                    tell::tell(change, form, out)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Tells what is wrong with the sets, and says whether nothing is.
fn are_valid(manifests: &[Manifest], before: &[Option<SidecarSet>], snapshot: &Snapshot) -> bool {
    let mut are_valid = true;
    for (manifest, before) in manifests.iter().zip(before) {
        let Some(set) = snapshot.sets.get(name(manifest)) else { continue };
        let at = |path: &str| {
            let place = manifest.place(path);
            format!("{}:{}:{}", manifest.file, place.line, place.column)
        };
        match examine(set, before.as_ref(), &snapshot.catalog, Violations::default()) {
            Ok(warnings) => warnings.iter().for_each(|warning| eprintln!("Warning: {}: {warning}", name(manifest))),
            Err(violations) => {
                are_valid = false;
                violations.iter().for_each(|violation| eprintln!("{}: {violation}", at(&violation.path)));
            }
        }
    }
    are_valid
}

/// Says what is kept of a Pod that has to do with one of the sets.
fn kept(pod: &SeenPod, manifests: &[Manifest]) -> Keep {
    let is_of = |set: &str| manifests.iter().any(|it| name(it) == set);
    // What a Pod asks for itself counts where its sidecars' resources follow it.
    let lacks_one = pod.lacks.iter().any(|lacked| is_of(lacked));
    let carries_one = pod.record.iter().flat_map(|record| record.injected()).any(|carried| is_of(carried));
    match (lacks_one, carries_one) {
        (true, _) => Keep::Whole,
        (false, true) => Keep::Fate,
        (false, false) => Keep::Nothing,
    }
}

/// Warns of what a set takes from the Pods that it selects.
fn warn_of_takeovers(name: &str, snapshot: &Snapshot) {
    let Some(set) = snapshot.canonical(name).filter(|set| set.is_injecting) else { return };
    let mut survey = Survey::of(set);
    for pod in snapshot.pods.iter().filter(|pod| pod.is_active && set.operating_systems.include(pod.own.os())) {
        if snapshot.catalog.is_selected_by(set, &pod.labels, pod.key.namespace()) {
            survey.add(&pod.key, &pod.own);
        }
    }
    survey.warnings().iter().for_each(|warning| eprintln!("Warning: {name}: {warning}"));
}

/// Returns a set as it would be stored.
fn as_applied(manifest: &Manifest, before: Option<&SidecarSet>) -> Result<SidecarSet, Failure> {
    let mut set = read_set(manifest)?;
    if let Some(before) = before {
        set.metadata.uid.clone_from(&before.metadata.uid);
        set.metadata.resource_version.clone_from(&before.metadata.resource_version);
        set.metadata.creation_timestamp.clone_from(&before.metadata.creation_timestamp);
        let changed = i64::from(set.spec != before.spec);
        set.metadata.generation = before.metadata.generation.map(|generation| generation + changed);
        set.status.clone_from(&before.status);
    }
    let recorded = Record::of(&set, before).annotations();
    let annotations = set.metadata.annotations.get_or_insert_default();
    annotations.retain(|key, _| ![markers::HASH, markers::HASH_WITHOUT_IMAGE, markers::HASH_BASIS].contains(&&**key));
    annotations.extend(recorded.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Ok(set)
}

fn name(manifest: &Manifest) -> &str {
    manifest.object["metadata"]["name"].as_str().unwrap_or_default()
}
