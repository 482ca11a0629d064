//! New Pods, end to end: how many a second the API server takes, and how long each is waited for.

use super::bench::{Bench, say};
use super::null::Null;
use super::pods;
use super::rollout::count;
use crate::world;
use anyhow::Context;
use futures::future;
use kube::Client;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a new webhook, or its end, takes until every Pod is created by it.
const IN_FORCE: Duration = Duration::from_secs(2);

/// How many sets there are, of which one selects the Pods.
const SETS: usize = 50;

/// Pods that were created in one way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Creation {
    /// Whom the API server asked.
    pub webhook: String,
    /// How large a Pod was, in KB.
    pub kilobytes: usize,
    /// How many were created at once.
    pub at_once: usize,
    /// Pods in a second.
    pub rate: f64,
    /// Milliseconds within which half of them were created.
    pub median: f64,
    /// Milliseconds within which 99 of 100 were.
    pub p99: f64,
}

/// How many Pods are created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Their sizes, in KB.
    pub(crate) kilobytes: &'static [usize],
    /// How many at once.
    pub(crate) at_once: &'static [usize],
    /// For how long each time.
    pub(crate) length: Duration,
}

impl Load {
    /// Creates Pods without a webhook, with one that does nothing, with the operator's, and without one again.
    pub(crate) async fn measure(self, bench: &Bench) -> anyhow::Result<Vec<Creation>> {
        let mut created = Vec::new();
        self.with(bench, "none", &mut created).await?;
        let null = Null::start(&bench.admin).await?;
        sleep(IN_FORCE).await;
        self.with(bench, "null", &mut created).await?;
        null.stop(&bench.admin).await?;
        let operator = bench.start_operator().await?;
        bench.fleet.create_world(SETS).await?;
        self.with(bench, "ours", &mut created).await?;
        bench.fleet.clear().await?;
        sleep(IN_FORCE).await;
        operator.stop().await?;
        self.with(bench, "none again", &mut created).await?;
        bench.fleet.clear().await?;
        Ok(created)
    }

    async fn with(self, bench: &Bench, webhook: &str, created: &mut Vec<Creation>) -> anyhow::Result<()> {
        for kilobytes in self.kilobytes.iter().copied() {
            for at_once in self.at_once.iter().copied() {
                say(&format!("creating pods of {kilobytes} KB, {at_once} at once; webhook: {webhook}"));
                let times = create(&bench.admin, kilobytes, at_once, self.length).await?;
                let rate = count(times.len()) / self.length.as_secs_f64();
                let (median, p99) = (percentile(&times, 50), percentile(&times, 99));
                created.push(Creation { webhook: webhook.to_owned(), kilobytes, at_once, rate, median, p99 });
            }
        }
        Ok(())
    }
}

/// Returns how long each Pod took, sorted.
async fn create(client: &Client, kilobytes: usize, at_once: usize, length: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut pod = world::pod(kilobytes * 1_000);
    // Nobody schedules them, so nothing else happens to them.
    pod["spec"]["schedulerName"] = "nobody".into();
    let (body, until) = (pod.to_string().into_bytes(), Instant::now() + length);
    let workers = (0..at_once).map(|_| async {
        let mut times = Vec::new();
        while Instant::now() < until {
            let request = http::Request::post(pods::path("")).header("Content-Type", "application/json");
            let began = Instant::now();
            client.request_text(request.body(body.clone())?).await.context("failed to create a pod")?;
            times.push(began.elapsed());
        }
        anyhow::Ok(times)
    });
    let mut times = future::try_join_all(workers).await?.concat();
    times.sort_unstable();
    Ok(times)
}

/// Returns the time within which this share of the sorted times ended, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_within_which_that_share_ended() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();

        assert!((percentile(&times, 50) - 100.0).abs() < 1e-9);
        assert!((percentile(&times, 99) - 198.0).abs() < 1e-9);
        assert!(percentile(&[], 99).abs() < 1e-9);
    }
}
