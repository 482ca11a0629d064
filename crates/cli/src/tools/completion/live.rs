//! Names that the cluster has, while a person types.

use super::walk::Place;
use crate::tools::cluster::{Cluster, ClusterArguments};
use crate::tools::stored;
use crate::tools::target::set_name;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use sidecarset_api::v1beta1::SidecarSet;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

/// How long a person waits for a candidate.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many names are read at most: more than a person would look through.
const MOST: u32 = 1000;

/// What there is names of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SidecarSets.
    Sets,
    /// Containers of the SidecarSet that is named before, as the beginning of `CONTAINER=IMAGE`.
    Containers,
    /// Pods of the namespace.
    Pods,
    /// Namespaces.
    Namespaces,
}

/// Returns the names; none where the cluster does not tell them at once.
pub fn ask(kind: Kind, place: &Place<'_>) -> BTreeMap<String, String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return BTreeMap::new();
    };
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, names(kind, place)).await });
    // Looking up the name of a host cannot be cancelled: nobody waits for it.
    runtime.shutdown_background();
    let names = asked.ok().and_then(Result::ok).unwrap_or_default();
    names.into_iter().filter(|name| !place.positionals.contains(name)).map(|name| (name, String::new())).collect()
}

async fn names(kind: Kind, place: &Place<'_>) -> anyhow::Result<Vec<String>> {
    let flag = |name: &str| place.flags.get(name).cloned();
    let arguments = ClusterArguments::new(flag("kubeconfig"), flag("context"), flag("namespace"));
    let cluster = arguments.connect().await?;
    match kind {
        Kind::Sets => listed(&Api::<SidecarSet>::all(cluster.client.clone())).await,
        Kind::Namespaces => listed(&Api::<Namespace>::all(cluster.client.clone())).await,
        Kind::Pods => listed(&Api::<Pod>::namespaced(cluster.client.clone(), &cluster.default_namespace)).await,
        Kind::Containers => containers(&cluster, place).await,
    }
}

async fn listed<K>(api: &Api<K>) -> anyhow::Result<Vec<String>>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    K::DynamicType: Default,
    PartialObjectMeta<K>: ResourceExt,
{
    let list = api.list_metadata(&ListParams::default().limit(MOST)).await?;
    Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
}

async fn containers(cluster: &Cluster, place: &Place<'_>) -> anyhow::Result<Vec<String>> {
    let name = set_name(place.positionals.first().map(String::as_str).unwrap_or_default())?;
    let set = stored::read(cluster, &name).await?;
    let lists = ["initContainers", "containers"].map(|list| set["spec"][list].as_array().cloned());
    let names = lists.into_iter().flatten().flatten().filter_map(|it| Some(format!("{}=", it["name"].as_str()?)));
    Ok(names.collect())
}
