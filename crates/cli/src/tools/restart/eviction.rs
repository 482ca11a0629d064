//! The eviction of one Pod, which respects PodDisruptionBudgets.

use super::Lost;
use crate::tools::cluster::Cluster;
use crate::tools::dry_run::DryRun;
use crate::tools::failure::Failure;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::PostParams;
use kube::core::Status;
use kube::{Api, Error};
use serde_json::json;
use sidecarset_core::record::PodKey;
use std::time::Duration;

/// How long it is waited after a PodDisruptionBudget did not allow an eviction, where the API server does not say.
const PAUSE: Duration = Duration::from_secs(5);

/// What is known of a Pod before its eviction.
#[derive(Debug)]
pub enum Subject {
    /// It is there.
    There {
        /// What tells it from a later one of its name.
        uid: String,
        /// What creates another one in its place.
        owner: Option<OwnerReference>,
    },
    /// It is gone, or on its way out.
    Gone,
    /// It is not evicted, for this reason.
    Spared(&'static str),
}

/// What came of an eviction.
#[derive(Debug)]
pub enum Answer {
    /// The Pod is on its way out.
    Evicted,
    /// It was gone already, or is another one by now.
    Gone,
    /// A PodDisruptionBudget does not allow it now.
    Blocked {
        /// What the API server said.
        message: String,
        /// After which time it is tried again.
        wait: Duration,
    },
    /// It cannot be evicted.
    Refused(Failure),
    /// Nobody may evict Pods here.
    Forbidden(Failure),
}

/// Looks at a Pod before its eviction.
///
/// # Errors
/// The cluster cannot be asked.
pub async fn examine(cluster: &Cluster, pod: &PodKey, lost: Lost) -> Result<Subject, Failure> {
    let metadata = match pods(cluster, pod).get_metadata(pod.name()).await {
        Ok(pod) => pod.metadata,
        Err(Error::Api(status)) if status.code == 404 => return Ok(Subject::Gone),
        Err(error) => return Err(cluster.told(error)),
    };
    let ObjectMeta { uid: Some(uid), deletion_timestamp: None, owner_references, .. } = metadata else {
        return Ok(Subject::Gone);
    };
    let owner = owner_references.into_iter().flatten().find(|owner| owner.controller == Some(true));
    Ok(match (&owner, lost) {
        (None, Lost::Spared) => Subject::Spared("nothing would create it anew"),
        (Some(owner), Lost::Spared) if owner.kind == "Job" => Subject::Spared("its Job would begin its work anew"),
        (Some(_), Lost::Spared) | (_, Lost::Accepted) => Subject::There { uid, owner },
    })
}

/// Evicts the Pod of this uid.
pub async fn evict(cluster: &Cluster, pod: &PodKey, uid: &str, dry_run: DryRun) -> Result<Answer, Failure> {
    // Not Api::evict, which sends no preconditions that the API server would read.
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod.name(), "namespace": pod.namespace()},
        "deleteOptions": {"preconditions": {"uid": uid}},
    });
    let params = PostParams { dry_run: dry_run == DryRun::Server, ..PostParams::default() };
    let answer = pods(cluster, pod).create_subresource("eviction", pod.name(), &params, &eviction).await;
    Ok(match answer {
        Ok(Status { .. }) => Answer::Evicted,
        Err(Error::Api(status)) => answered(cluster, *status),
        Err(error) => return Err(cluster.told(error)),
    })
}

fn answered(cluster: &Cluster, status: Status) -> Answer {
    match status.code {
        404 | 409 => Answer::Gone,
        429 => {
            let seconds = status.details.as_ref().map(|details| u64::from(details.retry_after_seconds));
            let wait = seconds.filter(|seconds| *seconds > 0).map_or(PAUSE, Duration::from_secs);
            Answer::Blocked { message: because(&status), wait }
        }
        401 | 403 => Answer::Forbidden(cluster.told(Error::Api(status.boxed()))),
        _ => Answer::Refused(Failure::answered(&status)),
    }
}

/// The cause says which budget it is.
fn because(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes).map(|cause| cause.message.as_str());
    let parts = [status.message.as_str()].into_iter().chain(causes).filter(|part| !part.is_empty());
    parts.map(|part| part.trim_end_matches('.')).collect::<Vec<_>>().join(": ")
}

fn pods(cluster: &Cluster, pod: &PodKey) -> Api<Pod> {
    Api::namespaced(cluster.once.clone(), pod.namespace())
}
