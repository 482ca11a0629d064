//! The certificate that is served at this moment.

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sidecarset_metrics::Gauge;
use std::fmt::{self, Debug};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificate that is served at this moment. A new one is served from the next connection on.
#[derive(Default)]
pub struct CertificateResolver {
    present: ArcSwapOption<CertifiedKey>,
    expiry: Gauge,
}

impl CertificateResolver {
    /// Returns one that shows there, in Unix time, when the certificate ends that is served.
    #[must_use]
    pub fn telling(expiry: Gauge) -> Self {
        Self { expiry, ..Self::default() }
    }

    /// Serves this certificate from now on.
    pub fn put(&self, certificate: CertifiedKey) {
        if let Some(expiry) = expiry(&certificate) {
            self.expiry.set(expiry);
        }
        self.present.store(Some(Arc::new(certificate)));
    }
}

fn expiry(certificate: &CertifiedKey) -> Option<i64> {
    let leaf = certificate.end_entity_cert().ok()?;
    let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.present.load_full()
    }
}

impl Debug for CertificateResolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CertificateResolver").field("is_loaded", &self.present.load().is_some()).finish()
    }
}
