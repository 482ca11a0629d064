//! How long the operator takes to be ready, and what memory it holds then and later.

use super::bench::{Bench, say};
use super::rollout::count;
use crate::process::Memory;
use anyhow::bail;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio::time::sleep;

const LISTED_WITHIN: Duration = Duration::from_secs(60);

/// For how long memory settles before it is looked at.
const SETTLE: Duration = Duration::from_secs(3);

/// One start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// How many Pods there were, all of one SidecarSet.
    pub pods: usize,
    /// Seconds from the start of the process to the first time it was ready.
    pub seconds: f64,
    /// What memory it held soon after.
    pub memory: Memory,
    /// What memory it held when it had listed everything again, as often as [`Self::relists`] says.
    pub later: Option<Memory>,
    /// How often it listed the Pods again.
    pub relists: usize,
}

impl Start {
    /// Starts the operator, has it list everything again this often, and stops it.
    pub(crate) async fn measure(bench: &Bench, pods: usize, relists: usize) -> anyhow::Result<Self> {
        say(&format!("starting the operator with {pods} pods, {relists} times without the API server after that"));
        let operator = bench.start_operator().await?;
        sleep(SETTLE).await;
        let memory = operator.memory()?;
        for done in 0..relists {
            block_in_place(|| bench.cluster.restart_api_server())?;
            let began = Instant::now();
            while operator.lines(&["list the objects again", "kind=\"Pod\""])? <= done {
                if began.elapsed() > LISTED_WITHIN {
                    bail!("the operator has not listed the pods again");
                }
                sleep(Duration::from_millis(200)).await;
            }
            sleep(SETTLE).await;
        }
        let later = (relists > 0).then(|| operator.memory()).transpose()?;
        let seconds = operator.ready_after.as_secs_f64();
        operator.stop().await?;
        say(&format!("ready after {seconds:.2} s with {:.1} MiB", mebibytes(memory.resident)));
        Ok(Self { pods, seconds, memory, later, relists })
    }
}

/// Returns bytes as MiB.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    count(usize::try_from(bytes).unwrap_or(usize::MAX)) / 1_048_576.0
}
