//! A namespace, a label and SidecarSets that belong to one test.

use crate::draft::{SetDraft, pod_spec};
use crate::observed::PodView;
use crate::wait::{Look, eventually};
use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, Status};
use kube::{Client, Resource};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::fmt;
use std::sync::{Arc, LazyLock};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// On every SidecarSet that a scene creates: the namespace of the scene.
pub const SCENE: &str = "e2e.sidecarset.dev/scene";

/// Tests that only use the operator share it; one that stops it has it alone.
static OPERATOR: LazyLock<Arc<RwLock<()>>> = LazyLock::new(Arc::default);

/// What belongs to one test. It is removed from the cluster when it is dropped, whether the test passed or not.
pub struct Scene {
    client: Client,
    namespace: String,
    _turn: Turn,
}

#[derive(Debug)]
enum Turn {
    Shared {
        _guard: OwnedRwLockReadGuard<()>,
    },
    Alone {
        _guard: OwnedRwLockWriteGuard<()>,
    },
    /// It belongs to a test that has another scene, and so its turn.
    Beside,
}

impl Scene {
    /// Opens a scene beside others.
    ///
    /// # Errors
    ///
    /// When the cluster cannot be reached.
    pub async fn open(topic: &str) -> Result<Self> {
        let _guard = Arc::clone(&OPERATOR).read_owned().await;
        Self::set_up(topic, Turn::Shared { _guard }).await
    }

    /// Opens a scene once every other one is closed, and keeps them closed.
    ///
    /// # Errors
    ///
    /// When the cluster cannot be reached.
    pub async fn open_alone(topic: &str) -> Result<Self> {
        let _guard = Arc::clone(&OPERATOR).write_owned().await;
        Self::set_up(topic, Turn::Alone { _guard }).await
    }

    /// Opens a further scene for the same test.
    ///
    /// # Errors
    ///
    /// When the cluster cannot be reached.
    pub async fn beside(&self, topic: &str) -> Result<Self> {
        Self::set_up(topic, Turn::Beside).await
    }

    /// Returns the client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns the namespace. The label `app` of the scene's Pods and the name of its SidecarSet are the same.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the Pods of the scene.
    #[must_use]
    pub fn pod_api(&self) -> Api<Pod> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Returns all SidecarSets in a version of the API, as they are on the wire.
    #[must_use]
    pub fn raw_sets(&self, version: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("apps.kruise.io", version, "SidecarSet");
        Api::all_with(self.client(), &ApiResource::from_gvk_with_plural(&kind, "sidecarsets"))
    }

    /// Begins a SidecarSet that selects the Pods of the scene.
    #[must_use]
    pub fn sidecar_set(&self) -> SetDraft {
        SetDraft::new(&self.namespace, &self.namespace)
    }

    /// Begins a further one, with a longer name.
    #[must_use]
    pub fn sidecar_set_named(&self, suffix: &str) -> SetDraft {
        SetDraft::new(&format!("{}-{suffix}", self.namespace), &self.namespace)
    }

    /// Creates a SidecarSet, and waits until the operator has seen it and the API server asks about its Pods.
    ///
    /// # Errors
    ///
    /// When it is refused, or never seen.
    pub async fn create(&self, draft: &SetDraft) -> Result<()> {
        self.submit(draft).await?;
        self.until_observed(draft.name()).await
    }

    /// Creates a SidecarSet and returns it as the API server keeps it.
    ///
    /// # Errors
    ///
    /// As the API server answers.
    pub async fn submit(&self, draft: &SetDraft) -> kube::Result<DynamicObject> {
        let mut object = draft.object().clone();
        object["metadata"]["labels"] = json!({SCENE: self.namespace});
        let version = object["apiVersion"].as_str().and_then(|version| version.rsplit('/').next()).unwrap_or_default();
        let api = self.raw_sets(version);
        let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
        api.create(&PostParams::default(), &object).await
    }

