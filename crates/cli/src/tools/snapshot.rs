//! What there is on a cluster at a moment, read as the operator reads it.

mod pod;

use super::cluster::Cluster;
use super::failure::Failure;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Resource, ResourceExt};
use pod::Pod;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{Interner, PodKey, PodRecord};
use sidecarset_core::registration::SYSTEM_NAMESPACE;
use sidecarset_core::revision::Revision;
use sidecarset_core::rollout;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How many objects there are on a page of a list.
const PAGE: u32 = 500;

/// The namespace in which the operator is installed, where nobody says otherwise.
const OPERATOR_NAMESPACE: &str = "sidecarset-system";

/// What there is on a cluster.
#[derive(Debug)]
pub struct Snapshot {
    /// The sets, their revisions, and the namespaces, ready to be asked.
    pub catalog: Catalog,
    /// The sets as they are written, by name.
    pub sets: BTreeMap<String, SidecarSet>,
    /// The Pods, by namespace and name.
    pub pods: Vec<SeenPod>,
}

/// A Pod.
#[derive(Debug, Clone)]
pub struct SeenPod {
    /// Its namespace and name.
    pub key: PodKey,
    /// What the operator remembers of it; nothing where no set was injected.
    pub record: Option<Arc<PodRecord>>,
    /// The sets that select it and are not in it.
    pub lacks: Vec<Arc<str>>,
    /// The Pod itself, where it was asked for.
    pub object: Option<Value>,
}

/// Which Pods are kept whole: they take tens of kilobytes.
pub type Keeps<'a> = &'a dyn Fn(&SeenPod) -> bool;

impl Snapshot {
    /// Reads everything: the sets, their revisions, the namespaces, and the Pods of one namespace or of all.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn take(cluster: &Cluster, namespace: Option<&str>, keeps: Keeps<'_>) -> Result<Self, Failure> {
        let mut snapshot = Self::without_pods(cluster).await?;
        snapshot.read_pods(cluster, namespace, keeps).await?;
        Ok(snapshot)
    }

    /// Reads everything but the Pods.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn without_pods(cluster: &Cluster) -> Result<Self, Failure> {
        let client = &cluster.client;
        let revision_label = ListParams::default().labels(markers::REVISION_OF);
        let (sets, namespaces, revisions) = futures::try_join!(
            list::<SidecarSet>(cluster, Api::all(client.clone()), ListParams::default()),
            list::<PartialObjectMeta<Namespace>>(cluster, Api::all(client.clone()), ListParams::default()),
            // Of all namespaces: wherever the operator runs, each belongs to a set by its uid.
            list::<ControllerRevision>(cluster, Api::all(client.clone()), revision_label),
        )?;
        let mut catalog = Catalog::reserving([SYSTEM_NAMESPACE, OPERATOR_NAMESPACE]);
        for namespace in namespaces {
            catalog.put_namespace(&namespace.name_any(), namespace.metadata.labels.unwrap_or_default());
        }
        for revision in revisions.iter().filter_map(Revision::read) {
            catalog.put_revision(revision);
        }
        for set in &sets {
            catalog.put_set(set);
        }
        let sets = sets.into_iter().map(|set| (set.name_any(), set)).collect();
        Ok(Self { catalog, sets, pods: Vec::new() })
    }

    /// Reads the Pods of one namespace or of all, in the place of those that were read before.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn read_pods(
        &mut self,
        cluster: &Cluster,
        namespace: Option<&str>,
        keeps: Keeps<'_>,
    ) -> Result<(), Failure> {
        let api: Api<Pod> = match namespace {
            Some(namespace) => Api::namespaced(cluster.client.clone(), namespace),
            None => Api::all(cluster.client.clone()),
        };
        let (mut pods, mut interner) = (Vec::new(), Interner::default());
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let list = api.list(&page).await.map_err(|error| cluster.told(error))?;
            pods.extend(list.items.into_iter().map(|pod| SeenPod::read(pod, &self.catalog, keeps, &mut interner)));
            let Some(rest) = list.metadata.continue_.filter(|rest| !rest.is_empty()) else { break };
            page = page.continue_token(&rest);
        }
        pods.sort_by(|one, other| one.key.cmp(&other.key));
        self.pods = pods;
        Ok(())
    }

    /// Returns the set of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn set(&self, name: &str) -> Result<&SidecarSet, Failure> {
        self.sets.get(name).ok_or_else(|| Failure::Server {
            reason: "NotFound".to_owned(),
            message: format!("sidecarsets.apps.kruise.io {name:?} not found"),
            hint: None,
        })
    }

    /// Returns the Pods that count as a set's.
    pub fn matched(&self, set: &CanonicalSet) -> Vec<&PodRecord> {
        let records = self.pods.iter().filter_map(|pod| pod.record.as_deref());
        let namespace = |pod: &PodRecord| self.catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
        records.filter(|pod| rollout::is_matched(set, pod, namespace(pod))).collect()
    }

    /// Returns the set of this name in its canonical form, if it can be acted on.
    pub fn canonical(&self, name: &str) -> Option<&Arc<CanonicalSet>> {
        match self.catalog.set(name)? {
            Entry::Valid(set) => Some(set),
            Entry::Invalid(_) => None,
        }
    }
}

impl SeenPod {
    fn read(pod: Pod, catalog: &Catalog, keeps: Keeps<'_>, interner: &mut Interner) -> Self {
        let observed = pod.observed();
        let lacks = if observed.may_lack_sets() { observed.lacks(catalog) } else { Vec::new() };
        let record = PodRecord::read(observed, interner).map(Arc::new);
        let mut seen = Self { key: observed.key(), record, lacks, object: None };
        seen.object = keeps(&seen).then_some(pod.object);
        seen
    }
}

/// Reads a list to its end.
///
/// # Errors
/// The cluster cannot be asked.
pub async fn list<K>(cluster: &Cluster, api: Api<K>, params: ListParams) -> Result<Vec<K>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let (mut all, mut page) = (Vec::new(), params.limit(PAGE));
    loop {
        let list = api.list(&page).await.map_err(|error| cluster.told(error))?;
        all.extend(list.items);
        match list.metadata.continue_.filter(|rest| !rest.is_empty()) {
            Some(rest) => page = page.continue_token(&rest),
            None => return Ok(all),
        }
    }
}
