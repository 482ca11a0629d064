//! What the API server asks us about: our own webhook configurations, written by us.

mod configuration;

pub use configuration::{Configurations, configurations};

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use sidecarset_api::markers::FIELD_MANAGER;

/// The name of both configurations.
pub const NAME: &str = "sidecarset";

/// Why we are not registered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first configuration cannot be written.
    #[error("failed to apply the mutating webhook configuration {NAME}")]
    Mutating(#[source] kube::Error),
    /// The second configuration cannot be written.
    #[error("failed to apply the validating webhook configuration {NAME}")]
    Validating(#[source] kube::Error),
}

/// Writes the configurations. Where they are there already, as they should be, nothing changes.
///
/// # Errors
/// The API server does not take one of them.
pub async fn apply(client: &Client, configurations: &Configurations) -> Result<(), Error> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    // The validating one comes first: a set that is not checked must not be filled in either.
    Api::<ValidatingWebhookConfiguration>::all(client.clone())
        .patch(NAME, &parameters, &Patch::Apply(&configurations.validating))
        .await
        .map_err(Error::Validating)?;
    Api::<MutatingWebhookConfiguration>::all(client.clone())
        .patch(NAME, &parameters, &Patch::Apply(&configurations.mutating))
        .await
        .map_err(Error::Mutating)?;
    Ok(())
}
