//! Counts the allocations of all paths and writes them as JSON. A program of its own, because every allocation in it is
//! counted.
#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use sidecarset_bench::paths::allocation;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(&allocation::count())?);
    Ok(())
}
