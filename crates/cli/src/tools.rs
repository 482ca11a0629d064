//! What a person does with SidecarSets: looks at them before and while they run, and acts on them.

mod age;
mod cluster;
pub mod completion;
mod convert;
mod diff;
mod dry_run;
mod duration;
mod explain;
pub mod failure;
mod format;
mod history;
mod inject;
mod labels;
mod manifest;
mod past;
mod pause;
mod plan;
mod pods;
mod reference;
mod restart;
mod set_image;
mod sidecar;
mod snapshot;
mod status;
mod stored;
mod table;
mod target;
mod told;
mod undo;
mod validate;
mod view;
mod workload;

use anyhow::Context;
use clap::Subcommand;
use pause::Wanted;
use std::process::ExitCode;

/// What a person does.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Prints the completion of a shell: source <(sidecarset completion bash)
    Completion(completion::Arguments),
    /// Writes SidecarSets in another version, or in the oldest form, without a cluster
    Convert(convert::Arguments),
    /// Explains why a Pod has its sidecars or not, what it waits for, and what ends the wait
    Explain(explain::Arguments),
    /// Lists the past definitions of a SidecarSet, and shows one, or what has changed
    History(history::Arguments),
    /// Prints Pods and workloads with the sidecars that they would get, without a cluster
    Inject(inject::Arguments),
    /// Stops the rollout of SidecarSets to running Pods for now, or their injection into new ones
    Pause(pause::Arguments),
    /// Tells what would happen if SidecarSets were applied
    Plan(plan::Arguments),
    /// Shows the Pods of a SidecarSet, and how each stands
    Pods(pods::Arguments),
    /// Prints every command with what it takes, as Markdown
    #[command(hide = true)]
    Reference,
    /// Evicts Pods that have to be created anew to get the sidecars, a few at a time
    RestartOutdated(Box<restart::Arguments>),
    /// Lets what was paused go on
    Resume(pause::Arguments),
    /// Changes images of a SidecarSet, as kubectl set image does for a Deployment
    SetImage(set_image::Arguments),
    /// Shows how SidecarSets stand: progress, revisions, why Pods wait, what fails
    Status(status::Arguments),
    /// Returns a SidecarSet to an earlier definition
    Undo(undo::Arguments),
    /// Says everything that is wrong with SidecarSets, without a cluster
    Validate(validate::Arguments),
}

impl Tool {
    /// Does it, and answers with what the program ends with.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Completion(arguments) => completion::print(&arguments),
            Self::Convert(arguments) => convert::run(&arguments, &mut anstream::stdout().lock()),
            Self::Explain(arguments) => explain::run(&arguments, &mut anstream::stdout().lock()),
            Self::History(arguments) => history::run(&arguments),
            Self::Inject(arguments) => inject::run(&arguments, &mut anstream::stdout().lock()),
            Self::Pause(arguments) => pause::run(&arguments, Wanted::Pause),
            Self::Plan(arguments) => plan::run(&arguments, &mut anstream::stdout().lock()),
            Self::Pods(arguments) => pods::run(&arguments, &mut anstream::stdout().lock()),
            Self::Reference => reference::print(&mut std::io::stdout().lock()),
            Self::RestartOutdated(arguments) => restart::run(&arguments),
            Self::Resume(arguments) => pause::run(&arguments, Wanted::Resume),
            Self::SetImage(arguments) => set_image::run(&arguments),
            Self::Status(arguments) => status::run(&arguments, &mut anstream::stdout().lock()),
            Self::Undo(arguments) => undo::run(&arguments),
            Self::Validate(arguments) => validate::run(&arguments, &mut anstream::stdout().lock()),
        }
    }
}

/// Does what has to wait for an API server.
fn run_async<T>(does: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("failed to start the runtime")?.block_on(does)
}
