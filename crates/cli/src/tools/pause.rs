//! `sidecarset pause` and `sidecarset resume`

mod spelling;

use super::cluster::ClusterArguments;
use super::dry_run::DryRunArguments;
use super::failure::Failure;
use super::format::FormatArguments;
use super::target::TargetArguments;
use super::told::Telling;
use super::{run_async, stored};
use clap::Args;
use serde_json::Value;
use spelling::Paused;
use std::process::ExitCode;

/// What is paused, or goes on.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,

    /// The injection into new Pods, in place of the rollout to running ones
    #[arg(long)]
    injection: bool,

    #[command(flatten)]
    dry_run: DryRunArguments,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It stops for now.
    Pause,
    /// It goes on.
    Resume,
}

/// Pauses or resumes the sets, one after the other.
pub fn run(arguments: &Arguments, wanted: Wanted) -> anyhow::Result<ExitCode> {
    let what = if arguments.injection { Paused::Injection } else { Paused::Rollout };
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let mut outcomes = Vec::new();
        for name in stored::names(&cluster, &arguments.targets).await? {
            let decide = |set: &Value| decided(set, what, wanted).map(Some);
            outcomes.push(stored::change(&cluster, &name, arguments.dry_run.dry_run, &decide).await);
        }
        let telling = Telling {
            format: arguments.format.format(),
            dry_run: arguments.dry_run.dry_run,
            changed: done(what, wanted),
            unchanged: "",
        };
        telling.tell(&mut anstream::stdout().lock(), outcomes)
    })
}

fn done(what: Paused, wanted: Wanted) -> &'static str {
    match (what, wanted) {
        (Paused::Rollout, Wanted::Pause) => "paused",
        (Paused::Rollout, Wanted::Resume) => "resumed",
        (Paused::Injection, Wanted::Pause) => "injection paused",
        (Paused::Injection, Wanted::Resume) => "injection resumed",
    }
}

/// Returns the set as it is to be. As in kubectl: it is an error that it is so already.
fn decided(set: &Value, what: Paused, wanted: Wanted) -> anyhow::Result<Value> {
    let is_paused = what.is_so(set);
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let of = match what {
        Paused::Rollout => format!("sidecarsets.apps.kruise.io {name:?}"),
        Paused::Injection => format!("the injection of sidecarsets.apps.kruise.io {name:?}"),
    };
    match (wanted, is_paused) {
        (Wanted::Pause, true) => Err(Failure::new(format!("{of} is already paused")).into()),
        (Wanted::Resume, false) => Err(Failure::new(format!("{of} is not paused")).into()),
        (Wanted::Pause, false) | (Wanted::Resume, true) => Ok(what.set(set, wanted == Wanted::Pause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(spec: &Value, what: Paused, wanted: Wanted) -> String {
        let set = json!({"metadata": {"name": "log-sc"}, "spec": spec});
        decided(&set, what, wanted).unwrap_err().to_string()
    }

    #[test]
    fn what_is_so_already_is_an_error() {
        let paused = json!({"updateStrategy": {"paused": true}, "injectionStrategy": {"paused": true}});

        assert_eq!(
            told(&paused, Paused::Rollout, Wanted::Pause),
            "sidecarsets.apps.kruise.io \"log-sc\" is already paused"
        );
        assert_eq!(
            told(&paused, Paused::Injection, Wanted::Pause),
            "the injection of sidecarsets.apps.kruise.io \"log-sc\" is already paused"
        );
        assert_eq!(
            told(&json!({}), Paused::Rollout, Wanted::Resume),
            "sidecarsets.apps.kruise.io \"log-sc\" is not paused"
        );
    }
}
