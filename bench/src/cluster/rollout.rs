//! Rollouts: an image is changed, and the operator changes it in every Pod.

use super::bench::{Bench, say};
use super::churn::Churn;
use super::follow::{Follower, Mark, Progress};
use super::idle::number;
use super::metrics::Requests;
use super::operator::Operator;
use super::proxy::Proxy;
use crate::process::Memory;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long one may take for each Pod, and besides.
const LIMIT_PER_POD: Duration = Duration::from_millis(15);
const LIMIT: Duration = Duration::from_secs(60);

/// What is rolled out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// What is special about it.
    pub(crate) name: &'a str,
    /// How many sets change: the first ones.
    pub(crate) sets: usize,
    /// How many Pods these have.
    pub(crate) pods: usize,
    /// How many of them may be unavailable.
    pub(crate) max_unavailable: &'a str,
}

/// What a rollout took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rollout {
    /// What was special about it.
    pub name: String,
    /// How many SidecarSets were changed.
    pub sets: usize,
    /// How many Pods they have.
    pub pods: usize,
    /// How many of the Pods of a set could be unavailable.
    pub max_unavailable: String,
    /// Pods patched in a second, from the first to the last.
    pub rate: f64,
    /// Seconds from the change until the last Pod was patched.
    pub patched_after: f64,
    /// Seconds from the change until every Pod was ready again.
    pub ready_after: f64,
    /// Seconds from the change until the operator had nothing more to say: in conditions of Pods, and in the status.
    pub told_after: f64,
    /// The most Pods that were unavailable at once.
    pub most_unready: usize,
    /// Milliseconds of CPU time of the operator, for each Pod.
    pub cpu_per_pod: f64,
    /// What was asked of the API server.
    pub requests: Requests,
    /// Bytes from and to the API server for each Pod, where they were counted.
    pub bytes_per_pod: Option<(f64, f64)>,
    /// What memory the operator held in the end, and at most since it was started.
    pub memory: Memory,
    /// How far it was over time.
    pub marks: Vec<Mark>,
}

impl Plan<'_> {
    /// Rolls out, and waits until everything is as it should be.
    pub(crate) async fn run(self, bench: &Bench, operator: &Operator) -> anyhow::Result<Rollout> {
        self.run_amid(None, bench, operator).await
    }

    /// Rolls out while other Pods come and go, which these do no more in the end.
    pub(crate) async fn run_amid(
        self,
        churn: Option<Churn>,
        bench: &Bench,
        operator: &Operator,
    ) -> anyhow::Result<Rollout> {
        let Self { name, sets, pods, max_unavailable } = self;
        say(&format!("rolling out to {pods} pods of {sets} sets, {max_unavailable} at once: {name}"));
        bench.fleet.limit(sets, max_unavailable).await?;
        if churn.is_none() {
            bench.until_at_rest().await?;
        }
        let image = bench.next_image();
        let before = bench.sample(operator).await?;
        let follower = Follower::start(&bench.admin, &image).await?;
        bench.fleet.change_image(sets, &image).await?;
        let progress =
            follower.until(self.limit(), |progress| progress.ready() >= pods && progress.told() >= pods).await?;
        if let Some(churn) = churn {
            churn.stop().await?;
        }
        bench.fleet.until_counted(sets, pods, Duration::from_secs(30)).await?;
        let used = bench.used(operator, &before).await?;
        let rollout = Rollout {
            told_after: used.seconds,
            cpu_per_pod: used.usage.cpu.as_secs_f64() * 1e3 / count(pods),
            requests: used.requests,
            memory: operator.memory()?,
            ..self.seen(&progress)
        };
        say(&format!("{:.0} pods a second, ready after {:.1} s", rollout.rate, rollout.ready_after));
        Ok(rollout)
    }

    /// Rolls out with the operator started anew, and its bytes counted on their way.
    pub(crate) async fn run_counting_bytes(self, bench: &Bench) -> anyhow::Result<Rollout> {
        let proxy = Proxy::start(&bench.cluster.status.apiserver).await?;
        let operator = bench.start_operator_towards(&proxy.address).await?;
        bench.fleet.until_counted(self.sets, self.pods, LIMIT).await?;
        let before = proxy.bytes();
        let rollout = self.run(bench, &operator).await?;
        let after = proxy.bytes();
        operator.stop().await?;
        let per_pod = |before, after| number(after - before) / count(self.pods);
        Ok(Rollout { bytes_per_pod: Some((per_pod(before.0, after.0), per_pod(before.1, after.1))), ..rollout })
    }

    /// Returns how long it may take.
    pub(crate) fn limit(self) -> Duration {
        LIMIT + LIMIT_PER_POD * u32::try_from(self.pods).unwrap_or(u32::MAX)
    }

    fn seen(self, progress: &Progress) -> Rollout {
        Rollout {
            name: self.name.to_owned(),
            sets: self.sets,
            pods: self.pods,
            max_unavailable: self.max_unavailable.to_owned(),
            rate: progress.rate(),
            patched_after: progress.last_patch.as_secs_f64(),
            ready_after: progress.last_ready.as_secs_f64(),
            told_after: 0.0,
            most_unready: progress.most_unready,
            cpu_per_pod: 0.0,
            requests: Requests::default(),
            bytes_per_pod: None,
            memory: Memory::default(),
            marks: progress.marks.clone(),
        }
    }
}

/// Returns a number of things as one that can be divided by.
#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 of anything here")]
pub(crate) fn count(things: usize) -> f64 {
    things as f64
}
