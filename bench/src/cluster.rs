//! What the operator does on a real API server, with nodes and kubelets that are simulated.

mod account;
mod attack;
mod bare;
mod bench;
mod churn;
mod creation;
mod devcluster;
mod failing;
mod fleet;
mod follow;
mod idle;
mod metrics;
mod null;
mod operator;
mod pods;
mod proxy;
mod rollout;
mod scenarios;
mod sections;
mod start;
mod store;

pub use attack::Attack;
pub use creation::Creation;
pub use failing::Failing;
pub use follow::Mark;
pub use idle::Idle;
pub use metrics::Requests;
pub use rollout::Rollout;
pub use sections::sections;
pub use start::Start;

use bench::Bench;
use scenarios::{Scale, Scenarios};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// What takes two minutes.
    Quick,
    /// Everything: up to half an hour.
    Full,
}

/// What a run needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much is measured.
    pub size: Size,
    /// How long it may take: what is not begun by then is left out, and said to be.
    pub limit: Duration,
    /// The operator's release binary.
    pub operator: PathBuf,
    /// The program that runs the cluster.
    pub devcluster: PathBuf,
    /// The definition of SidecarSet.
    pub crd: PathBuf,
    /// Where logs go.
    pub directory: PathBuf,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// New Pods, with one webhook or another.
    pub creations: Vec<Creation>,
    /// Pods patched in a second by a bare client, before and after everything else.
    pub bare: Vec<f64>,
    /// The rollouts.
    pub rollouts: Vec<Rollout>,
    /// The starts, from few Pods to many.
    pub starts: Vec<Start>,
    /// A while without work.
    pub idle: Option<Idle>,
    /// An image that did not exist.
    pub failing: Option<Failing>,
    /// What could not be measured, and why.
    pub failures: Vec<String>,
}

impl Settings {
    /// Returns what there is after `make build devcluster` in this repository.
    #[must_use]
    pub fn of(workspace: &Path, operator: &Path, size: Size, limit: Duration) -> Self {
        Self {
            size,
            limit,
            operator: operator.to_owned(),
            devcluster: workspace.join("devcluster/bin/devcluster"),
            crd: workspace.join("deploy/crd.yaml"),
            directory: operator::directory(workspace),
        }
    }
}

/// Measures everything.
///
/// # Errors
/// There is no cluster, or it was interrupted.
pub fn run(settings: &Settings) -> anyhow::Result<Results> {
    until_interrupted(measure(settings))
}

/// Attacks the operator for so long, and returns what came of it.
///
/// # Errors
/// There is no cluster, or it was interrupted.
pub fn attack(settings: &Settings, length: Duration) -> anyhow::Result<Attack> {
    until_interrupted(async { Attack::measure(&Bench::up(settings).await?, length).await })
}

fn until_interrupted<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // It fails where the process has one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Whatever ends it, what it holds is dropped, and so the operator ends and the cluster goes down.
        tokio::select! {
            results = work => results,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            _ = terminate.recv() => anyhow::bail!("terminated"),
        }
    })
}

async fn measure(settings: &Settings) -> anyhow::Result<Results> {
    let until = Instant::now() + settings.limit;
    let bench = Arc::new(Bench::up(settings).await?);
    let mut results = Results::default();
    let scenarios = Scenarios { bench: &bench, scale: Scale::of(settings.size), until };
    scenarios.run(&mut results).await;
    Ok(results)
}
