//! Follows a rollout through a watch of its own: when each Pod got its new image, and when it was ready with that.

use super::fleet;
use super::pods::{self, SeenPod};
use anyhow::{Context, bail};
use futures::{TryStreamExt, pin_mut};
use kube::Client;
use kube::core::WatchEvent;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sidecarset_api::markers;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often the curve gets a point, and how often somebody who waits looks.
const TICK: Duration = Duration::from_millis(250);

/// How far a rollout was at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds since the set was changed.
    pub seconds: f64,
    /// How many Pods had the new image in their spec.
    pub patched: usize,
    /// How many were ready with it.
    pub ready: usize,
}

/// What was seen of a rollout.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    began: Instant,
    patched: HashSet<String>,
    ready: HashSet<String>,
    told: HashSet<String>,
    /// When the first Pod got the image, after the beginning.
    pub(crate) first_patch: Duration,
    /// When the last one did.
    pub(crate) last_patch: Duration,
    /// When the last one was ready.
    pub(crate) last_ready: Duration,
    /// The most Pods that had the image and were not ready with it.
    pub(crate) most_unready: usize,
    /// The curve.
    pub(crate) marks: Vec<Mark>,
}

/// A watch that ends with this value.
#[derive(Debug)]
pub(crate) struct Follower {
    progress: Arc<Mutex<Progress>>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Follower {
    /// Begins to look for Pods with this image.
    pub(crate) async fn start(client: &Client, image: &str) -> anyhow::Result<Self> {
        let version = pods::version(client).await?;
        let progress = Arc::new(Mutex::new(Progress::begin(Instant::now())));
        let watch = watch(client.clone(), version, image.to_owned(), Arc::clone(&progress));
        Ok(Self { progress, task: tokio::spawn(watch) })
    }

    /// Waits until that is so, and answers what was seen.
    pub(crate) async fn until(&self, limit: Duration, is_so: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        let began = Instant::now();
        loop {
            let (patched, ready) = {
                let progress = self.progress.lock();
                if is_so(&progress) {
                    return Ok(progress.clone());
                }
                (progress.patched(), progress.ready())
            };
            if self.task.is_finished() {
                bail!("the watch of the pods broke off; {patched} pods were upgraded and {ready} of them ready");
            }
            if began.elapsed() > limit {
                bail!("after {} s {patched} pods were upgraded and {ready} of them ready", limit.as_secs());
            }
            sleep(TICK).await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Progress {
    fn begin(now: Instant) -> Self {
        Self {
            began: now,
            patched: HashSet::new(),
            ready: HashSet::new(),
            told: HashSet::new(),
            first_patch: Duration::ZERO,
            last_patch: Duration::ZERO,
            last_ready: Duration::ZERO,
            most_unready: 0,
            marks: Vec::new(),
        }
    }

    /// Returns how many Pods have the image.
    pub(crate) fn patched(&self) -> usize {
        self.patched.len()
    }

    /// Returns how many are ready with it.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Returns how many of these have the operator's condition.
    pub(crate) fn told(&self) -> usize {
        self.told.len()
    }

    /// Returns how many Pods got the image in a second, from the first to the last.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 Pods")]
    pub(crate) fn rate(&self) -> f64 {
        self.patched().saturating_sub(1) as f64 / (self.last_patch - self.first_patch).as_secs_f64().max(0.001)
    }

    fn note(&mut self, pod: &SeenPod, image: &str, now: Instant) {
        if !pod.wants(image) || !fleet::has_pod(&pod.metadata.name) {
            return;
        }
        let (name, after) = (&pod.metadata.name, now.duration_since(self.began));
        if self.patched.insert(name.clone()) {
            self.last_patch = after;
            if self.patched.len() == 1 {
                self.first_patch = after;
            }
        }
        if pod.runs(image) && self.ready.insert(name.clone()) {
            self.last_ready = after;
        }
        if pod.has_condition(markers::UPGRADABLE) {
            self.told.insert(name.clone());
        }
        self.most_unready = self.most_unready.max(self.patched.len() - self.ready.len());
        self.mark(after);
    }

    fn forget(&mut self, pod: &SeenPod) {
        for names in [&mut self.patched, &mut self.ready, &mut self.told] {
            names.remove(&pod.metadata.name);
        }
    }

    fn mark(&mut self, after: Duration) {
        let mark = Mark { seconds: after.as_secs_f64(), patched: self.patched.len(), ready: self.ready.len() };
        match self.marks.last_mut() {
            Some(last)
                if last.seconds.div_euclid(TICK.as_secs_f64()) >= mark.seconds.div_euclid(TICK.as_secs_f64()) =>
            {
                *last = mark;
            }
            Some(_) | None => self.marks.push(mark),
        }
    }
}

async fn watch(
    client: Client,
    mut version: String,
    image: String,
    progress: Arc<Mutex<Progress>>,
) -> anyhow::Result<()> {
    loop {
        let path = format!("{}?watch=true&timeoutSeconds=290&resourceVersion={version}", pods::path(""));
        let events = client.request_events::<SeenPod>(http::Request::get(path).body(Vec::new())?).await?;
        pin_mut!(events);
        while let Some(event) = events.try_next().await.context("the watch of the pods failed")? {
            match event {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                    progress.lock().note(&pod, &image, Instant::now());
                    version = pod.metadata.resource_version;
                }
                WatchEvent::Deleted(pod) => {
                    progress.lock().forget(&pod);
                    version = pod.metadata.resource_version;
                }
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => bail!("the watch of the pods was ended: {status:?}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, ready: &str) -> SeenPod {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "agent", "image": "agent:v2"}]},
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"name": "agent", "image": "docker.io/library/agent:v2"}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn the_rate_is_that_between_the_first_patch_and_the_last() {
        let now = Instant::now();
        let mut progress = Progress::begin(now);
        for (name, seconds) in [("fleet-a", 3), ("fleet-b", 4), ("fleet-c", 5)] {
            progress.note(&pod(name, "False"), "agent:v2", now + Duration::from_secs(seconds));
        }

        assert_eq!((progress.patched(), progress.ready(), progress.most_unready), (3, 0, 3));
        assert_eq!(progress.first_patch, Duration::from_secs(3));
        assert!((progress.rate() - 1.0).abs() < 1e-9, "{}", progress.rate());
    }

    #[test]
    fn the_curve_has_one_point_in_a_quarter_of_a_second() {
        let now = Instant::now();
        let mut progress = Progress::begin(now);
        for (name, millis) in [("fleet-a", 10), ("fleet-b", 200), ("fleet-c", 260)] {
            progress.note(&pod(name, "True"), "agent:v2", now + Duration::from_millis(millis));
        }

        let points: Vec<_> = progress.marks.iter().map(|mark| (mark.patched, mark.ready)).collect();
        assert_eq!(points, [(2, 2), (3, 3)]);
    }
}
