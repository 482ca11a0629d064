//! `sidecarset completion`, and what is asked when a person presses Tab.

mod asked;
mod live;
mod walk;

pub use asked::{answer, words};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::{self, Write};
use std::process::ExitCode;

/// Which shell completes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completion: where a shell has one of ours, it knows the names on the cluster, too.
pub fn print(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let script = match arguments.shell {
        Shell::Bash => include_str!("completion/shells/sidecarset.bash").into(),
        Shell::Zsh => include_str!("completion/shells/sidecarset.zsh").into(),
        Shell::Fish => include_str!("completion/shells/sidecarset.fish").into(),
        shell => generated(shell),
    };
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

fn generated(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::Arguments::command(), "sidecarset", &mut script);
    script
}
