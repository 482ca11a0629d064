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
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{Interner, PodKey, PodRecord};
use sidecarset_core::registration::SYSTEM_NAMESPACE;
use sidecarset_core::revision::Revision;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How many objects there are on a page of a list.
const PAGE: u32 = 500;

/// The namespace in which the operator is installed, where nothing says otherwise.
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
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The node that it is on.
    pub node: Option<String>,
    /// When it was created.
    pub created: Seconds,
    /// The Pod itself, where it was asked for.
    pub object: Option<Value>,
}

/// Which Pods are kept whole: they take tens of kilobytes.
pub type Keeps<'a> = &'a dyn Fn(&SeenPod) -> bool;

impl Snapshot {
    /// Reads everything: the sets, their revisions, the namespaces, and the Pods of all of them: what a Pod waits for depends on
    /// all.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn take(cluster: &Cluster, keeps: Keeps<'_>) -> Result<Self, Failure> {
        let mut snapshot = Self::without_pods(cluster).await?;
        snapshot.read_pods(cluster, keeps).await?;
        Ok(snapshot)
    }

    /// Reads the sets alone.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn sets(cluster: &Cluster) -> Result<Vec<SidecarSet>, Failure> {
        list(cluster, Api::all(cluster.client.clone()), ListParams::default()).await
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
        let mut catalog = Catalog::reserving([SYSTEM_NAMESPACE, operator_namespace(&revisions)]);
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

    /// Reads the Pods of all namespaces, in the place of those that were read before.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn read_pods(&mut self, cluster: &Cluster, keeps: Keeps<'_>) -> Result<(), Failure> {
        let api: Api<Pod> = Api::all(cluster.client.clone());
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

    /// Puts a set in the place of the one of its name, as if it had been written. Read the Pods afterwards.
    pub fn put(&mut self, set: SidecarSet) {
        self.catalog.put_set(&set);
        self.sets.insert(set.name_any(), set);
    }

    /// Returns a Pod as if it were on the cluster.
    pub fn imagine(&self, mut object: Value, namespace: &str) -> SeenPod {
        if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        SeenPod::read(Pod::from(object), &self.catalog, &|_: &SeenPod| true, &mut Interner::default())
    }

    /// Returns the set of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn set(&self, name: &str) -> Result<&SidecarSet, Failure> {
        self.sets.get(name).ok_or_else(|| Failure::not_found(name))
    }

    /// Returns the set of this name, which can be acted on.
    ///
    /// # Errors
    /// There is none, or it cannot be acted on.
    pub fn valid(&self, name: &str) -> Result<&Arc<CanonicalSet>, Failure> {
        self.set(name)?;
        match self.catalog.set(name) {
            Some(Entry::Valid(set)) => Ok(set),
            Some(Entry::Invalid(set)) => {
                Err(Failure::new(format!("SidecarSet {name:?} cannot be acted on: {}", set.violations)))
            }
            None => Err(Failure::new(format!("SidecarSet {name:?} cannot be read"))),
        }
    }

    /// Returns the name of the revision whose definition a Pod carries, where it is remembered.
    pub fn revision_of(&self, pod: &SeenPod, set: &str) -> Option<String> {
        let carried = pod.record.as_ref()?.carried.get(set)?;
        let uid = self.sets.get(set).and_then(|set| set.metadata.uid.as_deref());
        let history = self.catalog.revisions().of(set, uid).oldest_first();
        let carries = |revision: &&&Arc<Revision>| {
            revision.hashes_in_force().is_some_and(|hashes| Some(&*hashes.full) == carried.hash().map(AsRef::as_ref))
        };
        history.iter().rev().find(carries).map(|revision| revision.name.to_string())
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
    /// Says whether a container of it does not run: the kubelet says more of that than is remembered.
    pub fn is_ailing(&self) -> bool {
        let Some(record) = &self.record else { return false };
        let mut statuses = record.containers.iter().filter_map(|container| container.status.as_ref());
        !record.ailing_init.is_empty() || statuses.any(|status| status.ailment.is_some())
    }

    fn read(pod: Pod, catalog: &Catalog, keeps: Keeps<'_>, interner: &mut Interner) -> Self {
        let observed = pod.observed();
        let lacks = if observed.may_lack_sets() { observed.lacks(catalog) } else { Vec::new() };
        let record = PodRecord::read(observed, interner).map(Arc::new);
        let created = observed.metadata.creation_timestamp.as_ref().map_or(Seconds::EPOCH, |time| time.0.into());
        let labels = observed.metadata.labels.clone().unwrap_or_default();
        let node = pod.object["spec"]["nodeName"].as_str().map(str::to_owned);
        let mut seen = Self { key: observed.key(), record, lacks, labels, node, created, object: None };
        seen.object = keeps(&seen).then_some(pod.object);
        seen
    }
}

/// Returns where the operator runs: it keeps the revisions in its own namespace. Where a cluster comes from another operator,
/// those that are older are elsewhere.
fn operator_namespace(revisions: &[ControllerRevision]) -> &str {
    let newest = revisions.iter().max_by_key(|revision| revision.metadata.creation_timestamp.as_ref());
    newest.and_then(|revision| revision.metadata.namespace.as_deref()).unwrap_or(OPERATOR_NAMESPACE)
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
