//! `sidecarset restart-outdated`

mod candidate;
mod course;
mod eviction;
mod replacement;
mod report;

use super::cluster::{ClusterArguments, ScopeArguments};
use super::dry_run::DryRunArguments;
use super::failure;
use super::format::FormatArguments;
use super::snapshot::{Keep, Snapshot};
use super::target::TargetArguments;
use super::{run_async, stored};
use candidate::Reasons;
use clap::Args;
use course::{Course, Limits};
use report::Report;
use std::process::ExitCode;
use std::time::Duration;

/// Which Pods are created anew, and how.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,

    /// Which Pods are evicted
    #[arg(long, value_enum, value_name = "REASON", default_value_t)]
    reason: Reasons,

    /// How many Pods may be on their way at a time: evicted, and no ready Pod in their place yet
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    max_unavailable: u32,

    /// How many Pods are evicted at most; the others wait for the next time
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// How long a PodDisruptionBudget may keep a Pod from being evicted, and how long a ready Pod may take to come in its
    /// place: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = super::duration::parse)]
    timeout: Duration,

    /// Evict also Pods that nothing creates anew, and Pods of Jobs, whose work begins anew
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    dry_run: DryRunArguments,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Whether Pods are evicted for which something is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// They are left alone.
    Spared,
    /// They are evicted.
    Accepted,
}

/// Evicts the Pods, a few at a time.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let out = &mut anstream::stdout().lock();
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let names = stored::names(&cluster, &arguments.targets).await?;
        let snapshot = Snapshot::take(&cluster, &|_| Keep::Nothing).await?;
        let mut candidates = candidate::choose(&snapshot, &names, arguments.reason)?;
        candidates.retain(|pod| cluster.namespace.as_ref().is_none_or(|namespace| namespace == pod.key.namespace()));
        let total = candidates.len();
        candidates.truncate(arguments.limit.map_or(usize::MAX, |limit| limit as usize));
        if candidates.is_empty() {
            failure::note(&format!("no Pod has to be created anew for {}", names.join(", ")));
        }
        let limits = Limits {
            at_once: arguments.max_unavailable as usize,
            timeout: arguments.timeout,
            lost: if arguments.force { Lost::Accepted } else { Lost::Spared },
        };
        let report = Report::new(out, arguments.format.format(), arguments.dry_run.dry_run);
        let course = Course::new(&cluster, &snapshot, limits, report);
        let left = total - candidates.len();
        let report = course.run(candidates).await?;
        if left > 0 {
            failure::note(&format!("{left} more Pods have to be created anew: --limit leaves them for the next time"));
        }
        report.end()
    })
}
