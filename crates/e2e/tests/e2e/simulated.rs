//! Operators that the tests start and kill themselves, beside a cluster of simulated nodes: `scripts/test-simulated.sh` makes
//! one for them.

mod exact;
mod hostile;
mod relabeling;
mod silence;
mod storm;
mod succession;
mod thousands;

use anyhow::{Context, Result};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams};
use serde::de::DeserializeOwned;
use sidecarset_e2e::{Beside, Place, PodView, Scene, balance};
use std::fmt::Debug;
use std::path::PathBuf;

/// Opens a scene in a cluster in which no operator has ever been, as far as the next one can see: one that was killed leads
/// until its Lease ends, and is asked until another one registers.
async fn alone(topic: &str) -> Result<Scene> {
    let scene = Scene::open_alone(topic).await?;
    let client = scene.client();
    let leases: Api<Lease> = Api::namespaced(client.clone(), "sidecarset-system");
    forget(&leases, "sidecarset-operator").await?;
    forget(&Api::<MutatingWebhookConfiguration>::all(client.clone()), "sidecarset").await?;
    forget(&Api::<ValidatingWebhookConfiguration>::all(client), "sidecarset").await?;
    Ok(scene)
}

async fn forget<K: Clone + Debug + DeserializeOwned>(api: &Api<K>, name: &str) -> Result<()> {
    match api.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        answer => answer.map(drop).context("failed to forget an operator"),
    }
}

/// Starts two operators, of which one leads. The API server asks whichever of them answers.
async fn two() -> Result<([Place; 2], [Beside; 2])> {
    let mut places = [Place::find("one", kubeconfig()?).await?, Place::find("two", kubeconfig()?).await?];
    let service = balance(places.iter().map(|place| place.webhook).collect()).await?;
    places.iter_mut().for_each(|place| place.asked_at = Some(service));
    let operators = [places[0].start_ready().await?, places[1].start_ready().await?];
    Ok((places, operators))
}

/// Returns the kubeconfig of the cluster, for operators that reach it without a detour.
fn kubeconfig() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("KUBECONFIG").context("$KUBECONFIG does not say which cluster it is")?))
}

/// Returns the folder for what operators need and leave.
fn folder() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("BESIDE").context("$BESIDE does not say where operators write their logs")?))
}

/// Says whether all Pods serve with this image.
fn upgraded(pods: &[PodView], image: &str) -> bool {
    pods.iter().all(|pod| pod.is_undisturbed() && pod.runs("sidecar", image))
}
