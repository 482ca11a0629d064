//! `sidecarset-bench`: measures what the operator costs, and tells it.

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use sidecarset_bench::injection::{self, Webhook};
use sidecarset_bench::machine::Machine;
use sidecarset_bench::results::Results;
use sidecarset_bench::{cluster, controller, document, paths};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Measures what the SidecarSet operator costs
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures, and prints the tables
    Run(Run),
    /// Prints the tables of a run
    Show {
        /// The file that the run wrote
        results: PathBuf,
    },
    /// Puts the tables and charts of a run into a document
    Document {
        /// The file that the run wrote
        results: PathBuf,
        /// The document
        document: PathBuf,
    },
    /// Attacks the operator on a cluster while Pods are created, and fails where one of them comes to harm
    Attack {
        /// The operator's release binary
        #[arg(long, value_name = "FILE")]
        operator: PathBuf,
        /// For how long
        #[arg(long, default_value = "600", value_name = "SECONDS")]
        seconds: u64,
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
    /// Runs a controller against a server in memory; who measures starts this by itself
    #[command(hide = true, name = controller::ARGUMENT)]
    Controller {
        /// The server
        server: String,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// Measure less, in less than three minutes, and without counting instructions
    #[arg(long)]
    quick: bool,
    /// Measure only this
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// For how long scenarios on a cluster are begun; the others are left out, and said to be
    #[arg(long, default_value = "20", value_name = "MINUTES")]
    cluster_minutes: u32,
    /// The file to write the results to
    #[arg(long, default_value = "target/bench/results.json", value_name = "FILE")]
    output: PathBuf,
    /// The operator's release binary
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The Kubernetes of the clusters, to be told
    #[arg(long, default_value = "", value_name = "VERSION")]
    kubernetes: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Reviews, over HTTPS
    Injection,
    /// Instructions and allocations of the paths through the core
    Paths,
    /// The controller by itself
    Controller,
    /// The operator on a cluster
    Cluster,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(run) => run.measure().and_then(|results| show(&results)),
        Command::Show { results } => show(&Results::read(&results)?),
        Command::Document { results, document } => document::fill(&document, &Results::read(&results)?),
        Command::Attack { operator, seconds } => attack(&operator, Duration::from_secs(seconds)),
        Command::Serve { address, sets } => {
            let webhook = sets.map_or(Webhook::Null, |sets| Webhook::Ours { sets });
            tokio::runtime::Runtime::new()?.block_on(injection::serve(webhook, address))
        }
        Command::Controller { server } => controller::run_process(&server),
    }
}

fn attack(operator: &Path, length: Duration) -> anyhow::Result<()> {
    let settings = cluster::Settings::of(Path::new("."), operator, cluster::Size::Quick, length);
    let attack = cluster::attack(&settings, length)?;
    writeln!(std::io::stdout(), "{}", attack.table())?;
    attack.check()
}

fn show(results: &Results) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for table in results.sections().iter().flat_map(|section| &section.tables) {
        writeln!(out, "{table}")?;
    }
    Ok(())
}

impl Run {
    /// Measures one part after the other, so that none disturbs another. What was measured is kept when a part fails.
    fn measure(&self) -> anyhow::Result<Results> {
        let begin = Instant::now();
        let machine = Machine::here(&self.kubernetes);
        // A part that is measured anew takes the place of what it was in the run before.
        let before = (!self.only.is_empty()).then(|| Results::read(&self.output).ok()).flatten().unwrap_or_default();
        let mut results = Results { machine, is_quick: self.quick, ..before };
        let measured = self.measure_into(&mut results);
        results.seconds += begin.elapsed().as_secs();
        results.write(&self.output)?;
        eprintln!("==> Took {} s; the results are in {}.", results.seconds, self.output.display());
        measured.map(|()| results)
    }

    fn measure_into(&self, results: &mut Results) -> anyhow::Result<()> {
        if self.wants(Part::Injection, "Measuring reviews over HTTPS.") {
            let settings = if self.quick { injection::Settings::quick() } else { injection::Settings::full() };
            let measured = tokio::runtime::Runtime::new()?.block_on(injection::run(&settings));
            results.injection = Some(measured.context("failed to measure reviews")?);
        }
        if self.wants(Part::Controller, "Measuring the controller by itself.") {
            let measured = controller::run(&controller::Settings { is_quick: self.quick });
            results.controller = Some(measured.context("failed to measure the controller")?);
        }
        if self.wants(Part::Cluster, "Measuring the operator on a cluster.") {
            let size = if self.quick { cluster::Size::Quick } else { cluster::Size::Full };
            let limit = Duration::from_mins(self.cluster_minutes.into());
            let measured = cluster::run(&cluster::Settings::of(Path::new("."), &self.operator, size, limit));
            results.cluster = Some(measured.context("failed to measure on a cluster")?);
        }
        if self.wants(Part::Paths, "Counting instructions and allocations.") {
            let settings = paths::Settings::beside_this_program("bench/recorded.json".into())?;
            results.paths = Some(paths::run(&settings).context("failed to count instructions")?);
        }
        Ok(())
    }

    fn wants(&self, part: Part, sentence: &str) -> bool {
        // Counting takes more than a minute, and `make bench-guard` does it too.
        let is_usual = !self.quick || part != Part::Paths;
        let is_wanted = (self.only.is_empty() && is_usual) || self.only.contains(&part);
        if is_wanted {
            eprintln!("==> {sentence}");
        }
        is_wanted
    }
}
