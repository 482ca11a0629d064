//! Instructions, as callgrind counts them.

use super::{CATALOGUE, CorePath, Record};
use anyhow::Context;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// How many seconds one run may take.
const PATIENCE: &str = "120";
/// The name of the function in which is counted, however it is spelled in the program.
const COUNTED: &str = "--toggle-collect=*work_is_counted*";

/// Counts the instructions of all paths, as many at a time as there are processors.
pub(super) fn run(program: &Path, record: &mut Record) -> anyhow::Result<()> {
    let jobs = CATALOGUE.iter().flat_map(|path| path.sizes.iter().rev().map(move |size| (path, *size)));
    let jobs = Mutex::new(jobs);
    let record = Mutex::new(record);
    let worker = || -> anyhow::Result<()> {
        // The lock is let go of before the work begins.
        let next = || jobs.lock().next();
        while let Some((path, size)) = next() {
            let count = instructions(program, path, size)?;
            record.lock().cost_mut(path.name, size).instructions = count;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })
}

fn instructions(program: &Path, path: &CorePath, size: usize) -> anyhow::Result<u64> {
    let file = std::env::temp_dir().join(format!(
        "sidecarset-{}-{}-{size}.callgrind",
        std::process::id(),
        path.name.replace('/', "-"),
    ));
    let times = path.times(size);
    let counted = count(program, &[path.name, &size.to_string(), &times.to_string()], &file);
    // It may not have come to be.
    let _ = std::fs::remove_file(&file);
    counted
        .map(|counted| counted / u64::from(times))
        .with_context(|| format!("failed to count {} at {size}", path.name))
}

fn count(program: &Path, arguments: &[&str], file: &PathBuf) -> anyhow::Result<u64> {
    let mut command = Command::new("timeout");
    // What a program is told lies on its stack, and by what name it was started also on its heap: where everything else lies there
    // depends on how long that is, and so does what memory costs to find. It is as long wherever this is run.
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let (folder, name) = (program.parent().unwrap_or(Path::new(".")), program.file_name().unwrap_or_default());
    command.current_dir(folder);
    command.args([PATIENCE, "valgrind", "--tool=callgrind", "--quiet", COUNTED]);
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(Path::new(".").join(name));
    command.arg("run").args(arguments);
    let output = command.output().context("failed to run valgrind")?;
    anyhow::ensure!(output.status.success(), "valgrind failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(file).context("failed to read what callgrind wrote")?;
    total(&text).context("callgrind counted nothing: is the program without symbols?")
}

/// Reads the sum of a file of callgrind.
fn total(text: &str) -> Option<u64> {
    let sum = text.lines().filter_map(|line| line.strip_prefix("totals: ")).next_back()?;
    sum.trim().parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_run_is_read() {
        assert_eq!(total("# callgrind format\nevents: Ir\nsummary: 77\nfn=(1)\n0 77\n\ntotals: 77\n"), Some(77));
    }

    #[test]
    fn a_run_in_which_nothing_was_counted_is_none() {
        assert_eq!(total("events: Ir\ntotals: 0\n"), None);
        assert_eq!(total(""), None);
    }
}
