//! What a review costs, asked as the API server asks: over HTTPS and HTTP/2, beside a webhook that says nothing.

mod asker;
mod latency;
mod load;
mod results;
mod sections;
mod serve;
mod server;

pub use latency::Latency;
pub use results::{Cell, Pass, Results, Webhook};
pub use sections::sections;
pub use serve::serve;
pub use server::Server;

use crate::process;
use crate::world::{pod, review};
use anyhow::Context;
pub(crate) use asker::Asker;

use load::Load;
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many SidecarSets there are, of which one selects the Pod.
    pub sets: Vec<usize>,
    /// How long the JSON of the Pod is, in bytes.
    pub pods: Vec<usize>,
    /// How many connections ask at once, each of them one review after the other.
    pub connections: Vec<usize>,
    /// For how long each combination is measured.
    pub time: Duration,
}

impl Settings {
    /// Returns what takes two minutes.
    #[must_use]
    pub fn full() -> Self {
        Self {
            sets: vec![1, 10, 50, 100, 500],
            pods: vec![2_000, 20_000, 200_000],
            connections: vec![1, 16, 128],
            time: Duration::from_millis(1_500),
        }
    }

    /// Returns what takes some seconds.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            sets: vec![1, 50, 500],
            pods: vec![2_000, 20_000],
            connections: vec![1, 16],
            time: Duration::from_millis(700),
        }
    }
}

/// Measures every combination. The webhook that says nothing comes first and last, which shows the noise of the machine.
///
/// # Errors
/// A server does not start, or an answer is not what it should be.
pub async fn run(settings: &Settings) -> anyhow::Result<Results> {
    let ours = settings.sets.iter().map(|sets| (Webhook::Ours { sets: *sets }, Pass::First));
    let webhooks: Vec<_> =
        [(Webhook::Null, Pass::First)].into_iter().chain(ours).chain([(Webhook::Null, Pass::Last)]).collect();
    let mut results = Results::default();
    for bytes in &settings.pods {
        eprintln!("    reviews of a Pod of {bytes} bytes");
        for (webhook, pass) in &webhooks {
            let cells = measure(*webhook, *pass, *bytes, settings).await;
            results.cells.extend(cells.with_context(|| format!("failed to measure {webhook}"))?);
        }
    }
    Ok(results)
}

async fn measure(webhook: Webhook, pass: Pass, bytes: usize, settings: &Settings) -> anyhow::Result<Vec<Cell>> {
    let server = Server::start(webhook).await?;
    let body = review(&pod(bytes));
    let asker = Asker::new(server.address(), server.path(), server.authorities())?;
    asker.expect(&body, webhook != Webhook::Null).await?;
    let mut cells = Vec::new();
    for connections in &settings.connections {
        let load = Load::begin(&asker, *connections, &body).await?;
        load.warm_up().await?;
        let before = process::usage(server.id())?;
        let latencies = load.run(settings.time).await?;
        let used = process::usage(server.id())? - before;
        cells.push(Cell {
            webhook,
            pass,
            pod_bytes: bytes,
            connections: *connections,
            seconds: settings.time.as_secs_f64(),
            cpu_seconds: used.cpu.as_secs_f64(),
            latency: Latency::of(latencies),
            memory: process::memory(server.id())?,
        });
    }
    server.stop().await?;
    Ok(cells)
}
