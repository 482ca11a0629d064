//! What the process uses of the machine, as the kernel tells it.

mod reading;

use reading::{Machine, Usage, limit};
use sidecarset_metrics::{Collector, DescriptorEncoder, Scrape};
use std::fmt;
use std::fs::{read_dir, read_to_string};

/// Tells what the process uses. Where the kernel does not tell, neither do we.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut scrape = Scrape::new(encoder);
        match usage() {
            Some(usage) => tell(&usage, &mut scrape),
            None => Ok(()),
        }
    }
}

/// Where the kernel tells how much memory a container may use, the one with the newer control groups first.
const MEMORY_LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Returns how much memory may be used, in bytes: an infinite amount where there is no limit. Nothing where the kernel does not
/// tell of processes either.
pub fn memory_limit() -> Option<f64> {
    usage()?;
    let text = MEMORY_LIMITS.iter().find_map(|path| read_to_string(path).ok());
    Some(text.as_deref().and_then(limit).unwrap_or(f64::INFINITY))
}

fn usage() -> Option<Usage> {
    let text = |path: &str| read_to_string(path).ok();
    let machine = Machine {
        stat: text("/proc/self/stat")?,
        status: text("/proc/self/status")?,
        limits: text("/proc/self/limits")?,
        system: text("/proc/stat")?,
        // The folder is read through one more of them.
        descriptors: read_dir("/proc/self/fd").ok()?.count().saturating_sub(1),
    };
    machine.usage()
}

fn tell(usage: &Usage, scrape: &mut Scrape<'_>) -> fmt::Result {
    scrape.counter("process_cpu_seconds", "Time of processors that was used, in seconds.", usage.cpu_seconds)?;
    scrape.number("process_resident_memory_bytes", "Memory that is in use, in bytes.", usage.resident_bytes)?;
    scrape.number("process_virtual_memory_bytes", "Memory that is reserved, in bytes.", usage.virtual_bytes)?;
    scrape.number("process_threads", "Threads that there are.", usage.threads)?;
    scrape.number("process_open_fds", "File descriptors that are open.", usage.open_descriptors)?;
    if let Some(most) = usage.most_descriptors {
        scrape.number("process_max_fds", "File descriptors that may be open.", most)?;
    }
    scrape.number("process_start_time_seconds", "When the process began, in Unix time.", usage.began)
}
