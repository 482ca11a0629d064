//! The certificate by which the API server knows us: made here, kept in one Secret, renewed long before it ends.

mod bundle;
mod decision;
mod held;
mod issue;
mod lifetimes;
mod overlap;
mod reader;
mod resolver;
mod secret;
mod source;

pub use decision::{Decision, Fault, decide};
pub use held::Held;
pub use issue::{issue, reissue};
pub use lifetimes::{Lifetimes, LifetimesError};
pub use reader::Reader;
pub use resolver::CertificateResolver;
pub use secret::{CertificateSecret, SECRET};
pub use source::{Credentials, Error, Source};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

const AUTHORITIES: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The names under which the API server reaches us: host names and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

/// What the Secret holds, as PEM texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    authorities: String,
    /// Empty where the authority is somebody else's.
    authority_key: String,
    certificate: String,
    key: String,
}

impl Names {
    /// Takes names as they are.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl Material {
    /// Returns the authorities that a client of ours trusts: the present one first, then the one before it, whose
    /// certificates other replicas may still use.
    #[must_use]
    pub fn authorities(&self) -> &str {
        &self.authorities
    }

    /// Returns the certificate with its key, ready to be served.
    ///
    /// # Errors
    /// One of the two cannot be read, or they do not belong together.
    pub fn certified_key(&self) -> Result<CertifiedKey, rustls::Error> {
        let unreadable = |error| rustls::Error::General(format!("the PEM text cannot be read: {error}"));
        let chain: Vec<_> = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(unreadable)?;
        CertifiedKey::from_der(chain, key, &ring::default_provider())
    }

    /// Says whether a client that trusts these authorities, a PEM text, takes this certificate under each of the names.
    pub(crate) fn is_trusted_with(&self, authorities: &str, names: &Names, now: Timestamp) -> bool {
        decision::check_trust(self, authorities, names, now).is_ok()
    }

    /// Reads a Secret of ours; one that lacks a member holds nothing.
    fn from_secret(secret: &Secret) -> Option<Self> {
        Some(Self { authority_key: text(secret, AUTHORITY_KEY)?, ..Self::given(secret)? })
    }

    /// Reads a Secret that somebody else keeps. The authority's key is not ours to know.
    fn given(secret: &Secret) -> Option<Self> {
        Some(Self {
            authorities: text(secret, AUTHORITIES)?,
            authority_key: String::new(),
            certificate: text(secret, CERTIFICATE)?,
            key: text(secret, KEY)?,
        })
    }

    fn to_data(&self) -> BTreeMap<String, ByteString> {
        let members = [
            (AUTHORITIES, &self.authorities),
            (AUTHORITY_KEY, &self.authority_key),
            (CERTIFICATE, &self.certificate),
            (KEY, &self.key),
        ];
        members.into_iter().map(|(key, text)| (key.to_owned(), ByteString(text.clone().into_bytes()))).collect()
    }
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok()
}

// The keys must not come into a log.
impl Debug for Material {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Material")
            .field("authorities", &self.authorities)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
