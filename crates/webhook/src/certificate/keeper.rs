//! The Secret that holds the certificate, shared by all replicas.

use super::decision::{self, check_given};
use super::overlap::Overlap;
use super::{Decision, Error, Fault, Lifetimes, Material, Names, decide, issue, reissue};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use parking_lot::Mutex;
use std::fmt::{self, Debug};
use std::sync::Arc;
use tracing::info;

/// The name of the Secret.
pub const SECRET: &str = "sidecarset-webhook-certificate";

/// Replicas that start together get in each other's way once; more often than this, something is wrong.
pub(super) const ATTEMPTS: usize = 5;

/// Keeps the Secret good.
#[derive(Clone)]
pub struct Keeper {
    secrets: Api<Secret>,
    namespace: String,
    names: Names,
    lifetimes: Lifetimes,
    seen: Arc<Mutex<Overlap>>,
}

/// What became of an attempt to write the Secret.
enum Written {
    Done,
    SomebodyWasFaster,
}

impl Keeper {
    /// Keeps the Secret of this namespace, with a certificate for these names.
    #[must_use]
    pub fn new(client: Client, namespace: &str, names: Names, lifetimes: Lifetimes) -> Self {
        Self {
            secrets: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            names,
            lifetimes,
            seen: Arc::default(),
        }
    }

    /// Returns what the Secret holds, after having renewed it where that is due. Whoever of several replicas comes
    /// first writes it, the others take what they find. Where its authorities are others than before, as after somebody has
    /// deleted it, those before stay trusted beside them for ten minutes.
    ///
    /// # Errors
    /// The Secret can neither be used nor be made usable.
    pub async fn ensure(&self, now: Timestamp) -> Result<Material, Error> {
        let material = self.ensure_secret(now).await?;
        let authorities = self.seen.lock().see(material.authorities(), now);
        Ok(Material { authorities, ..material })
    }

    /// Returns when [`Self::ensure`] will have to renew something.
    pub(super) fn renewal(&self, material: &Material) -> Option<Timestamp> {
        decision::renewal(material, self.lifetimes)
    }

    async fn ensure_secret(&self, now: Timestamp) -> Result<Material, Error> {
        for _ in 0..ATTEMPTS {
            let secret = self.read().await?;
            let found = secret.as_ref().and_then(Material::from_secret);
            let (fault, renewed) = match (decide(found.as_ref(), &self.names, self.lifetimes, now), found) {
                (Decision::Keep, Some(found)) => return Ok(found),
                (Decision::Reissue(fault), Some(found)) => (fault, reissue(&found, &self.names, self.lifetimes, now)?),
                (Decision::Replace(fault), found) => {
                    let older = found.as_ref().map(Material::authorities);
                    (fault, issue(&self.names, older, self.lifetimes, now)?)
                }
                (Decision::Keep | Decision::Reissue(_), None) => {
                    (Fault::Missing, issue(&self.names, None, self.lifetimes, now)?)
                }
            };
            match self.write(secret, &renewed).await? {
                Written::Done => {
                    info!(namespace = %self.namespace, secret = SECRET, ?fault, "renewed the certificate");
                    return Ok(renewed);
                }
                Written::SomebodyWasFaster => {}
            }
        }
        Err(Error::Contended { namespace: self.namespace.clone() })
    }

    /// Returns what the Secret holds, as it is.
    ///
    /// # Errors
    /// It cannot be read, or what it holds cannot be served.
    pub async fn look(&self, now: Timestamp) -> Result<Material, Error> {
        let unusable = |fault| Error::Given { secret: format!("{}/{SECRET}", self.namespace), fault };
        let found = self.read().await?.as_ref().and_then(Material::from_secret).ok_or(unusable(Fault::Missing))?;
        check_given(&found, &self.names, now).map_err(unusable)?;
        Ok(found)
    }

    async fn read(&self) -> Result<Option<Secret>, Error> {
        let read = self.secrets.get_opt(SECRET).await;
        read.map_err(|source| Error::Read { namespace: self.namespace.clone(), source })
    }

    async fn write(&self, present: Option<Secret>, material: &Material) -> Result<Written, Error> {
        let is_new = present.is_none();
        let mut secret = present.unwrap_or_else(|| self.blank());
        secret.data.get_or_insert_default().append(&mut material.to_data());
        let parameters = PostParams::default();
        let written = if is_new {
            self.secrets.create(&parameters, &secret).await
        } else {
            // It carries the resourceVersion that was read: a change in between makes this a conflict.
            self.secrets.replace(SECRET, &parameters, &secret).await
        };
        match written {
            Ok(_) => Ok(Written::Done),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Written::SomebodyWasFaster),
            Err(kube::Error::Api(status)) if status.code == 404 && is_new => {
                Err(Error::NamespaceMissing { namespace: self.namespace.clone() })
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Written::SomebodyWasFaster),
            Err(source) => Err(Error::Write { namespace: self.namespace.clone(), source }),
        }
    }

    fn blank(&self) -> Secret {
        Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        }
    }
}

impl Debug for Keeper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keeper")
            .field("namespace", &self.namespace)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
