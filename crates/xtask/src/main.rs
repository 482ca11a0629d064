//! `cargo xtask`: checks of this repository that neither the compiler nor clippy makes.

use anyhow::{Context, bail};
use std::io::Write;
use std::process::ExitCode;
use xtask::{Repository, circles, tidy};

const USAGE: &str = "Usage: cargo xtask COMMAND

  tidy      reports what breaks a rule of the repository, and exits with status 1 if there is anything
  circles   prints how many modules of each crate import each other
";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (text, exit) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => report(&Repository::load()?),
        ["circles"] => (circles::describe(&Repository::load()?.crates), ExitCode::SUCCESS),
        ["help" | "--help" | "-h"] => (USAGE.into(), ExitCode::SUCCESS),
        [] => bail!("no command\n\n{USAGE}"),
        _ => bail!("unknown command: {}\n\n{USAGE}", arguments.join(" ")),
    };
    std::io::stdout().write_all(text.as_bytes()).context("failed to print")?;
    Ok(exit)
}

fn report(repository: &Repository) -> (String, ExitCode) {
    let violations = tidy(repository);
    let lines = violations.iter().map(|violation| format!("{violation}\n")).collect();
    (lines, if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
