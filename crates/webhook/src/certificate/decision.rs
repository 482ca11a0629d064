//! What has to be done about the certificate there is.

use super::issue::CERTIFICATE_LIFE;
use super::{Material, Names};
use jiff::Timestamp;
use rcgen::{KeyPair, PublicKeyData};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, Validity, X509Certificate};

/// What has to be done about the certificate there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Keep,
    /// A new certificate of the same authority.
    Reissue(Fault),
    /// A new authority, and a certificate of it.
    Replace(Fault),
}

/// What is wrong with the certificate, or with its authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is none, or a part is missing.
    #[error("ca.crt, tls.crt or tls.key is missing")]
    Missing,
    /// The authority cannot be read, is none, or is not the key's.
    #[error("the authority cannot be used")]
    AuthorityUnusable,
    /// The authority would end before a new certificate.
    #[error("the authority ends")]
    AuthorityEnds,
    /// The certificate cannot be read, or is not the key's.
    #[error("the certificate cannot be used, or is not the key's")]
    CertificateUnusable,
    /// Another authority made the certificate.
    #[error("another authority made the certificate")]
    ForeignAuthority,
    /// The certificate is not for all the names.
    #[error("the certificate is not for all the names under which the API server asks")]
    ForeignNames,
    /// The certificate is in the last third of its life, or beyond.
    #[error("the certificate ends")]
    CertificateEnds,
}

/// Decides what has to be done about the certificate there is.
#[must_use]
pub fn decide(material: Option<&Material>, names: &Names, now: Timestamp) -> Decision {
    let Some(material) = material else {
        return Decision::Replace(Fault::Missing);
    };
    let authority = match authority(material, now) {
        Ok(authority) => authority,
        Err(fault) => return Decision::Replace(fault),
    };
    match check_certificate(material, &authority, names, now) {
        Ok(()) => Decision::Keep,
        Err(fault) => Decision::Reissue(fault),
    }
}

/// Checks a certificate that somebody else keeps and renews: whoever trusts one of the authorities has to trust it, under
/// every name, now.
pub(super) fn check_given(material: &Material, names: &Names, now: Timestamp) -> Result<(), Fault> {
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(material.authorities.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| Fault::AuthorityUnusable)?;
    let certified = material.certified_key().map_err(|_| Fault::CertificateUnusable)?;
    check_names(&certified, authorities, names, now)
}

fn authority(material: &Material, now: Timestamp) -> Result<CertificateDer<'static>, Fault> {
    let unusable = Fault::AuthorityUnusable;
    let der = CertificateDer::from_pem_slice(material.authorities.as_bytes()).map_err(|_| unusable)?;
    let key = KeyPair::from_pem(&material.authority_key).map_err(|_| unusable)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| unusable)?;
    let is_its_key = parsed.public_key().raw == key.subject_public_key_info();
    if !is_its_key || !parsed.is_ca() || parsed.validity().not_before.timestamp() > now.as_second() {
        return Err(unusable);
    }
    if remaining(parsed.validity(), now) < CERTIFICATE_LIFE {
        return Err(Fault::AuthorityEnds);
    }
    Ok(der)
}

fn check_certificate(
    material: &Material,
    authority: &CertificateDer<'static>,
    names: &Names,
    now: Timestamp,
) -> Result<(), Fault> {
    let certified = material.certified_key().map_err(|_| Fault::CertificateUnusable)?;
    let leaf = certified.end_entity_cert().map_err(|_| Fault::CertificateUnusable)?;
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Fault::CertificateUnusable)?;
    if remaining(parsed.validity(), now) < life(parsed.validity()) / 3 {
        return Err(Fault::CertificateEnds);
    }
    check_names(&certified, [authority.clone()], names, now)
}

/// Checks that a client that trusts these authorities takes a certificate under each of these names.
fn check_names(
    certified: &CertifiedKey,
    authorities: impl IntoIterator<Item = CertificateDer<'static>>,
    names: &Names,
    now: Timestamp,
) -> Result<(), Fault> {
    let (leaf, intermediates) = certified.cert.split_first().ok_or(Fault::CertificateUnusable)?;
    let verifier = verifier(authorities)?;
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().unsigned_abs()));
    for name in &names.0 {
        let name = ServerName::try_from(name.as_str()).map_err(|_| Fault::ForeignNames)?;
        verifier.verify_server_cert(leaf, intermediates, &name, &[], moment).map_err(|error| fault(&error))?;
    }
    Ok(())
}

