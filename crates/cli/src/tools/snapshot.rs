//! What there is on a cluster at a moment, read as the operator reads it.

mod permissions;
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
use sidecarset_api::item::Item;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection;
use sidecarset_core::normalize::{CanonicalSet, salvage};
use sidecarset_core::record::{Interner, OwnContainers, PodKey, PodRecord};
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
    /// Its own containers, those that were not injected.
    pub own: Arc<OwnContainers>,
    /// Whether it is neither ended nor on its way out.
    pub is_active: bool,
    /// Why it would be rejected if it were created anew, where it would be, and was asked for.
    pub rejection: Option<String>,
    /// The Pod itself, where it was asked for.
    pub object: Option<Value>,
}

/// What is kept of a Pod beside what the operator remembers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// Whether it would be rejected if it were created anew.
    Fate,
    /// That, and the Pod itself: it takes tens of kilobytes.
    Whole,
}

/// Says what is kept of a Pod.
pub type Keeps<'a> = &'a dyn Fn(&SeenPod) -> Keep;

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
        let sets: Vec<Item<SidecarSet>> =
            list(cluster, Api::all(cluster.client.clone()), ListParams::default()).await?;
        Ok(sets.into_iter().map(readable).collect())
    }

    /// Reads everything but the Pods.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn without_pods(cluster: &Cluster) -> Result<Self, Failure> {
        let client = &cluster.client;
        let revision_label = ListParams::default().labels(markers::REVISION_OF);
        let (sets, namespaces, revisions) = futures::try_join!(
            list::<Item<SidecarSet>>(cluster, Api::all(client.clone()), ListParams::default()),
            list::<Item<PartialObjectMeta<Namespace>>>(cluster, Api::all(client.clone()), ListParams::default()),
            // Of all namespaces: wherever the operator runs, each belongs to a set by its uid.
            list::<Item<ControllerRevision>>(cluster, Api::all(client.clone()), revision_label),
        )?;
        let revisions: Vec<ControllerRevision> = revisions.into_iter().filter_map(|it| it.object.ok()).collect();
        let mut catalog = Catalog::reserving([SYSTEM_NAMESPACE]).without_operator(operator_namespace(&revisions));
        for namespace in namespaces {
            catalog.put_namespace(&namespace.name_any(), namespace.labels().clone());
        }
        for revision in revisions.iter().filter_map(Revision::read) {
            catalog.put_revision(revision);
        }
        let mut known = BTreeMap::new();
        for set in sets {
            let (set, violations) = salvage(set);
            match violations {
                None => catalog.put_set(&set),
                Some(violations) => catalog.put_unreadable_set(&set, violations),
            };
            known.insert(set.name_any(), set);
        }
        if let Some(permissions) = permissions::read(cluster, operator_namespace(&revisions)).await {
            catalog.permit(permissions);
        }
        Ok(Self { catalog, sets: known, pods: Vec::new() })
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

    /// Returns a Pod as it would be created: without what the API server resets then, and without what its annotations say of
    /// sets, for it may be the manifest of another Pod.
    pub fn imagine(&self, mut object: Value, namespace: &str) -> SeenPod {
        if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), namespace.into());
            metadata.remove("deletionTimestamp");
        }
        if let Some(pod) = object.as_object_mut() {
            pod.remove("status");
        }
        let pod = SeenPod::read(Pod::from(object), &self.catalog, &|_: &SeenPod| Keep::Whole, &mut Interner::default());
        SeenPod { record: None, ..pod }
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
    /// Keeps Pods of which a container does not run.
    pub fn keeps_if_ailing(&self) -> Keep {
        if self.is_ailing() { Keep::Whole } else { Keep::Nothing }
    }

    /// Says whether a container of it does not run: the kubelet says more of that than is remembered.
    pub fn is_ailing(&self) -> bool {
        let Some(record) = &self.record else { return false };
        let mut statuses = record.containers.iter().filter_map(|container| container.status.as_ref());
        !record.ailing_init.is_empty() || statuses.any(|status| status.ailment.is_some())
    }

    fn read(pod: Pod, catalog: &Catalog, keeps: Keeps<'_>, interner: &mut Interner) -> Self {
        let observed = pod.observed();
        let is_active = observed.may_lack_sets();
        let lacks = if is_active { observed.lacks(catalog) } else { Vec::new() };
        let record = PodRecord::read(observed, interner).map(Arc::new);
        let created = observed.metadata.creation_timestamp.as_ref().map_or(Seconds::EPOCH, |time| time.0.into());
        let labels = observed.metadata.labels.clone().unwrap_or_default();
        let node = pod.object["spec"]["nodeName"].as_str().map(str::to_owned);
        let own = interner.own(OwnContainers::of(observed.spec));
        let key = observed.key();
        let mut seen =
            Self { key, record, lacks, labels, node, created, own, is_active, rejection: None, object: None };
        let keep = keeps(&seen);
        if keep != Keep::Nothing && is_active {
            seen.rejection = seen.rejection_of(&pod.object, catalog);
        }
        seen.object = (keep == Keep::Whole).then_some(pod.object);
        seen
    }

    /// Says why a Pod like this one would be rejected if it were created now.
    fn rejection_of(&self, object: &Value, catalog: &Catalog) -> Option<String> {
        let selection = catalog.select(&self.labels, catalog.namespace(self.key.namespace()).map(AsRef::as_ref));
        let mut new = object.clone();
        new.as_object_mut().map(|members| members.remove("status"));
        injection::decide(&new, &selection, |_| 0.0, self.created).err().map(|rejection| rejection.to_string())
    }
}

/// Returns what can be read of a set.
pub fn readable(set: Item<SidecarSet>) -> SidecarSet {
    salvage(set).0
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
