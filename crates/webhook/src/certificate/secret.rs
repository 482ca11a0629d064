//! The operator's own Secret, shared by all replicas: the certificate, unless somebody else makes it, and the proofs.

use super::decision::{self, check_given};
use super::held::Held;
use super::overlap::Overlap;
use super::{Decision, Error, Fault, Lifetimes, Material, Names, decide, issue, reissue};
use crate::proof::Terms;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use sidecarset_api::markers::FIELD_MANAGER;
use std::fmt::{self, Debug};
use std::sync::Arc;
use tracing::info;

/// The name of the Secret.
pub const SECRET: &str = "sidecarset-webhook-certificate";

/// Replicas that start together get in each other's way once; more often than this, something is wrong.
pub(super) const ATTEMPTS: usize = 5;

/// Keeps the Secret good.
#[derive(Clone)]
pub struct CertificateSecret {
    secrets: Api<Secret>,
    namespace: String,
    // Nothing where the certificate is somebody else's.
    certificate: Option<(Names, Lifetimes)>,
    terms: Terms,
    seen: Arc<Mutex<Overlap>>,
}

/// What became of an attempt to write the Secret.
enum Written {
    Done,
    SomebodyWasFaster,
}

impl CertificateSecret {
    /// Keeps the Secret of this namespace, with a certificate for these names and with proofs.
    #[must_use]
    pub fn new(client: Client, namespace: &str, certificate: (Names, Lifetimes), terms: Terms) -> Self {
        Self::of(client, namespace, Some(certificate), terms)
    }

    /// Keeps the Secret of this namespace, with proofs alone: the certificate is somebody else's.
    #[must_use]
    pub fn of_proofs(client: Client, namespace: &str, terms: Terms) -> Self {
        Self::of(client, namespace, None, terms)
    }

    fn of(client: Client, namespace: &str, certificate: Option<(Names, Lifetimes)>, terms: Terms) -> Self {
        let secrets = Api::namespaced(client, namespace);
        Self { secrets, namespace: namespace.to_owned(), certificate, terms, seen: Arc::default() }
    }

    /// Returns what the Secret holds, after having renewed what is due. Whoever of several replicas comes
    /// first writes it, the others take what they find. Where its authorities are others than before, as after somebody has
    /// deleted it, those before stay trusted beside them for ten minutes.
    ///
    /// # Errors
    /// The Secret can neither be used nor be made usable.
    pub async fn ensure(&self, now: Timestamp) -> Result<Held, Error> {
        let mut held = self.ensure_secret(now).await?;
        if let Some(material) = &mut held.material {
            material.authorities = self.seen.lock().see(material.authorities(), now);
        }
        Ok(held)
    }

    /// Returns when [`Self::ensure`] will have to renew something, or those who are told of it something else.
    pub(super) fn next(&self, held: &Held, now: Timestamp) -> Option<Timestamp> {
        let lifetimes = self.certificate.as_ref().map(|(_, lifetimes)| *lifetimes);
        let renewal =
            held.material.as_ref().zip(lifetimes).and_then(|(it, lifetimes)| decision::renewal(it, lifetimes));
        renewal.into_iter().chain(held.proofs.next(self.terms, now)).min()
    }

    /// Returns for how long proofs are used.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }

    async fn ensure_secret(&self, now: Timestamp) -> Result<Held, Error> {
        for _ in 0..ATTEMPTS {
            let secret = self.read().await?;
            let found = self.held(secret.as_ref());
            let certificate = self.renewed_certificate(found.material.as_ref(), now)?;
            let proofs = found.proofs.renewed(self.terms, now).map_err(rustls::Error::from).map_err(Error::Proof)?;
            if certificate.is_none() && proofs.is_none() {
                return Ok(found);
            }
            let (fault, has_new_proofs) = (certificate.as_ref().map(|(_, fault)| *fault), proofs.is_some());
            let renewed = Held {
                material: certificate.map(|(material, _)| material).or(found.material),
                proofs: proofs.unwrap_or(found.proofs),
            };
            match self.write(secret, &renewed).await? {
                Written::Done => {
                    self.tell(fault, has_new_proofs);
                    return Ok(renewed);
                }
                Written::SomebodyWasFaster => {}
            }
        }
        Err(Error::Contended { namespace: self.namespace.clone() })
    }

