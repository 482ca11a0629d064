//! The SidecarSet operator and its command line.

mod crd;
mod health;
mod logging;
mod metrics;
mod operator;
mod process;
mod tools;
#[cfg(feature = "otel")]
mod traces;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use tools::{Tool, completion, failure};

/// Injects sidecars into Pods, and upgrades them in place.
#[derive(Debug, Parser)]
#[command(name = "sidecarset", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Tool(Tool),
    /// Prints the custom resource definition of SidecarSet
    Crd,
    /// Runs the operator: the admission webhook and the rollout controller
    Operator(Box<operator::Arguments>),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(words) = completion::words(called(&arguments), &arguments) {
        return completion::answer(&words);
    }
    let arguments = match parse(arguments) {
        Ok(arguments) => arguments,
        Err(told) => return tell(&told),
    };
    match run(arguments) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

/// Reads the arguments, under the name by which the program was called: kubectl calls it kubectl-sidecarset.
fn parse(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let is_plugin = called(&arguments).starts_with("kubectl-");
    let command = Arguments::command().bin_name(if is_plugin { "kubectl sidecarset" } else { "sidecarset" });
    Arguments::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// Returns the name under which the program was called.
fn called(arguments: &[OsString]) -> &str {
    let name = arguments.first().and_then(|name| Path::new(name).file_name()).and_then(|name| name.to_str());
    name.unwrap_or_default()
}

/// Prints help, or what is wrong with the arguments. As in kubectl, that ends with 1.
fn tell(told: &clap::Error) -> ExitCode {
    // Nobody is left to tell where it cannot be printed.
    let _ = told.print();
    if told.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Tool(tool) => tool.run(),
        Command::Crd => crd::print(&mut std::io::stdout().lock()).map(|()| ExitCode::SUCCESS),
        Command::Operator(arguments) => {
            let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
            // What sends traces wants it.
            let _inside = runtime.enter();
            let log = logging::install(arguments.log_format)?;
            install_crypto()?;
            let ended = runtime.block_on(operator::run(*arguments));
            log.finish();
            ended.map(|()| ExitCode::SUCCESS)
        }
    }
}

/// Two crypto providers in one process would make rustls panic at the first handshake: says which one.
fn install_crypto() -> anyhow::Result<()> {
    let installed = rustls::crypto::ring::default_provider().install_default();
    installed.map_err(|_| anyhow::anyhow!("a crypto provider is installed already"))
}
