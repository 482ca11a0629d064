//! `sidecarset status`

mod follow;
mod overview;
mod progress;
mod speed;
mod story;
mod tell;

use super::cluster::{ClusterArguments, ScopeArguments};
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::snapshot::{SeenPod, Snapshot};
use super::target::set_name;
use super::{labels, run_async};
use clap::Args;
use overview::Overview;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::selection::Selector;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use story::{Failing, Story};

const HELP: &str = "\
Examples:
  # All sets, a line each
  sidecarset status

  # All there is to say of one: conditions, revisions, why Pods wait, what fails
  sidecarset status log-shipper

  # Wait for the end of a rollout; it ends with 1 where the rollout fails
  sidecarset status log-shipper --wait --timeout 10m";

/// Which sets are shown, and for how long.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The SidecarSet; without it, all of them in short
    #[arg(value_name = "NAME", value_parser = set_name)]
    set: Option<String>,

    /// Only SidecarSets with these labels, as in kubectl: key=value,other!=value
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = labels::selector, conflicts_with = "set")]
    selector: Option<Selector>,

    /// Follow what happens, until Ctrl-C
    #[arg(short, long)]
    watch: bool,

    /// Follow the rollout to its end, and end with 0 where it has done all that it is to do, with 1 where it fails or stands
    /// still
    #[arg(long, requires = "set", conflicts_with = "watch")]
    wait: bool,

    /// How long to wait at most, such as 90s or 10m; without it, for ever
    #[arg(long, requires = "wait", value_parser = super::duration::parse, value_name = "DURATION")]
    timeout: Option<Duration>,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Shows how the sets stand.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        if arguments.watch || arguments.wait {
            return follow::follow(&cluster, arguments, out).await;
        }
        match &arguments.set {
            None => {
                let sets = Snapshot::sets(&cluster).await?;
                let is_meant = |set: &Overview| arguments.is_meant(set);
                let overviews: Vec<Overview> = sets.iter().map(Overview::of).filter(is_meant).collect();
                overview::write(&overviews, arguments.format.format(), out)?;
            }
            Some(name) => {
                let snapshot = Snapshot::take(&cluster, &SeenPod::keeps_if_ailing).await?;
                let mut story = Story::of(&snapshot, name, Seconds::from(jiff::Timestamp::now()))?;
                let is_asked = |pod: &Failing| cluster.namespace.as_ref().is_none_or(|it| *it == pod.namespace);
                story.failing.retain(is_asked);
                match arguments.format.format() {
                    Format::Json => write_json(out, &story)?,
                    Format::Yaml => write_yaml(out, &story)?,
                    Format::Name => writeln!(out, "sidecarset.apps.kruise.io/{name}")?,
                    Format::Table | Format::Wide => tell::tell(&story, arguments.format.format(), out)?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

impl Arguments {
    fn is_meant(&self, set: &Overview) -> bool {
        self.set.as_ref().is_none_or(|name| *name == set.name)
            && self.selector.as_ref().is_none_or(|selector| selector.matches(&set.labels))
    }
}
