//! The SidecarSet operator and its command line.

mod crd;
mod health;
mod logging;
mod metrics;
mod operator;
mod process;
#[cfg(feature = "otel")]
mod traces;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Injects sidecars into Pods, and upgrades them in place.
#[derive(Debug, Parser)]
#[command(name = "sidecarset", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the operator: the admission webhook and the rollout controller
    Operator(Box<operator::Arguments>),
    /// Prints the custom resource definition of SidecarSet
    Crd,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Crd => crd::print(&mut std::io::stdout().lock()),
        Command::Operator(arguments) => {
            let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
            // What sends traces wants it.
            let _inside = runtime.enter();
            let log = logging::install(arguments.log_format)?;
            // Two crypto providers in one process would make rustls panic at the first handshake: say which one.
            rustls::crypto::ring::default_provider()
                .install_default()
                .map_err(|_| anyhow::anyhow!("a crypto provider is installed already"))?;
            let ended = runtime.block_on(operator::run(*arguments));
            log.finish();
            ended
        }
    }
}