    /// Changes a SidecarSet with JSON Patch operations, and waits until the operator has seen that.
    ///
    /// # Errors
    ///
    /// When it is refused, or never seen.
    pub async fn change(&self, set: &str, operations: Value) -> Result<()> {
        self.try_change(set, operations).await?;
        self.until_observed(set).await
    }

    /// Changes a SidecarSet with JSON Patch operations.
    ///
    /// # Errors
    ///
    /// As the API server answers.
    pub async fn try_change(&self, set: &str, operations: Value) -> kube::Result<SidecarSet> {
        let operations = serde_json::from_value(operations).map_err(kube::Error::SerdeError)?;
        self.sets().patch(set, &PatchParams::default(), &Patch::<()>::Json(operations)).await
    }

    /// Changes the image of the first container of the scene's SidecarSet.
    ///
    /// # Errors
    ///
    /// When it is refused, or never seen.
    pub async fn change_image(&self, image: &str) -> Result<()> {
        let operation = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": image}]);
        self.change(&self.namespace, operation).await
    }

    /// Deletes a SidecarSet and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it stays.
    pub async fn delete_set(&self, set: &str) -> Result<()> {
        self.sets().delete(set, &DeleteParams::default()).await?;
        eventually("the set is gone", async || {
            Ok(match self.sets().get_opt(set).await? {
                None => Look::Found(()),
                Some(set) => Look::NotYet(format!("{:?}", set.meta().finalizers)),
            })
        })
        .await
    }

    /// Deletes the namespace with all that is in it, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it stays.
    pub async fn delete_namespace(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        eventually("the namespace is gone", async || {
            Ok(match namespaces.get_opt(&self.namespace).await? {
                None => Look::Found(()),
                Some(namespace) => Look::NotYet(format!("{:?}", namespace.status)),
            })
        })
        .await
    }

