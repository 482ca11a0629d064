//! The controller in a process of its own, so that its memory and its time are nobody else's.

use anyhow::{Context, ensure};
use kube::{Client, Config};
use leader_lease::Leadership;
use parking_lot::RwLock;
use sidecarset_controller::{Contact, KnownPods, Links, Metrics, Settings, event_queue};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::{RegisteredScopes, SYSTEM_NAMESPACE};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The first argument with which this program is the process that is measured; the second is the API server's address.
pub const ARGUMENT: &str = "controller-process";

const SYNCED: &str = "synced";

/// The process that is measured. It ends with this.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts the controller, and waits until it knows all objects. Answers how long that took.
    pub(super) fn start(server: SocketAddr) -> anyhow::Result<(Self, Duration)> {
        let began = Instant::now();
        let program = std::env::current_exe().context("failed to find this program")?;
        let mut command = Command::new(program);
        command.arg(ARGUMENT).arg(server.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Self { child: command.spawn().context("failed to start the controller")? };
        let stdout = process.child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("failed to read what the controller says")?;
        ensure!(line.trim() == SYNCED, "the controller ended before it knew all objects");
        Ok((process, began.elapsed()))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the controller against an API server without TLS, until it is killed.
///
/// # Errors
/// The controller ended.
pub fn run(server: &str) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("it is installed already"))?;
    let url = format!("http://{server}").parse().context("this is no address of a server")?;
    Runtime::new().context("failed to start the runtime")?.block_on(control(Config::new(url)))
}

async fn control(config: Config) -> anyhow::Result<()> {
    let client = Client::try_from(config).context("failed to set up the client")?;
    let settings = Settings::default();
    let catalog = Catalog::reserving([SYSTEM_NAMESPACE]).without_operator(&settings.namespace);
    let (synced, mut is_synced) = watch::channel(false);
    let (_tells, in_force) = watch::channel(RegisteredScopes::default());
    let links = Links {
        pods: KnownPods::default(),
        synced,
        selection: watch::channel(0).0,
        in_force,
        events: event_queue(),
        metrics: Arc::new(Metrics::default()),
        contact: Contact::default(),
        leadership: Leadership::sole(),
    };
    let catalog = Arc::new(RwLock::new(catalog));
    let controller = sidecarset_controller::run(client, catalog, settings, links, CancellationToken::new());
    let tell = async {
        is_synced.wait_for(|is_synced| *is_synced).await.context("the controller ended")?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{SYNCED}")?;
        stdout.flush().context("nobody listens")
    };
    let (ended, told) = tokio::join!(controller, tell);
    told?;
    ended.context("the controller ended")
}
