//! The Pods that come in the place of those that were evicted.

use crate::tools::cluster::Cluster;
use crate::tools::failure::Failure;
use crate::tools::snapshot::{Snapshot, list};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::Selector;
use kube::{Api, ResourceExt};
use sidecarset_core::annotations::injected;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The Pods that a set selects in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The namespace.
    pub namespace: String,
    /// The set.
    pub set: Arc<str>,
}

/// A Pod, as far as it matters whether it takes the place of another.
#[derive(Debug, Clone)]
pub struct Living {
    /// Its name.
    pub name: String,
    /// What tells it from others of its name.
    pub uid: String,
    /// What has created it.
    pub owner: Option<String>,
    /// Whether it is ready.
    pub is_ready: bool,
    /// The sets that were injected into it.
    pub sets: BTreeSet<String>,
}

impl Place {
    /// Returns the Pods that are there, without those on their way out.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn pods(&self, cluster: &Cluster, snapshot: &Snapshot) -> Result<Vec<Living>, Failure> {
        let selector = snapshot.set(&self.set)?.spec.selector.clone().unwrap_or_default();
        let unreadable = |error| Failure::new(format!("the selector of {} cannot be read: {error}", self.set));
        let params = ListParams::default().labels_from(&Selector::try_from(selector).map_err(unreadable)?);
        let pods: Vec<Pod> = list(cluster, Api::namespaced(cluster.client.clone(), &self.namespace), params).await?;
        Ok(pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).map(Living::of).collect())
    }
}

impl Living {
    fn of(pod: &Pod) -> Self {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let owners = pod.metadata.owner_references.iter().flatten();
        Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            owner: owners.into_iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.clone()),
            is_ready: conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True"),
            sets: injected(pod.annotations()).into_iter().map(str::to_owned).collect(),
        }
    }
}
