//! Runs the part of the benchmarks that needs a cluster.

use clap::Parser;
use sidecarset_bench::cluster::{self, Settings, Size};
use std::path::{Path, PathBuf};

#[derive(Debug, Parser)]
struct Arguments {
    /// The operator's release binary
    #[arg(long)]
    operator: PathBuf,

    /// Measures less
    #[arg(long)]
    quick: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let size = if arguments.quick { Size::Quick } else { Size::Full };
    let results = cluster::run(&Settings::of(Path::new("."), &arguments.operator, size))?;
    for table in cluster::sections(&results).iter().flat_map(|section| &section.tables) {
        eprintln!("{table}");
    }
    Ok(())
}
