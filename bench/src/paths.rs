//! The paths through the core and what they cost, in numbers that are the same in every run: instructions, as callgrind
//! counts them, and allocations.
//!
//! A path prepares its world outside of what is counted, and does its work once before that: what is made at the first
//! use, such as a parsed schema, counts for nothing.

pub mod allocation;
mod callgrind;
mod catalogue;
pub mod growth;
pub mod guard;
mod memory;
mod pods;
mod record;
mod reviews;
mod rollouts;
mod sections;
mod sets;

pub use catalogue::{Across, CATALOGUE, CorePath, Work, find};
pub use growth::{Fit, Growth};
pub use memory::{POD_COUNT, POD_RECORDS, PodRecords};
pub use record::{Cost, Record};
pub use sections::{costs, sections};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::Command;

/// What a run needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the programs `paths` and `allocations` of this crate are.
    pub programs: PathBuf,
    /// The file of what was recorded.
    pub recorded: PathBuf,
}

/// What the paths cost, and what they cost when that was recorded last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// Now.
    pub measured: Record,
    /// Then.
    pub recorded: Option<Record>,
}

impl Settings {
    /// Returns those of a run by a program that was built together with the others.
    ///
    /// # Errors
    /// Nobody knows where this program is.
    pub fn beside_this_program(recorded: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("failed to find this program")?;
        Ok(Self { programs: program.parent().map(PathBuf::from).unwrap_or_default(), recorded })
    }
}

/// Does the work of a path so many times, once more before that.
pub fn work_through(mut work: Work, times: u32) {
    work();
    counted::work_is_counted(&mut work, times);
}

/// Measures all paths, over all processors.
///
/// # Errors
/// A program does not run: valgrind, or one of this crate.
pub fn run(settings: &Settings) -> anyhow::Result<Results> {
    let recorded = Record::read(&settings.recorded)?;
    let mut measured = allocations(settings)?;
    measured.compiler = compiler();
    callgrind::run(&settings.programs.join("paths"), &mut measured)?;
    Ok(Results { measured, recorded })
}

/// Counts the allocations of all paths, which takes a process of its own: every allocation there is counted.
fn allocations(settings: &Settings) -> anyhow::Result<Record> {
    let program = settings.programs.join("allocations");
    let output = Command::new("timeout").arg("300").arg(&program).output();
    let output = output.with_context(|| format!("failed to run {}", program.display()))?;
    anyhow::ensure!(
        output.status.success(),
        "{} failed: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("failed to read what {} says", program.display()))
}

fn compiler() -> String {
    let version =
        Command::new("rustc").arg("--version").output().ok().and_then(|out| String::from_utf8(out.stdout).ok());
    version.map_or_else(|| "unknown".to_owned(), |version| version.trim().to_owned())
}

mod counted {
    use super::Work;

    /// Callgrind counts what happens in here, and finds it by its name.
    #[inline(never)]
    pub(super) fn work_is_counted(work: &mut Work, times: u32) {
        for _ in 0..times {
            work();
        }
    }
}
