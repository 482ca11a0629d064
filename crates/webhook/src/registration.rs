//! What the API server asks us about: our own webhook configurations, written by us.

mod applied;
mod arriving;
mod configuration;
mod drift;
mod narrowing;
mod owner;
mod pending;
mod registrar;

use applied::Applied;
pub use applied::Sight;
pub use arriving::Arriving;
pub(crate) use arriving::of_others;
pub use configuration::{Configurations, Identity, addition, configurations};
pub(crate) use configuration::{added_by, authorities, authorities_of, proof};
pub use drift::Drift;
pub use owner::owner;
pub use registrar::Registrar;
pub(crate) use registrar::{Registered, SETTLE};

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use sidecarset_api::markers::FIELD_MANAGER;
use tracing::warn;

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
    /// The API server does not answer.
    #[error("the API server did not answer in time")]
    Deadline,
    /// It is not known to what they belong.
    #[error("failed to read the cluster role {role}, which the webhook configurations belong to")]
    Owner {
        /// The role.
        role: String,
        /// Why.
        source: kube::Error,
    },
}

impl Error {
    /// Says whether the API server has looked at what it was told, and does not take it: it would not take it a second time.
    #[must_use]
    pub fn is_rejection(&self) -> bool {
        match self {
            Self::Mutating(kube::Error::Api(status)) => !matches!(status.code, 401 | 404 | 409 | 429 | 503),
            Self::Deadline => true,
            Self::Mutating(_) | Self::Validating(_) | Self::Owner { .. } => false,
        }
    }

    /// Says whether it is what the API server was told that it does not take, which it has read. A right that is missing, an error of
    /// the API server's own, or no answer in time may also come of what else happens to it.
    #[must_use]
    pub fn is_judgment(&self) -> bool {
        matches!(self, Self::Mutating(kube::Error::Api(status)) if matches!(status.code, 400 | 413 | 422))
    }

    /// Returns why, in the words of the API server.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Mutating(kube::Error::Api(status)) => status.message.clone(),
            Self::Mutating(source) | Self::Validating(source) | Self::Owner { source, .. } => source.to_string(),
            Self::Deadline => self.to_string(),
        }
    }
}

/// The configurations as we wrote them last.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What they say.
    pub configurations: Configurations,
    /// Which versions of the objects say it.
    pub versions: Versions,
    /// Whether the API server evaluates the conditions on Pods. Where it does not, it asks about every Pod.
    pub is_narrow: bool,
    mutating: Option<Applied<MutatingWebhookConfiguration>>,
    validating: Option<Applied<ValidatingWebhookConfiguration>>,
}

/// The versions of the two objects, as the API server counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// That of the mutating configuration.
    pub mutating: Option<String>,
    /// That of the validating configuration.
    pub validating: Option<String>,
}

/// Writes those of the configurations that differ from what was written before.
///
/// # Errors
/// The API server does not take one of them.
pub async fn apply(client: &Client, wanted: Configurations, before: Option<&Written>) -> Result<Written, Error> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let mut versions = before.map(|before| before.versions.clone()).unwrap_or_default();
    let mut is_narrow = before.is_none_or(|before| before.is_narrow);
    let (mut mutating, mut validating) =
        before.map(|before| (before.mutating.clone(), before.validating.clone())).unwrap_or_default();
    let is_as_before = before.map_or([false; 2], |before| before.configurations.asks_like(&wanted));
    let [is_mutating_as_before, is_validating_as_before] = is_as_before;
    // The validating one comes first: a set that is not checked must not be filled in either.
    if !is_validating_as_before {
        let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
        let written =
            api.patch(NAME, &parameters, &Patch::Apply(&wanted.validating)).await.map_err(Error::Validating)?;
        versions.validating = written.resource_version();
        validating = Some(Applied::new(wanted.validating.clone(), written));
    }
    if !is_mutating_as_before {
        let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
        let written = narrowing::apply(&api, &parameters, &wanted.mutating).await.map_err(Error::Mutating)?;
        let was_narrow = std::mem::replace(&mut is_narrow, narrowing::is_narrow(&written, &wanted.mutating));
        if was_narrow && !is_narrow {
            warn!("the API server does not evaluate match conditions, so it asks about every pod");
        }
        versions.mutating = written.resource_version();
        mutating = Some(Applied::new(wanted.mutating.clone(), written));
    }
    Ok(Written { configurations: wanted, versions, is_narrow, mutating, validating })
}

impl Written {
    /// Returns how what is there differs from what we wrote, as far as what is there has been seen since.
    #[must_use]
    pub fn drift(
        &self,
        mutating: &Sight<MutatingWebhookConfiguration>,
        validating: &Sight<ValidatingWebhookConfiguration>,
    ) -> Drift {
        let mutating = self.mutating.as_ref().map(|applied| applied.drift(mutating, "mutating"));
        let validating = self.validating.as_ref().map(|applied| applied.drift(validating, "validating"));
        mutating.unwrap_or_default().and(validating.unwrap_or_default())
    }
}

/// Asks whether the API server would take a mutating configuration.
///
/// # Errors
/// It would not, or does not say.
pub async fn attempt(client: &Client, wanted: &MutatingWebhookConfiguration, manager: &str) -> Result<(), Error> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let parameters = PatchParams { dry_run: true, ..PatchParams::apply(manager).force() };
    narrowing::apply(&api, &parameters, wanted).await.map(drop).map_err(Error::Mutating)
}

/// Adds to the mutating configuration what belongs to this replica alone.
///
/// # Errors
/// The API server does not take it, or the object is another one by now.
pub async fn add(client: &Client, replica: &str, addition: &MutatingWebhookConfiguration) -> Result<(), Error> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let parameters = PatchParams::apply(&manager(replica)).force();
    api.patch(NAME, &parameters, &Patch::Apply(addition)).await.map(drop).map_err(Error::Mutating)
}

/// Removes what a replica added, if the configuration is still of this version.
///
/// # Errors
/// The API server does not take it.
pub async fn withdraw(client: &Client, replica: &str, version: Option<String>) -> Result<(), Error> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let metadata = ObjectMeta { name: Some(NAME.to_owned()), resource_version: version, ..ObjectMeta::default() };
    let nothing = MutatingWebhookConfiguration { metadata, webhooks: None };
    let parameters = PatchParams::apply(&manager(replica)).force();
    match api.patch(NAME, &parameters, &Patch::Apply(&nothing)).await {
        // It is about to be looked at again.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        written => written.map(drop).map_err(Error::Mutating),
    }
}

/// Returns the name under which a replica adds: the API server notes it for each field, and removes what it no longer adds.
pub(crate) fn manager(replica: &str) -> String {
    format!("{FIELD_MANAGER}-{replica}")
}
