//! The paths through the core: runs one of them, which callgrind watches, or measures all and compares them with what was
//! recorded.
#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use anyhow::{Context, bail};
use sidecarset_bench::paths::guard::{Finding, compare, growing};
use sidecarset_bench::paths::{CATALOGUE, Results, Settings, costs, find, run, sections, work_through};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: paths list | paths run NAME SIZE TIMES | paths guard FILE | paths update FILE";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => list(),
        ["run", name, size, times] => {
            let path = find(name).with_context(|| format!("there is no path {name}: see `paths list`"))?;
            work_through((path.prepare)(size.parse()?), times.parse()?);
        }
        ["guard", file] => return guard(Path::new(file)),
        ["update", file] => update(Path::new(file))?,
        _ => bail!(USAGE),
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    for path in CATALOGUE {
        println!("{:<24} {:?} {}", path.name, path.sizes, path.across.unit());
    }
}

fn measured(file: &Path) -> anyhow::Result<Results> {
    let results = run(&Settings::beside_this_program(file.to_owned())?)?;
    println!("{}", costs(&results));
    for section in sections(&results) {
        section.tables.iter().for_each(|table| println!("{table}"));
    }
    Ok(results)
}

fn update(file: &Path) -> anyhow::Result<()> {
    measured(file)?.measured.write(file)?;
    println!("Recorded in {}: commit it together with what changed the numbers.", file.display());
    Ok(())
}

fn guard(file: &Path) -> anyhow::Result<ExitCode> {
    let Results { measured, recorded } = measured(file)?;
    let recorded = recorded.with_context(|| format!("there is no {}: make bench-guard-update", file.display()))?;
    if recorded.compiler != measured.compiler {
        println!("Instructions were not compared: they were recorded with {}.", recorded.compiler);
    }
    let changes = compare(&recorded, &measured);
    let grown = growing(&measured);
    for finding in changes.iter().chain(&grown) {
        println!("{finding}");
    }
    if changes.is_empty() && grown.is_empty() {
        println!("All paths cost what was recorded.");
        return Ok(ExitCode::SUCCESS);
    }
    println!();
    if !changes.is_empty() {
        println!("{}", advice(changes.iter().all(Finding::is_improvement)));
    }
    if !grown.is_empty() {
        println!("Some costs grow faster than they may: that cannot be recorded, only mended.");
    }
    Ok(ExitCode::FAILURE)
}

// A gain that is not recorded can be lost again without anybody seeing it: so this fails as well.
fn advice(is_all_better: bool) -> &'static str {
    if is_all_better {
        "That is better than what was recorded. Keep it so: run `make bench-guard-update` and commit bench/recorded.json."
    } else {
        "If that is on purpose, run `make bench-guard-update` and commit bench/recorded.json with the reason."
    }
}
