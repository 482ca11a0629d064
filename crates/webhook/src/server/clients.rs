//! Certificates of clients: of which authorities, and with which names.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::collections::BTreeSet;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Who may ask: whoever shows a certificate of one of these authorities that has one of these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    authorities: Vec<CertificateDer<'static>>,
    names: BTreeSet<String>,
}

/// What becomes of a client without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// It does not get beyond the handshake.
    TurnedAway,
    /// It may show something else.
    Heard,
}

/// Authorities that nobody can be checked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseClientsError {
    /// The text is not one of certificates.
    #[error("expected certificates as a PEM text")]
    NotCertificates,
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    Empty,
}

impl Clients {
    /// Reads the authorities from a PEM text. Without names, every certificate of theirs will do.
    ///
    /// # Errors
    /// There is no certificate in it, or something else.
    pub fn parse(authorities: &[u8], names: impl IntoIterator<Item = String>) -> Result<Self, ParseClientsError> {
        let authorities: Vec<_> = CertificateDer::pem_slice_iter(authorities)
            .collect::<Result<_, _>>()
            .map_err(|_| ParseClientsError::NotCertificates)?;
        if authorities.is_empty() {
            return Err(ParseClientsError::Empty);
        }
        Ok(Self { authorities, names: names.into_iter().collect() })
    }

    /// Returns what checks a client's certificate.
    ///
    /// # Errors
    /// None of the authorities is one.
    pub(super) fn verifier(self, without: Without) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for authority in self.authorities {
            roots.add(authority)?;
        }
        let provider = Arc::new(ring::default_provider());
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let chain = match without {
            Without::TurnedAway => chain,
            Without::Heard => chain.allow_unauthenticated(),
        };
        let chain = chain.build().map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Arc::new(NameVerifier { chain, names: self.names }))
    }
}

/// Checks the chain of a certificate, and then its common name: the authority of a cluster makes certificates for its
/// nodes and administrators too.
#[derive(Debug)]
struct NameVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    names: BTreeSet<String>,
}

impl NameVerifier {
    fn check_name(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let mut names = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        if self.names.is_empty() || names.any(|name| self.names.contains(name)) {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

impl ClientCertVerifier for NameVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.chain.client_auth_mandatory()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.chain.verify_client_cert(certificate, intermediates, now)?;
        self.check_name(certificate)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
