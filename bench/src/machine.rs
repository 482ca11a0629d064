//! The machine that was measured on, and what was measured.

use procfs::{CpuInfo, Current, Meminfo};
use serde::{Deserialize, Serialize};
use std::process::Command;

/// The machine that was measured on, and what was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor.
    pub processor: String,
    /// How many of them there are.
    pub processors: usize,
    /// How much memory there is, in GiB.
    pub memory: u64,
    /// Its kernel.
    pub kernel: String,
    /// The compiler.
    pub compiler: String,
    /// The Kubernetes of the clusters.
    pub kubernetes: String,
    /// Which state of the sources.
    pub revision: String,
    /// When, in UTC.
    pub time: String,
}

impl Machine {
    /// Looks around. What cannot be found out is empty.
    #[must_use]
    pub fn here(kubernetes: &str) -> Self {
        let processors = CpuInfo::current().ok();
        let processor = processors.as_ref().and_then(|all| all.model_name(0).map(str::to_owned));
        Self {
            processor: processor.unwrap_or_default(),
            processors: processors.map(|all| all.num_cores()).unwrap_or_default(),
            memory: Meminfo::current().map(|memory| (memory.mem_total + (1 << 29)) >> 30).unwrap_or_default(),
            kernel: said("uname", &["-sr"]),
            compiler: said("rustc", &["--version"]),
            kubernetes: kubernetes.to_owned(),
            revision: said("git", &["describe", "--always", "--dirty", "--abbrev=10"]),
            time: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M").to_string(),
        }
    }
}

/// Returns what a program says in one line.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
