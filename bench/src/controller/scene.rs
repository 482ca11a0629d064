//! One cluster and one controller, and what can be done to them while the controller is measured.

use super::child::Process;
use super::cluster::{Cluster, Kind, Requests};
use super::objects;
use super::server::{Shared, serve};
use crate::process::{Memory, Usage, memory, usage};
use anyhow::{Context, bail};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How many Pods change in a second.
pub(super) const PACE: u32 = 100;

/// For how long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Less work than this in [`CALM_FOR`] is none.
const CALM: Duration = Duration::from_millis(1);
const CALM_FOR: Duration = Duration::from_millis(400);

/// Far from one Pod to the next that changes, so that they are of all sets and namespaces.
const STRIDE: usize = 7919;

/// What happens to a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It turns ready, or no longer is.
    Readiness,
    /// Something that nobody asks about.
    Irrelevant,
}

/// What the controller used over a while, and what it asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) usage: Usage,
    pub(super) requests: Requests,
    pub(super) time: Duration,
}

/// A cluster, and the controller in it.
#[derive(Debug)]
pub(super) struct Scene {
    cluster: Shared,
    process: Process,
    /// How long it took from the start of the process until it knew all objects.
    pub(super) start: Duration,
}

impl Scene {
    /// Starts the controller in a cluster of so many Pods and sets, and waits until it has nothing more to do.
    pub(super) async fn new(pods: usize, sets: usize) -> anyhow::Result<Self> {
        let cluster = Arc::new(Mutex::new(Cluster::new(pods, sets)));
        let address = serve(Arc::clone(&cluster)).await.context("failed to serve the cluster")?;
        let (process, start) = tokio::task::spawn_blocking(move || Process::start(address)).await??;
        let scene = Self { cluster, process, start };
        scene.calm_down().await?;
        Ok(scene)
    }

    /// Returns what memory the controller holds.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        memory(self.process.id()).context("the controller ended")
    }

    /// Returns what the controller has used since it began.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        usage(self.process.id()).context("the controller ended")
    }

    /// Measures what a while costs in which nothing happens.
    pub(super) async fn rest(&self, time: Duration) -> anyhow::Result<Used> {
        self.measure(async {
            sleep(time).await;
            Ok(())
        })
        .await
    }

    /// Measures what a while costs in which so many Pods change, one after the other.
    pub(super) async fn churn(&self, change: Change, count: u32) -> anyhow::Result<Used> {
        self.measure(async {
            let mut ticks = interval(Duration::from_secs(1) / PACE);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for at in 0..count {
                ticks.tick().await;
                self.change_pod(at as usize * STRIDE, change);
            }
            // What the last ones lead to.
            sleep(Duration::from_millis(50)).await;
            Ok(())
        })
        .await
    }

    /// Measures what the upgrade of all Pods of a set costs.
    pub(super) async fn roll_out(&self, set: &str, version: u32) -> anyhow::Result<Used> {
        self.measure(async {
            self.cluster.lock().release(set, version);
            let began = Instant::now();
            while !self.cluster.lock().is_rolled_out(set) {
                if began.elapsed() > PATIENCE {
                    bail!("the rollout of {set} has not ended in time");
                }
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        })
        .await
    }

    /// Has the controller list all Pods again.
    pub(super) async fn list_again(&self) -> anyhow::Result<()> {
        self.cluster.lock().expire_watches();
        sleep(Duration::from_millis(200)).await;
        self.calm_down().await
    }

    /// Waits until the controller follows the Pods, and has nothing more to do.
    pub(super) async fn calm_down(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let before = self.usage()?;
            sleep(CALM_FOR).await;
            let is_following = self.cluster.lock().watches(Kind::Pods) == 1;
            if is_following && (self.usage()? - before).cpu < CALM {
                return Ok(());
            }
        }
        bail!("the controller never came to rest")
    }

    async fn measure(&self, happening: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<Used> {
        let (began, before) = (Instant::now(), self.usage()?);
        let asked = self.cluster.lock().requests;
        happening.await?;
        let (time, usage) = (began.elapsed(), self.usage()? - before);
        Ok(Used { usage, requests: self.cluster.lock().requests - asked, time })
    }

    fn change_pod(&self, at: usize, change: Change) {
        let mut cluster = self.cluster.lock();
        let Some(pod) = cluster.pod(at) else { return };
        cluster.change(Kind::Pods, &pod, |pod| match change {
            Change::Readiness => objects::flip(pod),
            Change::Irrelevant => objects::touch(pod),
        });
    }
}

impl std::ops::Sub for Requests {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            all: self.all - earlier.all,
            upgrades: self.upgrades - earlier.upgrades,
            conditions: self.conditions - earlier.conditions,
            statuses: self.statuses - earlier.statuses,
        }
    }
}
