//! What the administrators of the cluster let sets write onto Pods, as far as a person may know.

use crate::tools::cluster::Cluster;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use sidecarset_api::item::Item;
use sidecarset_api::markers::{CONFIGURATION, PATCH_POD_METADATA_WHITELIST};
use sidecarset_core::validation::{Permissions, Whitelist, WithoutRule};

/// Reads the white list; nothing is returned to who may not.
pub async fn read(cluster: &Cluster, namespace: &str) -> Option<Permissions> {
    let api: Api<Item<ConfigMap>> = Api::namespaced(cluster.client.clone(), namespace);
    let configuration = api.get_opt(CONFIGURATION).await.ok()?;
    let data = configuration.and_then(|it| it.object.ok()).and_then(|it| it.data).unwrap_or_default();
    let whitelist = Whitelist::read(data.get(PATCH_POD_METADATA_WHITELIST).map(String::as_str));
    // Only the operator knows what its flags say of annotations without a rule: it asks where a definition comes into force.
    Some(Permissions::new(whitelist, WithoutRule::Allow))
}
