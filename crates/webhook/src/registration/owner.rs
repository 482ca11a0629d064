//! The object with which our registration goes away.

use super::Error;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Api, Client, Resource};

/// Returns a reference to a cluster role. Kubernetes deletes what belongs to an object once that object is gone, so what
/// installs the operator needs to remove nothing but its own objects.
///
/// # Errors
/// The role is not there, or may not be read: a registration without it would stay behind.
pub async fn owner(client: &Client, role: &str) -> Result<OwnerReference, Error> {
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let found = roles.get_metadata(role).await;
    let found = found.map_err(|source| Error::Owner { role: role.to_owned(), source })?;
    Ok(found.owner_ref(&()).expect("what the API server shows has a name and a uid"))
}
