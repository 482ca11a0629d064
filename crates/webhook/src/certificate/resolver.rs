//! The certificate that is served at this moment.

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sidecarset_metrics::Gauge;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long API servers may take to learn of a new authority.
const SETTLE: Duration = Duration::from_secs(5);

/// The certificate that is served at this moment. A new one is served from the next connection on.
#[derive(Default)]
pub struct CertificateResolver {
    present: ArcSwapOption<CertifiedKey>,
    next: ArcSwapOption<Next>,
    expiry: Gauge,
}

/// A certificate that is to be served from a moment on.
struct Next {
    certificate: Arc<CertifiedKey>,
    at: Instant,
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
        self.next.store(None);
        self.present.store(Some(Arc::new(certificate)));
    }

    /// Serves this certificate once the API servers have had the time to learn of its authority: for as long as the one before
    /// lasts, but for no longer than five seconds.
    pub fn put_later(&self, certificate: CertifiedKey, now: Timestamp) {
        let Some(present) = self.serve() else { return self.put(certificate) };
        let newest =
            self.next.load().as_ref().map_or_else(|| Arc::clone(&present), |next| Arc::clone(&next.certificate));
        if newest.cert == certificate.cert {
            return;
        }
        let left = expiry(&present).unwrap_or_default().saturating_sub(now.as_second());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
        if let Some(expiry) = expiry(&certificate) {
            self.expiry.set(expiry);
        }
        let at = Instant::now() + SETTLE.min(left / 4);
        self.present.store(Some(present));
        self.next.store(Some(Arc::new(Next { certificate: Arc::new(certificate), at })));
    }

    fn serve(&self) -> Option<Arc<CertifiedKey>> {
        let next = self.next.load();
        let due = next.as_ref().filter(|next| next.at <= Instant::now());
        due.map_or_else(|| self.present.load_full(), |next| Some(Arc::clone(&next.certificate)))
    }
}

fn expiry(certificate: &CertifiedKey) -> Option<i64> {
    let leaf = certificate.end_entity_cert().ok()?;
    let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.serve()
    }
}

impl Debug for CertificateResolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CertificateResolver").field("is_loaded", &self.present.load().is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lifetimes, Names, issue};
    use super::*;
    use jiff::ToSpan;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn certificate() -> CertifiedKey {
        issue(&Names::new(["a"]), None, Lifetimes::A_YEAR, NOW).unwrap().certified_key().unwrap()
    }

    /// How long it takes until another certificate is served, a quarter of a second at a time.
    async fn until_another(resolver: &CertificateResolver) -> Duration {
        let (before, began) = (resolver.serve().unwrap(), Instant::now());
        while Arc::ptr_eq(&resolver.serve().unwrap(), &before) {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_of_a_new_authority_is_served_once_api_servers_know_of_it() {
        let resolver = CertificateResolver::default();
        resolver.put_later(certificate(), NOW);
        let next = certificate();

        resolver.put_later(next.clone(), NOW);
        tokio::time::sleep(Duration::from_secs(3)).await;
        // It is no other one by being named again.
        resolver.put_later(next, NOW);

        assert_eq!(until_another(&resolver).await, Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_about_to_end_is_not_served_for_long() {
        let resolver = CertificateResolver::default();
        resolver.put(certificate());

        resolver.put_later(certificate(), NOW + (365 * 24).hours() - 8.seconds());

        assert_eq!(until_another(&resolver).await, Duration::from_secs(2));
    }
}
