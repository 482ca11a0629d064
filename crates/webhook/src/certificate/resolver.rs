//! The certificate that is served at this moment.

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// The certificate that is served at this moment. A new one is served from the next connection on.
#[derive(Default)]
pub struct CertificateResolver {
    present: ArcSwapOption<CertifiedKey>,
}

impl CertificateResolver {
    /// Serves this certificate from now on.
    pub fn put(&self, certificate: CertifiedKey) {
        self.present.store(Some(Arc::new(certificate)));
    }
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
