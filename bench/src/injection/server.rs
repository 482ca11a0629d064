//! A server of reviews in a process of its own, so that its processor time and memory are its own.

use super::Webhook;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long it may take to start, and to stop.
const LIMIT: Duration = Duration::from_secs(20);

/// A server of reviews in a process of its own.
#[derive(Debug)]
pub struct Server {
    child: Child,
    ready: Ready,
}

#[derive(Debug, Deserialize)]
struct Ready {
    address: SocketAddr,
    authorities: String,
    path: String,
}

impl Server {
    /// Starts one on loopback.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(webhook: Webhook) -> anyhow::Result<Self> {
        Self::start_at(webhook, ([127, 0, 0, 1], 0).into()).await
    }

    /// Starts one at an address.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_at(webhook: Webhook, address: SocketAddr) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("failed to find this program")?);
        command.arg("serve").args(["--address", &address.to_string()]);
        if let Webhook::Ours { sets } = webhook {
            command.args(["--sets", &sets.to_string()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("failed to start a server")?;
        let stdout = child.stdout.take().expect("it was piped above");
        let line = timeout(LIMIT, BufReader::new(stdout).lines().next_line()).await;
        let line = line.context("the server did not start in time")??.context("the server ended at once")?;
        let ready = serde_json::from_str(&line).context("failed to read where the server is")?;
        Ok(Self { child, ready })
    }

    /// Returns where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ready.address
    }

    /// Returns the authorities to trust, as PEM.
    #[must_use]
    pub fn authorities(&self) -> &str {
        &self.ready.authorities
    }

    /// Returns the path under which it is asked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.ready.path
    }

    /// Returns the number of its process.
    ///
    /// # Panics
    /// It has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("it is waited for only when it is stopped")
    }

    /// Stops it.
    ///
    /// # Errors
    /// It does not stop, or ended badly before.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = timeout(LIMIT, self.child.wait()).await.context("the server did not stop in time")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}
