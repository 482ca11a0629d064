//! The operator: the release binary, beside the cluster.

use crate::process::{self, Memory, Usage};
use anyhow::{Context, bail};
use kube::config::Kubeconfig;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Where the API server reaches the operator's webhook. The other scripts of the repository use other ports.
pub(super) const WEBHOOK: &str = "127.0.0.1:19543";
pub(super) const HEALTH: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 19544);

const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(15);

/// How the operator is started.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The binary.
    pub(crate) program: PathBuf,
    /// Where its kubeconfig and its log go.
    pub(crate) directory: PathBuf,
}

/// An operator that ends with this value.
#[derive(Debug)]
pub(crate) struct Operator {
    child: Child,
    log: PathBuf,
    /// How long it took from the start to the first time it said that it was ready.
    pub(crate) ready_after: Duration,
}

impl Launch {
    /// Starts the operator and waits until it is ready.
    pub(crate) async fn start(&self, kubeconfig: &Kubeconfig) -> anyhow::Result<Operator> {
        fs::create_dir_all(&self.directory)?;
        let (config, log) = (self.directory.join("operator.kubeconfig"), self.directory.join("operator.log"));
        fs::write(&config, serde_json::to_string(kubeconfig)?)?;
        let output = File::create(&log)?;
        let began = Instant::now();
        let child = Command::new(&self.program)
            .args(["operator", "--webhook-url", &format!("https://{WEBHOOK}"), "--webhook-bind", WEBHOOK])
            // Each takes the place of the one before, and need not wait for the end of its lease.
            .envs([("POD_NAME", "bench"), ("POD_UID", "1")])
            .args(["--health-bind", &HEALTH.to_string(), "--kubeconfig"])
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let mut operator = Operator { child, log, ready_after: Duration::ZERO };
        operator.until_ready(began).await?;
        Ok(operator)
    }
}

impl Operator {
    /// Returns what it has used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        process::usage(self.child.id()).context("the operator has ended")
    }

    /// Returns what memory it holds.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        process::memory(self.child.id()).context("the operator has ended")
    }

    /// Returns how many lines of its log hold all of these texts.
    pub(crate) fn lines(&self, texts: &[&str]) -> anyhow::Result<usize> {
        let log = fs::read_to_string(&self.log)?;
        Ok(log.lines().filter(|line| texts.iter().all(|text| line.contains(text))).count())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &pid]).status().context("failed to start kill")?;
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > STOPPED_WITHIN {
                bail!("the operator does not stop");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn until_ready(&mut self, began: Instant) -> anyhow::Result<()> {
        while !is_ready().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the operator ended with {status}: see {}", self.log.display());
            }
            if began.elapsed() > READY_WITHIN {
                bail!("the operator is not ready after {READY_WITHIN:?}: see {}", self.log.display());
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.ready_after = began.elapsed();
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn is_ready() -> bool {
    let asked = timeout(Duration::from_secs(1), async {
        let mut stream = TcpStream::connect(HEALTH).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    });
    asked.await.is_ok_and(|answer| answer.is_ok_and(|answer| is_ok(&answer)))
}

fn is_ok(answer: &[u8]) -> bool {
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line.ends_with(b" 200 OK")
}

/// Returns the directory of this repository's build, in which a run keeps its files.
pub(crate) fn directory(workspace: &Path) -> PathBuf {
    workspace.join("target").join("bench")
}
