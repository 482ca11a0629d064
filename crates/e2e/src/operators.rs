//! The operator's own Pods, of which one leads.

use crate::wait::{Look, eventually};
use anyhow::{Context, Result};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const NAMESPACE: &str = "sidecarset-system";
const NAME: &str = "sidecarset-operator";
/// The port of the health checks.
const HEALTH: u16 = 8081;

/// The operator's own Pods, of which one leads.
#[derive(Clone)]
pub struct Operators {
    deployments: Api<Deployment>,
    pods: Api<Pod>,
    leases: Api<Lease>,
    secrets: Api<Secret>,
    configurations: Api<MutatingWebhookConfiguration>,
    // The addresses of those that were deleted.
    deleted: Arc<Mutex<Vec<String>>>,
}

impl Operators {
    /// Returns those of a cluster; nothing where the operator does not run in it.
    ///
    /// # Errors
    ///
    /// When the cluster cannot be asked.
    pub async fn find(client: &Client) -> Result<Option<Self>> {
        let operators = Self {
            deployments: Api::namespaced(client.clone(), NAMESPACE),
            pods: Api::namespaced(client.clone(), NAMESPACE),
            leases: Api::namespaced(client.clone(), NAMESPACE),
            secrets: Api::namespaced(client.clone(), NAMESPACE),
            configurations: Api::all(client.clone()),
            deleted: Arc::default(),
        };
        Ok(operators.deployments.get_opt(NAME).await?.map(|_| operators))
    }

    /// Returns the Pod that leads.
    ///
    /// # Errors
    ///
    /// When none does for long.
    pub async fn leader(&self) -> Result<String> {
        eventually("one of the operators leads", async || {
            let holder = self.holder().await?;
            let pod = holder.split_once('_').map(|(pod, _)| pod.to_owned());
            Ok(pod.map_or_else(|| Look::NotYet(holder), Look::Found))
        })
        .await
    }

    /// Waits until another Pod leads than this one.
    ///
    /// # Errors
    ///
    /// When none does for long.
    pub async fn until_another_leads(&self, before: &str) -> Result<String> {
        eventually("another operator leads", async || {
            let leader = self.leader().await?;
            Ok(if leader == before { Look::NotYet(leader) } else { Look::Found(leader) })
        })
        .await
    }

    /// Returns who holds the Lease, as it is written there.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn holder(&self) -> Result<String> {
        let lease = self.leases.get(NAME).await.context("failed to read the lease")?;
        Ok(lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default())
    }

    /// Writes somebody else into the Lease.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn take_lease(&self, holder: &str) -> Result<()> {
        let patch = json!({"spec": {"holderIdentity": holder}});
        self.leases.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Ends a Pod, with so many seconds to do that in good order.
    ///
    /// # Errors
    ///
    /// When it cannot be deleted.
    pub async fn delete(&self, pod: &str, grace: u32) -> Result<()> {
        let deleted = self.pods.get(pod).await?;
        self.pods.delete(pod, &DeleteParams::default().grace_period(grace)).await?;
        let address = deleted.status.and_then(|status| status.pod_ip);
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).extend(address);
        Ok(())
    }

    /// Ends all Pods without a word, and returns how many these were.
    ///
    /// # Errors
    ///
    /// When they cannot be deleted.
    pub async fn kill_all(&self) -> Result<usize> {
        let pods = self.pods().await?;
        for pod in &pods {
            self.delete(&pod.name_any(), 0).await?;
        }
        Ok(pods.len())
    }

    /// Returns the Pods.
    async fn pods(&self) -> Result<Vec<Pod>> {
        let labels = format!("app.kubernetes.io/name={NAME}");
        Ok(self.pods.list(&ListParams::default().labels(&labels)).await?.items)
    }

    /// Says whether one that was deleted answers: the kubelet may take its time to end what is no longer there for anybody
    /// else, and so long the API server may call it over a connection from before.
    async fn one_answers_still(&self) -> bool {
        let deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for address in deleted {
            let connect = TcpStream::connect((address.as_str(), HEALTH));
            if timeout(Duration::from_secs(1), connect).await.is_ok_and(|connected| connected.is_ok()) {
                return true;
            }
        }
        false
    }

    /// Has every Pod replaced, one after the other.
    ///
    /// # Errors
    ///
    /// When that cannot be asked for.
    pub async fn restart(&self, mark: &str) -> Result<()> {
        let template = json!({"metadata": {"annotations": {"e2e.sidecarset.dev/restart": mark}}});
        let patch = json!({"spec": {"template": template}});
        self.deployments.patch(NAME, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }

    /// Runs them with more arguments, and returns those that they had.
    ///
    /// # Errors
    ///
    /// When that cannot be asked for.
    pub async fn add_arguments(&self, more: &[&str]) -> Result<Vec<String>> {
        let deployment = self.deployments.get(NAME).await?;
        let template = deployment.spec.and_then(|spec| spec.template.spec).context("a deployment has a template")?;
        let before = template.containers.into_iter().next().and_then(|it| it.args).unwrap_or_default();
        let all: Vec<String> = before.iter().cloned().chain(more.iter().map(|&it| it.to_owned())).collect();
        self.set_arguments(&all).await?;
        Ok(before)
    }

    /// Runs them with these arguments.
    ///
    /// # Errors
    ///
    /// When that cannot be asked for.
    pub async fn set_arguments(&self, all: &[String]) -> Result<()> {
        let operation = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": all}]);
        let patch = Patch::<()>::Json(serde_json::from_value(operation)?);
        self.deployments.patch(NAME, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Deletes the certificate.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn delete_certificate(&self) -> Result<()> {
        self.secrets.delete("sidecarset-webhook-certificate", &DeleteParams::default()).await?;
        Ok(())
    }

    /// Returns the authorities that the API server trusts.
    ///
    /// # Errors
    ///
    /// When the webhooks are not registered.
    pub async fn authorities(&self) -> Result<Vec<u8>> {
        let webhooks = self.configurations.get("sidecarset").await?.webhooks.unwrap_or_default();
        let first = webhooks.into_iter().next().context("nothing is registered")?;
        Ok(first.client_config.ca_bundle.map(|bundle| bundle.0).unwrap_or_default())
    }

    /// Waits until every Pod is of the newest definition and ready, none is on its way out, and none that was deleted answers.
    ///
    /// # Errors
    ///
    /// When they do not become so.
    pub async fn until_all_are_ready(&self) -> Result<()> {
        eventually("all operators are ready", async || {
            let deployment = self.deployments.get(NAME).await?;
            let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
            let generation = deployment.metadata.generation;
            let status = deployment.status.unwrap_or_default();
            let is_current = status.observed_generation == generation;
            let counts = [status.replicas, status.updated_replicas, status.ready_replicas];
            let leaving = self.pods().await?.iter().any(is_leaving) || self.one_answers_still().await;
            let is_so = is_current && counts.iter().all(|count| *count == wanted) && !leaving;
            Ok(if is_so { Look::Found(()) } else { Look::NotYet(format!("{status:?}")) })
        })
        .await
    }
}

fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

impl std::fmt::Debug for Operators {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Operators").finish_non_exhaustive()
    }
}
