//! `sidecarset-bench`: measures what the operator costs, and tells it.

use clap::{Parser, Subcommand};
use sidecarset_bench::injection::{self, Webhook};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Measures what the SidecarSet operator costs
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Measures
    Run {
        /// Measure less, in less than three minutes
        #[arg(long)]
        quick: bool,
    },
    /// Serves reviews until standard input ends; who measures starts this by itself
    #[command(hide = true)]
    Serve {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:0")]
        address: SocketAddr,
        /// How many SidecarSets there are; without it, nothing is looked at and everything is allowed
        #[arg(long)]
        sets: Option<usize>,
    },
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
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.command {
        Command::Serve { address, sets } => {
            let webhook = sets.map_or(Webhook::Null, |sets| Webhook::Ours { sets });
            runtime.block_on(injection::serve(webhook, address))
        }
        Command::Run { quick } => {
            let settings = if quick { injection::Settings::quick() } else { injection::Settings::full() };
            let results = runtime.block_on(injection::run(&settings))?;
            for section in injection::sections(&results) {
                for table in section.tables {
                    println!("{table}");
                }
            }
            Ok(())
        }
    }
}
