//! The cluster that everything is measured on: devcluster with simulated nodes.

use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The name of the cluster.
const NAME: &str = "bench";

/// How many nodes there are. The Pods are on those whose names have two digits.
pub(crate) const NODES: u32 = 20;

/// How long a container takes to change its image.
pub(crate) const KUBELET_DELAY: Duration = Duration::from_millis(250);

/// A cluster that goes down with this value.
#[derive(Debug)]
pub(crate) struct Devcluster {
    program: PathBuf,
    pub(crate) status: Status,
}

/// What devcluster says of the cluster.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) apiserver: String,
    pub(crate) etcd: String,
}

impl Devcluster {
    /// Starts the cluster anew: what an earlier run left of it goes first.
    pub(crate) fn up(program: &Path) -> anyhow::Result<Self> {
        run(program, &["down"])?;
        let mut cluster = Self {
            program: program.to_owned(),
            status: Status { kubeconfig: PathBuf::new(), apiserver: String::new(), etcd: String::new() },
        };
        let (nodes, delay) = (NODES.to_string(), format!("{}ms", KUBELET_DELAY.as_millis()));
        run(program, &["up", "--nodes", "simulated", "--simulated-nodes", &nodes, "--simulated-delay", &delay])?;
        let status = run(program, &["status", "--output", "json"])?;
        cluster.status = serde_json::from_str(&status).context("failed to read the status of the cluster")?;
        Ok(cluster)
    }

    /// Applies a file of objects.
    pub(crate) fn apply(&self, file: &Path) -> anyhow::Result<()> {
        let file = file.to_str().context("the path of the file is no text")?;
        let arguments = ["kubectl", "--name", NAME, "--", "apply", "--server-side", "--filename", file];
        output(Command::new(&self.program).args(arguments)).map(drop)
    }

    /// Kills the API server and starts it again.
    pub(crate) fn restart_api_server(&self) -> anyhow::Result<()> {
        run(&self.program, &["restart", "kube-apiserver"]).map(drop)
    }
}

impl Drop for Devcluster {
    fn drop(&mut self) {
        if let Err(error) = run(&self.program, &["down"]) {
            eprintln!("the cluster {NAME} was not removed: {error:#}");
        }
    }
}

fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new(program).args(arguments).args(["--name", NAME]))
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = format!("{command:?}");
    // With the terminal's Ctrl-C it would end half way: it is the drop that removes the cluster.
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {line}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{line} failed: {}", complaint.trim());
    String::from_utf8(output.stdout).with_context(|| format!("{line} printed no text"))
}
