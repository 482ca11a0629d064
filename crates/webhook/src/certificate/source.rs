//! Who keeps the certificate: we, or somebody else.

use super::keeper::ATTEMPTS;
use super::{Fault, Keeper, Material, Reader, SECRET};
use jiff::Timestamp;

/// Who keeps the certificate.
#[derive(Debug)]
pub enum Source {
    /// We make it, and keep it in a Secret of ours.
    Own(Keeper),
    /// Somebody else makes it, and keeps it in a Secret that we only read.
    Given(Reader),
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
}

impl Source {
    /// Returns the certificate as it has to be served now.
    ///
    /// # Errors
    /// There is none that can be served.
    pub async fn material(&self, now: Timestamp) -> Result<Material, Error> {
        match self {
            Self::Own(keeper) => keeper.ensure(now).await,
            Self::Given(reader) => reader.read(now).await,
        }
    }

    /// Returns the certificate that there is, without renewing it.
    ///
    /// # Errors
    /// There is none that can be served.
    pub async fn follow(&self, now: Timestamp) -> Result<Material, Error> {
        match self {
            Self::Own(keeper) => keeper.look(now).await,
            Self::Given(reader) => reader.read(now).await,
        }
    }

    /// Returns when the certificate will have to be renewed; nothing where that is no matter of ours.
    #[must_use]
    pub fn renewal(&self, material: &Material) -> Option<Timestamp> {
        match self {
            Self::Own(keeper) => keeper.renewal(material),
            Self::Given(_) => None,
        }
    }

    /// Returns the name of the Secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Own(_) => SECRET,
            Self::Given(reader) => reader.secret(),
        }
    }

    /// Returns whether it is worth to wait for a certificate that is not there yet.
    #[must_use]
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Given(_))
    }
}