fn verifier(
    authorities: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<Arc<WebPkiServerVerifier>, Fault> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|_| Fault::AuthorityUnusable)?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map_err(|_| Fault::AuthorityUnusable)
}

fn fault(error: &rustls::Error) -> Fault {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Fault::ForeignNames,
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            Fault::ForeignAuthority
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            Fault::CertificateEnds
        }
        _ => Fault::CertificateUnusable,
    }
}

fn remaining(validity: &Validity, now: Timestamp) -> Duration {
    span(now.as_second(), validity.not_after.timestamp())
}

fn life(validity: &Validity) -> Duration {
    span(validity.not_before.timestamp(), validity.not_after.timestamp())
}

fn span(from: i64, to: i64) -> Duration {
    Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::{issue, reissue};
    use super::*;
    use jiff::ToSpan;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn names() -> Names {
        Names::new(["webhook.sidecarset.svc", "webhook.sidecarset", "127.0.0.1"])
    }

    fn fresh() -> Material {
        issue(&names(), None, NOW).unwrap()
    }

    fn days_later(days: i64) -> Timestamp {
        NOW + (days * 24).hours()
    }

    #[test]
    fn a_fresh_certificate_is_kept() {
        assert_eq!(decide(Some(&fresh()), &names(), NOW), Decision::Keep);
    }

    #[test]
    fn nothing_at_all_is_replaced() {
        assert_eq!(decide(None, &names(), NOW), Decision::Replace(Fault::Missing));
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_third_of_its_life() {
        let material = fresh();

        assert_eq!(decide(Some(&material), &names(), days_later(243)), Decision::Keep);
        assert_eq!(decide(Some(&material), &names(), days_later(244)), Decision::Reissue(Fault::CertificateEnds));
    }

    #[test]
    fn an_authority_is_renewed_before_a_certificate_would_outlive_it() {
        let later = reissue(&fresh(), &names(), days_later(3280)).unwrap();

        assert_eq!(decide(Some(&later), &names(), days_later(3285)), Decision::Keep);
        assert_eq!(decide(Some(&later), &names(), days_later(3286)), Decision::Replace(Fault::AuthorityEnds));
    }

    #[test]
    fn a_certificate_for_other_names_is_renewed() {
        let other = Names::new(["elsewhere.sidecarset.svc"]);

        assert_eq!(decide(Some(&fresh()), &other, NOW), Decision::Reissue(Fault::ForeignNames));
    }

    #[test]
    fn a_certificate_of_another_authority_is_renewed() {
        let foreign = fresh();
        let mixed = Material { certificate: foreign.certificate, key: foreign.key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), NOW), Decision::Reissue(Fault::ForeignAuthority));
    }

    #[test]
    fn a_certificate_with_the_key_of_another_is_renewed() {
        let mixed = Material { key: fresh().key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), NOW), Decision::Reissue(Fault::CertificateUnusable));
    }

    #[test]
    fn an_authority_with_the_key_of_another_is_replaced() {
        let mixed = Material { authority_key: fresh().authority_key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn an_authority_that_is_none_is_replaced() {
        let leaf = fresh();
        let mixed = Material { authorities: leaf.certificate.clone(), authority_key: leaf.key.clone(), ..leaf };

        assert_eq!(decide(Some(&mixed), &names(), NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn junk_is_replaced() {
        let junk = Material { authorities: "junk".to_owned(), ..fresh() };

        assert_eq!(decide(Some(&junk), &names(), NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn a_renewed_certificate_is_kept_and_its_authority_is_the_same() {
        let old = fresh();

        let renewed = reissue(&old, &names(), days_later(300)).unwrap();

        assert_eq!(decide(Some(&renewed), &names(), days_later(300)), Decision::Keep);
        assert_eq!(renewed.authorities(), old.authorities());
        assert_ne!(renewed.certificate, old.certificate);
    }

    #[test]
    fn the_authority_before_stays_trusted_but_not_the_one_before_that() {
        let first = fresh();
        let second = issue(&names(), Some(first.authorities()), NOW).unwrap();

        let third = issue(&names(), Some(second.authorities()), NOW).unwrap();

        assert!(second.authorities().contains(first.authorities().trim()));
        assert!(!third.authorities().contains(first.authorities().trim()));
        assert_eq!(decide(Some(&third), &names(), NOW), Decision::Keep);
    }

    #[test]
    fn the_keys_do_not_come_into_a_log() {
        let text = format!("{:?}", fresh());

        assert!(text.contains("BEGIN CERTIFICATE"));
        assert!(!text.contains("PRIVATE KEY"));
    }
}
