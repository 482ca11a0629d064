//! What the operator does while nothing happens.

use super::bench::{Bench, say};
use super::operator::Operator;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::sleep;

/// A while in which nothing happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Idle {
    /// How many Pods there were.
    pub pods: usize,
    /// Thousandths of a processor.
    pub millicores: f64,
    /// How often in a second a thread was woken.
    pub wakeups: f64,
    /// Requests in a minute.
    pub requests: f64,
}

impl Idle {
    /// Watches the operator for so long.
    pub(crate) async fn measure(
        bench: &Bench,
        operator: &Operator,
        pods: usize,
        length: Duration,
    ) -> anyhow::Result<Self> {
        say(&format!("leaving the operator alone for {} s", length.as_secs()));
        let before = bench.sample(operator).await?;
        sleep(length).await;
        let used = bench.used(operator, &before).await?;
        let millis = used.usage.cpu.as_secs_f64() * 1e3;
        Ok(Self {
            pods,
            millicores: millis / used.seconds,
            wakeups: number(used.usage.wakeups) / used.seconds,
            requests: number(used.requests.all) * 60.0 / used.seconds,
        })
    }
}

/// Returns a count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 of anything here")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
