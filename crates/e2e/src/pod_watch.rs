//! The Pods of a scene through one watch: every state in which they ever were, in order.

use crate::observed::PodView;
use crate::scene::Scene;
use crate::wait::PATIENCE;
use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use std::collections::BTreeMap;
use std::fmt;
use tokio::time::timeout;

/// Follows Pods and remembers how many of them were disturbed at the worst moment, and which images their sidecar had.
pub struct PodWatch {
    events: BoxStream<'static, watcher::Result<Event<Pod>>>,
    pods: BTreeMap<String, PodView>,
    most_disturbed: usize,
    images: BTreeMap<String, Vec<String>>,
}

impl PodWatch {
    /// Begins with the Pods that there are. Nothing that happens from now on is missed, even while nobody reads.
    ///
    /// # Errors
    ///
    /// When the Pods cannot be listed.
    pub async fn start(scene: &Scene) -> Result<Self> {
        Self::of(scene.pod_api(), watcher::Config::default()).await
    }

    /// Begins with the Pods of several scenes.
    ///
    /// # Errors
    ///
    /// When the Pods cannot be listed.
    pub async fn start_over(scenes: &[&Scene]) -> Result<Self> {
        let first = scenes.first().context("no scene to watch")?;
        let labels: Vec<_> = scenes.iter().map(|scene| scene.namespace()).collect();
        let labels = format!("app in ({})", labels.join(","));
        Self::of(Api::all(first.client()), watcher::Config::default().labels(&labels)).await
    }

    async fn of(pods: Api<Pod>, config: watcher::Config) -> Result<Self> {
        let events = kube::runtime::watcher(pods, config).boxed();
        let mut watch = Self { events, pods: BTreeMap::new(), most_disturbed: 0, images: BTreeMap::new() };
        loop {
            let event = timeout(PATIENCE, watch.events.next()).await.context("the pods were not listed in time")?;
            let event = event.context("the watch ended")?.context("failed to list the pods")?;
            let is_complete = matches!(event, Event::InitDone);
            watch.take(event)?;
            if is_complete {
                return Ok(watch);
            }
        }
    }

    /// Reads on until the Pods, in the order of their names, are as they should be.
    ///
    /// # Errors
    ///
    /// After two minutes, with the Pods as they are then.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&[PodView]) -> bool) -> Result<Vec<PodView>> {
        let reading = async {
            loop {
                let pods = self.pods();
                if is_so(&pods) {
                    return Ok(pods);
                }
                let event = self.events.next().await.context("the watch ended")?.context("the watch failed")?;
                self.take(event)?;
            }
        };
        let Ok(result) = timeout(PATIENCE, reading).await else {
            bail!("{what}: not within {} s; last seen: {:#?}", PATIENCE.as_secs(), self.pods());
        };
        result
    }

    /// Returns the images that the sidecar of each Pod was ever to have, in order; also of Pods that are gone.
    #[must_use]
    pub fn images(&self) -> &BTreeMap<String, Vec<String>> {
        &self.images
    }

    /// Returns how many Pods were not ready, or about to be restarted, at the worst moment until now. Those that are going away
    /// do not count.
    #[must_use]
    pub fn most_disturbed(&self) -> usize {
        self.most_disturbed
    }

    /// Returns the Pods as last seen, in the order of their names.
    #[must_use]
    pub fn pods(&self) -> Vec<PodView> {
        self.pods.values().cloned().collect()
    }

    fn take(&mut self, event: Event<Pod>) -> Result<()> {
        match event {
            Event::Apply(pod) | Event::InitApply(pod) => {
                let pod = PodView::of(&pod);
                self.remember_image(&pod);
                self.pods.insert(pod.name.clone(), pod);
            }
            Event::Delete(pod) => {
                self.pods.remove(&PodView::of(&pod).name);
            }
            Event::Init if self.pods.is_empty() => {}
            // What happened in between is not known, so nothing can be claimed of it.
            Event::Init => bail!("the watch was interrupted"),
            Event::InitDone => {}
        }
        let disturbed = self.pods.values().filter(|pod| !pod.is_going_away && !pod.is_undisturbed()).count();
        self.most_disturbed = self.most_disturbed.max(disturbed);
        Ok(())
    }

    fn remember_image(&mut self, pod: &PodView) {
        let Some(sidecar) = pod.containers.iter().find(|container| container.name == "sidecar") else { return };
        let images = self.images.entry(pod.name.clone()).or_default();
        if images.last() != Some(&sidecar.image) {
            images.push(sidecar.image.clone());
        }
    }
}

impl fmt::Debug for PodWatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PodWatch")
            .field("pods", &self.pods)
            .field("most_disturbed", &self.most_disturbed)
            .finish_non_exhaustive()
    }
}
