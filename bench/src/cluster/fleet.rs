//! The SidecarSets and their Pods.

use super::devcluster::NODES;
use super::pods::{self, NAMESPACE, SIDECAR, SeenPod};
use super::store::{Store, Swap, copy};
use crate::world;
use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// About how many bytes a Pod has before anything is added to it.
const POD_BYTES: usize = 1_200;

/// How many sets are written at once.
const AT_ONCE: usize = 8;

/// SidecarSets by their number, and their Pods.
#[derive(Clone)]
pub(crate) struct Fleet {
    pub(crate) admin: Client,
    store: Store,
}

/// A Pod that others are copied from.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    set: usize,
    uid: String,
    stored: Vec<u8>,
}

/// No two Pods ever have the same.
static UIDS: AtomicU64 = AtomicU64::new(1);

impl Fleet {
    /// Returns a fleet without sets.
    pub(crate) async fn open(admin: Client, store: Store) -> anyhow::Result<Self> {
        for name in [NAMESPACE, "sidecarset-system"] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
            Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await?;
        }
        Ok(Self { admin, store })
    }

    /// Creates the sets `0..count`.
    pub(crate) async fn create_sets(&self, count: usize, image: &str) -> anyhow::Result<()> {
        self.each(count, |at| async move {
            let set = serde_json::from_value(json!({
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": set_name(at)},
                "spec": {
                    "selector": {"matchLabels": {"app": set_name(at)}},
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                    "containers": containers(image), "updateStrategy": {"maxUnavailable": "100%"},
                },
            }))?;
            self.sets().create(&PostParams::default(), &set).await.context("failed to create a set")?;
            self.until_injecting(&set_name(at)).await
        })
        .await
    }

    /// Creates the sets of [`world`]: one selects its Pods.
    pub(crate) async fn create_world(&self, count: usize) -> anyhow::Result<()> {
        self.each(count, |at| async move {
            let set: SidecarSet = serde_json::from_value(world::set(at))?;
            self.sets().create(&PostParams::default(), &set).await.context("failed to create a set")?;
            self.until_injecting(set.metadata.name.as_deref().unwrap_or_default()).await
        })
        .await
    }

    /// Changes the image of the sets `0..count`.
    pub(crate) async fn change_image(&self, count: usize, image: &str) -> anyhow::Result<()> {
        self.each(count, |at| self.change(at, json!({"containers": containers(image)}))).await
    }

    /// Lets this many Pods of the sets `0..count` be unavailable.
    pub(crate) async fn limit(&self, count: usize, max_unavailable: &str) -> anyhow::Result<()> {
        self.each(count, |at| self.change(at, json!({"updateStrategy": {"maxUnavailable": max_unavailable}}))).await
    }

    /// Deletes all sets and all Pods.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        self.store.remove(&format!("/registry/pods/{NAMESPACE}/")).await?;
        self.sets().delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        Ok(())
    }

    /// Creates the first Pod of a set as anybody would, and waits until it is ready with its sidecar.
    async fn template(&self, set: usize) -> anyhow::Result<Template> {
        let name = pod_name(set, 0);
        let body = pod(set, &name).to_string().into_bytes();
        let request = http::Request::post(pods::path("")).header("Content-Type", "application/json");
        self.admin.request_text(request.body(body)?).await.context("failed to create a pod")?;
        self.until_pod(&name, |pod| pod.is_ready() && !pod.metadata.annotations.is_empty()).await?;
        self.stored(set).await
    }

    async fn stored(&self, set: usize) -> anyhow::Result<Template> {
        let name = pod_name(set, 0);
        let request = http::Request::get(pods::path(&name)).body(Vec::new())?;
        let pod: SeenPod = self.admin.request(request).await?;
        let stored = self.store.read(&key(&name)).await?;
        Ok(Template { set, uid: pod.metadata.uid, stored })
    }

    /// Makes copies until the set has this many Pods.
    async fn fill(&self, template: &Template, pods: usize) -> anyhow::Result<()> {
        let mut copies = Vec::new();
        for number in 1..pods {
            copies.push(template.copy(number)?);
            if copies.len() == 1_024 || number + 1 == pods {
                self.store.write(&copies).await?;
                copies.clear();
            }
        }
        Ok(())
    }

    /// Creates the first Pod of each of the sets `0..sets`.
    pub(crate) async fn templates(&self, sets: usize) -> anyhow::Result<Vec<Template>> {
        stream::iter(0..sets).map(|at| self.template(at)).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Makes copies until there are this many Pods, split between the sets.
    pub(crate) async fn fill_all(&self, templates: &[Template], pods: usize) -> anyhow::Result<()> {
        for template in templates {
            self.fill(template, pods / templates.len()).await?;
        }
        Ok(())
    }

    /// Waits until the sets `0..count` together count this many Pods, and all as upgraded and ready.
    pub(crate) async fn until_counted(&self, count: usize, pods: usize, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let mut ready = 0;
            for at in 0..count {
                let status = self.status(at).await?;
                if status.matched_pods == status.updated_pods && status.matched_pods == status.updated_ready_pods {
                    ready += usize::try_from(status.updated_ready_pods)?;
                }
            }
            if ready >= pods {
                return Ok(());
            }
            if began.elapsed() > limit {
                bail!("the sets count {ready} of {pods} pods as upgraded and ready after {} s", limit.as_secs());
            }
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// Returns the status of a set.
    async fn status(&self, at: usize) -> anyhow::Result<SidecarSetStatus> {
        Ok(self.sets().get_status(&set_name(at)).await?.status.unwrap_or_default())
    }

    fn sets(&self) -> Api<SidecarSet> {
        Api::all(self.admin.clone())
    }

    async fn change(&self, at: usize, spec: Value) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.sets().patch(&set_name(at), &PatchParams::default(), &patch).await.context("failed to change a set")?;
        Ok(())
    }

    async fn each<F: Future<Output = anyhow::Result<()>>>(
        &self,
        count: usize,
        what: impl Fn(usize) -> F,
    ) -> anyhow::Result<()> {
        stream::iter(0..count).map(what).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Waits until the API server asks about the Pods of a set.
    async fn until_injecting(&self, name: &str) -> anyhow::Result<()> {
        for _ in 0..150 {
            let status = self.sets().get_status(name).await?.status.unwrap_or_default();
            if status.conditions.iter().any(|it| it.type_ == "Injecting" && it.status == "True") {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!("the API server does not ask about the pods of {name} after 30 s")
    }

    async fn until_pod(&self, name: &str, is_so: impl Fn(&SeenPod) -> bool) -> anyhow::Result<()> {
        for _ in 0..300 {
            let request = http::Request::get(pods::path(name)).body(Vec::new())?;
            if is_so(&self.admin.request(request).await?) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("the pod {name} is not ready with a sidecar after 30 s")
    }
}

impl Template {
    fn copy(&self, number: usize) -> anyhow::Result<(String, Vec<u8>)> {
        let name = pod_name(self.set, number);
        let uid = format!("be9c4000-0000-4000-8000-{:012x}", UIDS.fetch_add(1, Ordering::Relaxed));
        let (node, address) = node(number);
        let (first_node, first_address) = node_of_first();
        let swap = |from: String, to: String| Swap { from, to };
        let swaps = [
            swap(pod_name(self.set, 0), name.clone()),
            swap(self.uid.clone(), uid),
            swap(first_node, node),
            swap(first_address, address),
        ];
        Ok((key(&name), copy(&self.stored, &swaps)?))
    }
}

fn containers(image: &str) -> Value {
    json!([{
        "name": SIDECAR, "image": image, "env": [{"name": "LEVEL", "value": "info"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }])
}

/// Returns the name of a set, which is the label of its Pods too.
pub(crate) fn set_name(at: usize) -> String {
    format!("fleet-{at:03}")
}

/// Says whether a Pod was there from the beginning.
pub(crate) fn has_pod(name: &str) -> bool {
    name.starts_with("fleet-")
}

// All names have the same length: copies are made by that.
fn pod_name(set: usize, number: usize) -> String {
    format!("{}-{number:06}", set_name(set))
}

/// Returns a Pod of a set, on a node.
pub(crate) fn pod(set: usize, name: &str) -> Value {
    let mut pod = world::pod(POD_BYTES);
    pod["metadata"] = json!({"name": name, "labels": {"app": set_name(set), "pod-template-hash": "5d5f8b6c4d"}});
    pod["spec"]["nodeName"] = node_of_first().0.into();
    pod
}

fn node_of_first() -> (String, String) {
    node(0)
}

// The nodes with two digits, and their addresses: again, of the same length.
fn node(number: usize) -> (String, String) {
    let node = 10 + number % (NODES as usize - 10);
    (format!("simulated-{node}"), format!("198.51.100.{}", node + 1))
}

fn key(name: &str) -> String {
    format!("/registry/pods/{NAMESPACE}/{name}")
}
