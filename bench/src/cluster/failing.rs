//! A rollout of an image that does not exist, and its repair.

use super::bench::{Bench, say};
use super::follow::Follower;
use super::rollout::Plan;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::sleep;

/// How long the rollout is watched once it stands still.
const QUIET: Duration = Duration::from_secs(5);

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failing {
    /// How many Pods there were.
    pub pods: usize,
    /// How many of them could be unavailable.
    pub max_unavailable: String,
    /// How many got the image that does not exist.
    pub broken: usize,
    /// Seconds until every Pod was ready with the next image.
    pub repaired_after: f64,
}

impl Failing {
    /// Rolls the missing image out, waits until it goes no further, and repairs the Pods.
    pub(crate) async fn measure(bench: &Bench, pods: usize) -> anyhow::Result<Self> {
        let budget = "10%";
        say(&format!("rolling an image out to {pods} pods that does not exist, {budget} at once"));
        bench.fleet.limit(1, budget).await?;
        let follower = Follower::start(&bench.admin, "agent:missing").await?;
        bench.fleet.change_image(1, "agent:missing").await?;
        let plan = Plan { name: "repair", sets: 1, pods, max_unavailable: budget };
        follower.until(plan.limit(), |progress| progress.patched() >= pods.div_ceil(10)).await?;
        sleep(QUIET).await;
        let broken = follower.until(plan.limit(), |_| true).await?.patched();
        let image = bench.next_image();
        let follower = Follower::start(&bench.admin, &image).await?;
        bench.fleet.change_image(1, &image).await?;
        let repair = follower.until(plan.limit(), |progress| progress.ready() >= pods).await?;
        bench.fleet.until_counted(1, pods, Duration::from_secs(30)).await?;
        say(&format!("{broken} pods got it; repaired after {:.1} s", repair.last_ready.as_secs_f64()));
        Ok(Self { pods, max_unavailable: budget.to_owned(), broken, repaired_after: repair.last_ready.as_secs_f64() })
    }
}
