//! `sidecarset history`

mod row;

use super::cluster::{Cluster, ClusterArguments, ScopeArguments};
use super::failure::{self, Failure};
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::past::{Past, RevisionName, definition, members};
use super::snapshot::{Keep, Snapshot};
use super::target::set_name;
use super::{diff, run_async, table};
use clap::{Args, ValueEnum};
use row::Row;
use serde_json::{Map, Value};
use sidecarset_core::normalize::defaults::defaulted;
use sidecarset_core::revision::Revision;
use std::io::Write;
use std::process::ExitCode;

/// What is shown of the past of a SidecarSet.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The SidecarSet
    #[arg(value_name = "NAME", value_parser = set_name)]
    name: String,

    /// Show the definition that a revision holds: its number, or its name
    #[arg(long, value_name = "REVISION")]
    revision: Option<RevisionName>,

    /// Show what changed with that revision, or with the present definition; or what has changed since
    #[arg(long, value_enum, value_name = "WITH", num_args = 0..=1, require_equals = true, default_missing_value = "previous")]
    diff: Option<Against>,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// What a revision is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    /// The revision before it
    Previous,
    /// The present definition
    Present,
}

/// A definition, and what it is called.
struct Side {
    name: String,
    definition: Map<String, Value>,
}

/// Shows the past.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let out = &mut anstream::stdout().lock();
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let mut snapshot = Snapshot::without_pods(&cluster).await?;
        if let Some(against) = arguments.diff {
            return show_changes(out, &Past::of(&snapshot, &arguments.name)?, arguments, against);
        }
        if let Some(revision) = &arguments.revision {
            return show_definition(out, &Past::of(&snapshot, &arguments.name)?, revision, arguments.format.format());
        }
        snapshot.set(&arguments.name)?;
        let has_pods = read_pods(&mut snapshot, &cluster).await?;
        let past = Past::of(&snapshot, &arguments.name)?;
        let pods = has_pods.then_some(&snapshot.pods[..]);
        let rows: Vec<Row> = past.revisions.iter().map(|revision| Row::of(revision, &past, pods)).collect();
        show_rows(out, &rows, arguments)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the Pods, and says whether they may be read: without them there is just no count.
async fn read_pods(snapshot: &mut Snapshot, cluster: &Cluster) -> Result<bool, Failure> {
    match snapshot.read_pods(cluster, &|_| Keep::Nothing).await {
        Ok(()) => Ok(true),
        Err(Failure::Server { reason, message, .. }) if reason == "Forbidden" => {
            failure::note(&format!("Pods are not counted: {message}"));
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

fn show_rows(out: &mut impl Write, rows: &[Row], arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.format.format() {
        Format::Json => write_json(out, &rows)?,
        Format::Yaml => write_yaml(out, &rows)?,
        Format::Name => {
            for row in rows {
                writeln!(out, "controllerrevision.apps/{}", row.name)?;
            }
        }
        Format::Table | Format::Wide if rows.is_empty() => {
            let set = &arguments.name;
            failure::note(&format!(
                "sidecarset {set:?} has no revisions: the operator writes one when it sees the set"
            ));
        }
        Format::Table | Format::Wide => table::write(out, row::HEADER, rows.iter().map(Row::cells))?,
    }
    Ok(out.flush()?)
}

fn show_definition(
    out: &mut impl Write,
    past: &Past<'_>,
    revision: &RevisionName,
    format: Format,
) -> anyhow::Result<()> {
    let revision = past.named(revision)?;
    let definition = members(&definition(revision)?);
    match format {
        Format::Json => write_json(out, &definition)?,
        Format::Name => writeln!(out, "controllerrevision.apps/{}", revision.name)?,
        Format::Table | Format::Wide | Format::Yaml => write_yaml(out, &definition)?,
    }
    Ok(out.flush()?)
}

fn show_changes(out: &mut impl Write, past: &Past<'_>, arguments: &Arguments, against: Against) -> anyhow::Result<()> {
    let revision = arguments.revision.as_ref().map(|name| past.named(name)).transpose()?;
    let present = || Side {
        name: format!("the present definition of {}", arguments.name),
        definition: members(&defaulted(&past.set.spec)),
    };
    let (before, after) = match (revision, against) {
        (Some(revision), Against::Previous) => (past.before(revision), Side::of(revision)?),
        (Some(revision), Against::Present) => (Some(revision), present()),
        (None, Against::Previous | Against::Present) => (past.previous(), present()),
    };
    let before =
        before.map_or_else(|| Ok(Side { name: "nothing".to_owned(), definition: Map::new() }), |it| Side::of(it))?;
    let text = |side: &Side| -> anyhow::Result<String> {
        Ok(if side.definition.is_empty() { String::new() } else { serde_saphyr::to_string(&side.definition)? })
    };
    diff::write_texts(out, (&before.name, &after.name), &text(&before)?, &text(&after)?)?;
    Ok(out.flush()?)
}

impl Side {
    // With today's defaults, so that what another program left out is no difference.
    fn of(revision: &Revision) -> Result<Self, Failure> {
        let definition = members(&defaulted(&definition(revision)?));
        Ok(Self { name: format!("revision {} ({})", revision.number, revision.name), definition })
    }
}
