//! `sidecarset pods`

use super::cluster::{ClusterArguments, ScopeArguments};
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::snapshot::{SeenPod, Snapshot};
use super::target::set_name;
use super::view::{SetState, State, View};
use super::{age, run_async, table};
use clap::Args;
use serde::Serialize;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::selection::Selector;
use std::io::Write;
use std::process::ExitCode;

const HELP: &str = "\
Examples:
  # The Pods that were created without the sidecars
  sidecarset pods log-shipper --state missing

  # Their names for another command
  sidecarset pods log-shipper --state not-upgradable -o name -n shop";

/// Which Pods are shown.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The SidecarSet
    #[arg(value_name = "NAME", value_parser = set_name)]
    set: String,

    /// Only Pods in this state; may be given several times
    #[arg(long = "state", value_enum, value_name = "STATE")]
    states: Vec<State>,

    /// Only Pods with these labels, as in kubectl: key=value,other!=value
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = super::labels::selector)]
    selector: Option<Selector>,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// A Pod, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    namespace: String,
    name: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    revision: String,
    images: Vec<String>,
    node: String,
    age_seconds: u64,
}

/// Shows the Pods of a set.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let snapshot = Snapshot::take(&cluster, &SeenPod::keeps_if_ailing).await?;
        let set = snapshot.valid(&arguments.set)?;
        let now = Seconds::from(jiff::Timestamp::now());
        let Some(view) = View::of(&snapshot, &set.name, now) else { return Ok(ExitCode::SUCCESS) };
        let mut rows = rows(&view, &snapshot, arguments, now);
        rows.retain(|row| cluster.namespace.as_ref().is_none_or(|namespace| *namespace == row.namespace));
        write(&rows, arguments.format.format(), out)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn rows(view: &View<'_>, snapshot: &Snapshot, arguments: &Arguments, now: Seconds) -> Vec<Row> {
    let mut pods: Vec<&SeenPod> = view.matched.iter().chain(&view.missing).copied().collect();
    pods.sort_by(|one, other| one.key.cmp(&other.key));
    let is_selected = |pod: &SeenPod| arguments.selector.as_ref().is_none_or(|selector| selector.matches(&pod.labels));
    let pods = pods.into_iter().filter(|pod| is_selected(pod)).map(|pod| (pod, view.standing(pod)));
    let is_asked = |standing: &SetState| arguments.states.is_empty() || arguments.states.contains(&standing.state);
    let asked = pods.filter(|(_, standing)| is_asked(standing));
    asked.map(|(pod, standing)| row(view, snapshot, pod, &standing, now)).collect()
}

fn row(view: &View<'_>, snapshot: &Snapshot, pod: &SeenPod, standing: &SetState, now: Seconds) -> Row {
    let trouble = standing.troubles.first();
    let images = pod.record.iter().flat_map(|record| {
        let ours = view.set.names_in_pod.iter().filter_map(|name| record.container(name));
        ours.map(|container| container.spec.image.to_string()).collect::<Vec<_>>()
    });
    Row {
        namespace: pod.key.namespace().to_owned(),
        name: pod.key.name().to_owned(),
        state: standing.state,
        reason: trouble
            .map(|trouble| trouble.reason.clone())
            .or_else(|| standing.hold.map(|hold| hold.meaning().name.to_owned())),
        message: trouble.map(|trouble| format!("{}: {}", trouble.container, trouble.message)).unwrap_or_default(),
        revision: snapshot.revision_of(pod, &view.set.name).unwrap_or_default(),
        images: images.collect(),
        node: pod.node.clone().unwrap_or_default(),
        age_seconds: now.since(pod.created).as_secs(),
    }
}

fn write(rows: &[Row], format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    match format {
        Format::Json => write_json(out, &rows),
        Format::Yaml => write_yaml(out, &rows),
        Format::Name => {
            for row in rows {
                writeln!(out, "pod/{}", row.name)?;
            }
            Ok(())
        }
        Format::Table | Format::Wide if rows.is_empty() => {
            anstream::eprintln!("No resources found");
            Ok(())
        }
        Format::Table => {
            let cells = rows.iter().map(|row| {
                let age = age::short(std::time::Duration::from_secs(row.age_seconds));
                [row.namespace.clone(), row.name.clone(), row.state.name(), row.reason.clone().unwrap_or_default(), age]
            });
            Ok(table::write(out, ["NAMESPACE", "NAME", "STATE", "REASON", "AGE"], cells)?)
        }
        Format::Wide => {
            let cells = rows.iter().map(|row| {
                let age = age::short(std::time::Duration::from_secs(row.age_seconds));
                let reason = row.reason.clone().unwrap_or_default();
                let (namespace, name, state) = (row.namespace.clone(), row.name.clone(), row.state.name());
                [
                    namespace,
                    name,
                    state,
                    reason,
                    age,
                    row.revision.clone(),
                    row.images.join(","),
                    row.node.clone(),
                    row.message.clone(),
                ]
            });
            let header = ["NAMESPACE", "NAME", "STATE", "REASON", "AGE", "REVISION", "IMAGES", "NODE", "MESSAGE"];
            Ok(table::write(out, header, cells)?)
        }
    }
}
