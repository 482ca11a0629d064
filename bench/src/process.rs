//! What a process uses, as the kernel accounts for it.

use procfs::process::Process;
use procfs::{CpuTime, CurrentSI, KernelStats, ProcResult};
use serde::{Deserialize, Serialize};
use std::ops::Sub;
use std::time::Duration;

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on a processor, of all its threads that still run.
    pub cpu: Duration,
    /// How often its threads went to sleep and were woken again.
    pub wakeups: u64,
}

/// What memory a process holds, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What is resident now.
    pub resident: u64,
    /// The most that ever was.
    pub peak: u64,
}

/// Returns what a process has used. Of a thread that has ended nothing is known: the servers that are measured keep theirs.
///
/// # Errors
/// There is no such process.
pub fn usage(pid: u32) -> ProcResult<Usage> {
    let mut usage = Usage::default();
    // A thread may end between being listed and being read.
    for task in process(pid)?.tasks()?.flatten() {
        if let (Ok(times), Ok(status)) = (task.schedstat(), task.status()) {
            usage.cpu += Duration::from_nanos(times.sum_exec_runtime);
            usage.wakeups += status.voluntary_ctxt_switches.unwrap_or_default();
        }
    }
    Ok(usage)
}

/// Returns what memory a process holds.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> ProcResult<Memory> {
    let status = process(pid)?.status()?;
    let bytes = |kib: Option<u64>| kib.unwrap_or_default() * 1024;
    Ok(Memory { resident: bytes(status.vmrss), peak: bytes(status.vmhwm) })
}

/// Returns for how long all processors of the machine together have worked, for whomever.
///
/// # Errors
/// The kernel does not say.
pub fn busy() -> ProcResult<Duration> {
    let CpuTime { user, nice, system, irq, softirq, .. } = KernelStats::current()?.total;
    let ticks = user + nice + system + irq.unwrap_or_default() + softirq.unwrap_or_default();
    Ok(Duration::from_millis(ticks * 1000 / procfs::ticks_per_second()))
}

fn process(pid: u32) -> ProcResult<Process> {
    Process::new(pid.try_into().expect("the kernel gives no number as large"))
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), wakeups: self.wakeups.saturating_sub(earlier.wakeups) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_of_this_process_shows() {
        let before = usage(std::process::id()).unwrap();
        // A tick may be long in coming where others work, too.
        let until = Instant::now() + Duration::from_secs(10);
        let used = || usage(std::process::id()).unwrap() - before;
        while used().cpu < Duration::from_millis(5) && Instant::now() < until {}

        assert!(used().cpu >= Duration::from_millis(5), "{:?}", used());
    }

    #[test]
    fn work_of_this_process_is_work_of_the_machine() {
        let before = busy().unwrap();
        let until = Instant::now() + Duration::from_millis(100);
        while Instant::now() < until {
            std::hint::spin_loop();
        }

        assert!(busy().unwrap() > before);
    }

    #[test]
    fn this_process_holds_memory() {
        let memory = memory(std::process::id()).unwrap();

        assert!(memory.resident > 0 && memory.peak >= memory.resident, "{memory:?}");
    }
}
