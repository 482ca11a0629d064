//! The SidecarSets of the files, with what they need: their revisions and the namespaces.

use crate::tools::failure::Failure;
use crate::tools::manifest::Manifest;
use crate::tools::workload::Workload;
use anstream::eprintln;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde::Deserialize;
use serde_json::Value;
use sidecarset_api::markers::NAMESPACE_NAME;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_api::{GROUP, KIND};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry, NamespaceLabels};
use sidecarset_core::injection::{self, Injection, Rejection};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::registration::SYSTEM_NAMESPACE;
use sidecarset_core::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The SidecarSets of the files.
#[derive(Debug)]
pub struct Sets {
    catalog: Catalog,
    /// The namespaces of which the files say what their labels are.
    described: BTreeSet<String>,
}

impl Sets {
    /// Reads the sets among the objects, and what they need.
    ///
    /// # Errors
    /// There is no set, or one cannot be read.
    pub fn gather(manifests: &[Manifest], default_namespace: &str) -> anyhow::Result<Self> {
        let mut catalog = Catalog::reserving([SYSTEM_NAMESPACE]);
        for (name, labels) in namespaces(manifests, default_namespace) {
            catalog.put_namespace(&name, labels);
        }
        for manifest in manifests.iter().filter(|manifest| is_revision(&manifest.object)) {
            if let Some(revision) =
                ControllerRevision::deserialize(&manifest.object).ok().as_ref().and_then(Revision::read)
            {
                catalog.put_revision(revision);
            }
        }
        for manifest in manifests.iter().filter(|manifest| is_set(&manifest.object)) {
            catalog.put_set(&read(manifest)?);
        }
        if catalog.sets().next().is_none() {
            return Err(Failure::new("there is no SidecarSet in the files")
                .hinting(
                    "name the file of one by another -f, or `kubectl get sidecarsets -o yaml` for all of a cluster",
                )
                .into());
        }
        let objects = manifests.iter().map(|manifest| &manifest.object).filter(|object| is_namespace(object));
        let described = objects.filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect();
        Ok(Self { catalog, described })
    }

    /// Returns the sets that select by labels which nobody told of the namespace of a workload.
    pub fn in_the_dark(&self, workload: &Workload<'_>) -> Vec<&str> {
        if self.described.contains(&workload.namespace) {
            return Vec::new();
        }
        let asks = |entry: &Entry| match entry {
            Entry::Valid(set) => set.namespaces.need_labels(),
            Entry::Invalid(_) => false,
        };
        self.catalog.sets().filter(|(_, entry)| asks(entry)).map(|(name, _)| &**name).collect()
    }

    /// Decides what the Pods of a workload get, as the operator does.
    pub fn decide(&self, workload: &Workload<'_>, draw: f64, now: Timestamp) -> Result<Injection, Rejection> {
        if injection::is_mirror_pod(&workload.pod) {
            return Ok(Injection::default());
        }
        let labels = self.catalog.namespace(&workload.namespace).map(AsRef::as_ref);
        let selection = self.catalog.select(&labels_of(&workload.pod), labels);
        injection::decide(&workload.pod, &selection, |_| draw, Seconds::from(now))
    }

    /// Says why the Pods of a workload get nothing.
    pub fn why_not(&self, workload: &Workload<'_>) -> String {
        let labels = self.catalog.namespace(&workload.namespace).map(AsRef::as_ref);
        let selection = self.catalog.select(&labels_of(&workload.pod), labels);
        let os = injection::os_of(&workload.pod);
        let (selecting, others): (Vec<_>, Vec<_>) =
            selection.sets.iter().partition(|set| set.operating_systems.include(os));
        let names = |sets: &[&Arc<CanonicalSet>]| sets.iter().map(|set| &*set.name).collect::<Vec<_>>().join(", ");
        if injection::is_mirror_pod(&workload.pod) {
            return "nothing is injected into a Pod that mirrors a file of a kubelet".to_owned();
        }
        if !selecting.is_empty() {
            return format!("the sidecars of {} are there already", names(&selecting));
        }
        if !others.is_empty() {
            return format!("it is for {os}, and {} for another operating system", names(&others));
        }
        let all: Vec<&str> = self.catalog.sets().map(|(name, _)| &**name).collect();
        let labels = labels_of(&workload.pod);
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(",") };
        let (all, namespace) = (all.join(", "), &workload.namespace);
        format!(
            "no SidecarSet of the files ({all}) selects its Pods: their labels are {labels}, their namespace is {namespace}"
        )
    }
}

/// Says whether an object is read for what it says of others.
pub fn is_read(object: &Value) -> bool {
    is_set(object) || is_namespace(object) || is_revision(object)
}

/// Says whether an object is a SidecarSet, of whatever version.
pub fn is_set(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group);
    object["kind"] == KIND && group == Some(GROUP)
}

fn is_namespace(object: &Value) -> bool {
    object["kind"] == "Namespace" && object["apiVersion"] == "v1"
}

fn is_revision(object: &Value) -> bool {
    object["kind"] == "ControllerRevision" && object["apiVersion"] == "apps/v1"
}

/// Reads a set as it would be stored.
///
/// # Errors
/// A member is of a wrong type.
pub fn read(manifest: &Manifest) -> Result<SidecarSet, Failure> {
    let mut set = SidecarSet::deserialize(&manifest.object).map_err(|error| {
        let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default();
        Failure::new(format!("{}: SidecarSet {name:?} cannot be read: {error}", manifest.file))
            .hinting("`sidecarset validate -f FILE` says where")
    })?;
    for warning in manifest.unify(&mut set) {
        eprintln!("Warning: {}: {warning}", manifest.object["metadata"]["name"].as_str().unwrap_or_default());
    }
    Ok(set)
}

/// Returns the namespaces of all objects. Of one that is not in the files only the name is known.
fn namespaces(manifests: &[Manifest], default_namespace: &str) -> BTreeMap<String, NamespaceLabels> {
    let mut known = BTreeMap::new();
    let named = |object: &Value| object["metadata"]["namespace"].as_str().map(str::to_owned);
    let names = manifests.iter().filter_map(|manifest| named(&manifest.object));
    for name in names.chain([default_namespace.to_owned()]) {
        known.insert(name, NamespaceLabels::new());
    }
    for object in manifests.iter().map(|manifest| &manifest.object).filter(|object| is_namespace(object)) {
        known.insert(object["metadata"]["name"].as_str().unwrap_or_default().to_owned(), labels_of(object));
    }
    for (name, labels) in &mut known {
        labels.insert(NAMESPACE_NAME.to_owned(), name.clone());
    }
    known
}

fn labels_of(object: &Value) -> BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object();
    let pairs = labels.into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