    /// Returns a SidecarSet.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn set(&self, set: &str) -> Result<SidecarSet> {
        self.sets().get(set).await.with_context(|| format!("failed to read the set {set}"))
    }

    /// Waits until the status of the scene's SidecarSet is as it should be, and returns it.
    ///
    /// # Errors
    ///
    /// When it does not become so.
    pub async fn until_status(
        &self,
        what: &str,
        is_so: impl Fn(&SidecarSetStatus) -> bool,
    ) -> Result<SidecarSetStatus> {
        eventually(what, async || {
            let status = self.set(&self.namespace).await?.status.unwrap_or_default();
            Ok(if is_so(&status) { Look::Found(status) } else { Look::NotYet(format!("{status:?}")) })
        })
        .await
    }

    /// Begins a Pod that the scene's SidecarSets select.
    #[must_use]
    pub fn pod(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": self.namespace}},
            "spec": pod_spec(),
        })
    }

    /// Creates a Pod and returns it as the API server keeps it.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn create_pod(&self, pod: Value) -> Result<Pod> {
        Ok(self.pod_api().create(&PostParams::default(), &serde_json::from_value(pod)?).await?)
    }

    /// Creates a Deployment whose Pods the scene's SidecarSets select, and waits until all of them are ready.
    ///
    /// # Errors
    ///
    /// When they do not become ready.
    pub async fn deploy(&self, replicas: usize) -> Result<Vec<PodView>> {
        self.deploy_template(replicas, json!({"metadata": {"labels": {"app": self.namespace}}, "spec": pod_spec()}))
            .await
    }

    /// Creates a Deployment with this template, and waits until all of its Pods, and all others of the scene, are ready.
    ///
    /// # Errors
    ///
    /// When they do not become ready.
    pub async fn deploy_template(&self, replicas: usize, template: Value) -> Result<Vec<PodView>> {
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "app"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": self.namespace}},
                "template": template,
            },
        });
        let others = self.pods().await?.len();
        self.deployments().create(&PostParams::default(), &serde_json::from_value(deployment)?).await?;
        self.until_pods("all pods are ready", |pods| {
            pods.len() == others + replicas && pods.iter().all(PodView::is_undisturbed)
        })
        .await
    }

    /// Returns the Deployment that [`Self::deploy`] created.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn deployment(&self) -> Result<Deployment> {
        Ok(self.deployments().get("app").await?)
    }

    /// Returns the Pods in the order of their names, without those that are going away.
    ///
    /// # Errors
    ///
    /// When they cannot be listed.
    pub async fn pods(&self) -> Result<Vec<PodView>> {
        let list = self.pod_api().list(&ListParams::default()).await?;
        let mut pods: Vec<PodView> = list.iter().map(PodView::of).filter(|pod| !pod.is_going_away).collect();
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(pods)
    }

    /// Waits until the Pods are as they should be, and returns them.
    ///
    /// # Errors
    ///
    /// When they do not become so.
    pub async fn until_pods(&self, what: &str, is_so: impl Fn(&[PodView]) -> bool) -> Result<Vec<PodView>> {
        eventually(what, async || {
            let pods = self.pods().await?;
            Ok(if is_so(&pods) { Look::Found(pods) } else { Look::NotYet(format!("{pods:#?}")) })
        })
        .await
    }

    async fn set_up(topic: &str, turn: Turn) -> Result<Self> {
        // There may be another provider in the process by now, and that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::try_default().await.context("failed to find the cluster: is KUBECONFIG set?")?;
        let namespace = json!({"metadata": {"generateName": format!("{topic}-")}});
        let created: Namespace = Api::all(client.clone())
            .create(&PostParams::default(), &serde_json::from_value(namespace)?)
            .await
            .context("failed to create a namespace")?;
        let namespace = created.metadata.name.ok_or_else(|| anyhow!("a namespace without a name"))?;
        let scene = Self { client, namespace, _turn: turn };
        let accounts: Api<ServiceAccount> = Api::namespaced(scene.client(), &scene.namespace);
        eventually("the namespace has its service account", async || {
            Ok(accounts.get_opt("default").await?.map_or_else(|| Look::NotYet("none".to_owned()), Look::Found))
        })
        .await?;
        Ok(scene)
    }

    async fn until_observed(&self, set: &str) -> Result<()> {
        eventually("the operator has seen the set", async || {
            let set = self.set(set).await?;
            let observed = set.status.as_ref().and_then(|status| status.observed_generation);
            let mut conditions = set.status.iter().flat_map(|status| &status.conditions);
            let injecting = conditions.find(|condition| condition.type_ == "Injecting");
            let is_told = injecting.is_some_and(|condition| {
                condition.observed_generation == set.metadata.generation && condition.reason != "NotRegistered"
            });
            let is_seen = is_told && observed.is_some() && observed == set.metadata.generation;
            Ok(if is_seen { Look::Found(()) } else { Look::NotYet(format!("{set:?}")) })
        })
        .await
    }

    fn sets(&self) -> Api<SidecarSet> {
        Api::all(self.client())
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client(), &self.namespace)
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scene").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let namespace = self.namespace.clone();
        // The runtime of the test may be on its way out, so the requests are made by another.
        let cleaner = std::thread::spawn(move || remove(&namespace));
        let outcome = cleaner.join().unwrap_or_else(|_| Err(anyhow!("the cleaner panicked")));
        if let Err(error) = outcome {
            eprintln!("failed to remove the scene {}: {error:#}", self.namespace);
        }
    }
}

/// Returns the answer of the API server to what it refused.
///
/// # Errors
///
/// When it was not refused, or the API server was not even asked.
pub fn refusal<T>(result: kube::Result<T>) -> Result<Status> {
    match result {
        Ok(_) => Err(anyhow!("it was accepted")),
        Err(kube::Error::Api(status)) => Ok(*status),
        Err(other) => Err(other.into()),
    }
}

fn remove(namespace: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::try_default().await?;
        let of_scene = ListParams::default().labels(&format!("{SCENE}={namespace}"));
        let sets: Api<SidecarSet> = Api::all(client.clone());
        let no_sets = sets.delete_collection(&DeleteParams::default(), &of_scene).await;
        match Api::<Namespace>::all(client).delete(namespace, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            answer => drop(answer?),
        }
        no_sets?;
        Ok(())
    })
}
