//! Who keeps the certificate: we, or somebody else. The proofs are always ours.

use super::secret::ATTEMPTS;
use super::{CertificateSecret, Fault, Held, Material, Reader, SECRET};
use crate::proof::{Proofs, Terms};
use jiff::Timestamp;

/// Who keeps the certificate, and the proofs.
#[derive(Debug)]
pub struct Source {
    secret: CertificateSecret,
    // Somebody else's Secret, which we only read; ours holds the proofs alone then.
    given: Option<Reader>,
}

/// By which certificate API servers know us, and by which proofs we know them.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// The certificate.
    pub material: Material,
    /// The proofs.
    pub proofs: Proofs,
    /// When there will be something to renew, or to register anew.
    pub next: Option<Timestamp>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operator's namespace does not exist, and it is not ours to make.
    #[error("namespace {namespace}, which holds the certificate of the webhook, does not exist")]
    NamespaceMissing {
        /// The namespace.
        namespace: String,
    },
    /// The Secret cannot be read.
    #[error("failed to read secret {namespace}/{SECRET}")]
    Read {
        /// The namespace.
        namespace: String,
        /// Why.
        source: kube::Error,
    },
    /// The Secret cannot be written.
    #[error("failed to write secret {namespace}/{SECRET}")]
    Write {
        /// The namespace.
        namespace: String,
        /// Why.
        source: kube::Error,
    },
    /// Others keep changing the Secret.
    #[error("secret {namespace}/{SECRET} was changed by others {ATTEMPTS} times in a row")]
    Contended {
        /// The namespace.
        namespace: String,
    },
    /// The Secret that somebody else keeps cannot be read.
    #[error("failed to read secret {secret}, which holds the certificate of the webhook")]
    ReadGiven {
        /// The Secret.
        secret: String,
        /// Why.
        source: kube::Error,
    },
    /// What somebody else keeps cannot be served.
    #[error("secret {secret} holds no certificate that the webhook can serve: {fault}")]
    Given {
        /// The Secret.
        secret: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A certificate cannot be made.
    #[error("failed to make a certificate")]
    Issue(#[from] rcgen::Error),
    /// A proof cannot be made.
    #[error("failed to make a proof of API servers")]
    Proof(#[source] rustls::Error),
}

impl Source {
    /// We make the certificate, and keep it in our Secret.
    #[must_use]
    pub fn own(secret: CertificateSecret) -> Self {
        Self { secret, given: None }
    }

    /// Somebody else makes the certificate, and keeps it in another Secret than `secret`.
    #[must_use]
    pub fn given(reader: Reader, secret: CertificateSecret) -> Self {
        Self { secret, given: Some(reader) }
    }

    /// Returns what has to be served and accepted now, after having renewed what is due.
    ///
    /// # Errors
    /// There is no certificate that can be served, or the Secret cannot be written.
    pub async fn ensure(&self, now: Timestamp) -> Result<Credentials, Error> {
        let given = self.read(now).await?;
        self.credentials(given, self.secret.ensure(now).await?, now)
    }

    /// Returns what there is, without renewing it.
    ///
    /// # Errors
    /// There is no certificate that can be served.
    pub async fn follow(&self, now: Timestamp) -> Result<Credentials, Error> {
        let given = self.read(now).await?;
        self.credentials(given, self.secret.look(now).await?, now)
    }

    async fn read(&self, now: Timestamp) -> Result<Option<Material>, Error> {
        match &self.given {
            Some(reader) => reader.read(now).await.map(Some),
            None => Ok(None),
        }
    }

    fn credentials(&self, given: Option<Material>, held: Held, now: Timestamp) -> Result<Credentials, Error> {
        let next = self.secret.next(&held, now);
        let material = given.or(held.material).ok_or_else(|| self.secret.is_missing())?;
        Ok(Credentials { material, proofs: held.proofs, next })
    }

    /// Returns the names of the Secrets that all of it is in.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        [SECRET].into_iter().chain(self.given.as_ref().map(Reader::secret)).collect()
    }

    /// Returns for how long proofs are used.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.secret.terms()
    }

    /// Returns whether it is worth to wait for a certificate that is not there yet.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.given.is_some()
    }
}
