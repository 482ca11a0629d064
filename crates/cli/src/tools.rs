//! What a person does with SidecarSets: looks at them before and while they run, and acts on them.

#[expect(dead_code, reason = "the commands that use it come one by one")]
mod cluster;
mod completion;
pub mod failure;
#[expect(dead_code, reason = "the commands that use it come one by one")]
mod format;
#[expect(dead_code, reason = "the commands that use it come one by one")]
mod manifest;
#[expect(dead_code, reason = "the commands that use it come one by one")]
mod snapshot;
#[expect(dead_code, reason = "the commands that use it come one by one")]
mod table;

use clap::Subcommand;
use std::process::ExitCode;

/// What a person does.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Prints the completion of a shell: source <(sidecarset completion bash)
    Completion(completion::Arguments),
}

impl Tool {
    /// Does it, and answers with what the program ends with.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Completion(arguments) => completion::print(&arguments),
        }
    }
}