    fn tell(&self, fault: Option<Fault>, has_new_proofs: bool) {
        let namespace = &self.namespace;
        if let Some(fault) = fault {
            info!(%namespace, secret = SECRET, ?fault, "renewed the certificate");
        }
        if has_new_proofs {
            info!(%namespace, secret = SECRET, "renewed the proofs of API servers");
        }
    }

    /// Returns a new certificate, where the one that there is has to be replaced.
    fn renewed_certificate(
        &self,
        found: Option<&Material>,
        now: Timestamp,
    ) -> Result<Option<(Material, Fault)>, rcgen::Error> {
        let Some((names, lifetimes)) = &self.certificate else { return Ok(None) };
        let renewed = match (decide(found, names, *lifetimes, now), found) {
            (Decision::Keep, Some(_)) => return Ok(None),
            (Decision::Reissue(fault), Some(found)) => (reissue(found, names, *lifetimes, now)?, fault),
            (Decision::Replace(fault), found) => {
                (issue(names, found.map(Material::authorities), *lifetimes, now)?, fault)
            }
            (Decision::Keep | Decision::Reissue(_), None) => (issue(names, None, *lifetimes, now)?, Fault::Missing),
        };
        Ok(Some(renewed))
    }

    /// Returns what the Secret holds, as it is.
    ///
    /// # Errors
    /// It cannot be read, or the certificate that it holds cannot be served.
    pub async fn look(&self, now: Timestamp) -> Result<Held, Error> {
        let held = self.held(self.read().await?.as_ref());
        let Some((names, _)) = &self.certificate else { return Ok(held) };
        let material = held.material.as_ref().ok_or_else(|| self.is_missing())?;
        check_given(material, names, now).map_err(|fault| self.is_unusable(fault))?;
        Ok(held)
    }

    /// Returns what is said where the Secret holds no certificate.
    pub(super) fn is_missing(&self) -> Error {
        self.is_unusable(Fault::Missing)
    }

    fn is_unusable(&self, fault: Fault) -> Error {
        Error::Given { secret: format!("{}/{SECRET}", self.namespace), fault }
    }

    /// Returns what a Secret holds of what is kept here.
    fn held(&self, secret: Option<&Secret>) -> Held {
        let held = Held::read(secret);
        if self.certificate.is_some() { held } else { Held { material: None, ..held } }
    }

    async fn read(&self) -> Result<Option<Secret>, Error> {
        let read = self.secrets.get_opt(SECRET).await;
        read.map_err(|source| Error::Read { namespace: self.namespace.clone(), source })
    }

    async fn write(&self, present: Option<Secret>, held: &Held) -> Result<Written, Error> {
        let is_new = present.is_none();
        let mut secret = match present {
            Some(secret) => secret,
            None => self.create().await?,
        };
        // To apply nothing to what somebody has filled since changes nothing of it, and is no conflict.
        if is_new && secret.data.as_ref().is_some_and(|data| !data.is_empty()) {
            return Ok(Written::SomebodyWasFaster);
        }
        secret.data.get_or_insert_default().append(&mut held.to_data());
        // It carries the resourceVersion that was read: a change in between makes this a conflict.
        match self.secrets.replace(SECRET, &PostParams::default(), &secret).await {
            Ok(_) => Ok(Written::Done),
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(Written::SomebodyWasFaster),
            Err(source) => Err(Error::Write { namespace: self.namespace.clone(), source }),
        }
    }

    /// Creates the Secret with nothing in it. By server-side apply, because who applies may be allowed to create an object of one
    /// name and no other.
    async fn create(&self) -> Result<Secret, Error> {
        let blank = Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        };
        let created = self.secrets.patch(SECRET, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(&blank)).await;
        created.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 404 => {
                Error::NamespaceMissing { namespace: self.namespace.clone() }
            }
            source => Error::Write { namespace: self.namespace.clone(), source },
        })
    }
}

impl Debug for CertificateSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CertificateSecret")
            .field("namespace", &self.namespace)
            .field("certificate", &self.certificate)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}
