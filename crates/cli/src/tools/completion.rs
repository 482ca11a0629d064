//! `sidecarset completion`, and the completion that kubectl asks its plugins for.

mod kubectl;
mod live;
mod walk;

pub use kubectl::{answer as answer_kubectl, is_asked};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Which shell completes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completion.
pub fn print(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "sidecarset", &mut out);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &out)?;
    Ok(ExitCode::SUCCESS)
}
