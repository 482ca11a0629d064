//! What has to be done about the certificate there is.

use super::{Lifetimes, Material, Names};
use jiff::{SignedDuration, Timestamp};
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
pub fn decide(material: Option<&Material>, names: &Names, lifetimes: Lifetimes, now: Timestamp) -> Decision {
    let Some(material) = material else {
        return Decision::Replace(Fault::Missing);
    };
    let authority = match authority(material, lifetimes, now) {
        Ok(authority) => authority,
        Err(fault) => return Decision::Replace(fault),
    };
    match check_certificate(material, &authority, names, (lifetimes, now)) {
        Ok(()) => Decision::Keep,
        Err(fault) => Decision::Reissue(fault),
    }
}

/// Returns when a certificate of ours has to be looked at again, because it or its authority is to be renewed then.
pub(super) fn renewal(material: &Material, lifetimes: Lifetimes) -> Option<Timestamp> {
    let end_of = |pem: &str| {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (_, parsed) = X509Certificate::from_der(&der).ok()?;
        Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()
    };
    let certificate = end_of(&material.certificate)?.checked_sub(lifetimes.renewal()).ok()?;
    // From the first second on in which a new certificate would outlive it.
    let authority =
        end_of(&material.authorities)?.checked_sub(lifetimes.certificate()).ok()? + SignedDuration::from_secs(1);
    Some(certificate.min(authority))
}

/// Checks a certificate that somebody else keeps and renews: whoever trusts one of the authorities has to trust it, under
/// every name, now.
pub(super) fn check_given(material: &Material, names: &Names, now: Timestamp) -> Result<(), Fault> {
    check_trust(material, &material.authorities, names, now)
}

/// Checks that whoever trusts one of these authorities trusts the certificate, under every name, now.
pub(super) fn check_trust(material: &Material, authorities: &str, names: &Names, now: Timestamp) -> Result<(), Fault> {
    let authorities: Vec<_> = CertificateDer::pem_slice_iter(authorities.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| Fault::AuthorityUnusable)?;
    let certified = material.certified_key().map_err(|_| Fault::CertificateUnusable)?;
    check_names(&certified, authorities, names, now)
}

fn authority(material: &Material, lifetimes: Lifetimes, now: Timestamp) -> Result<CertificateDer<'static>, Fault> {
    let unusable = Fault::AuthorityUnusable;
    let der = CertificateDer::from_pem_slice(material.authorities.as_bytes()).map_err(|_| unusable)?;
    let key = KeyPair::from_pem(&material.authority_key).map_err(|_| unusable)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| unusable)?;
    let is_its_key = parsed.public_key().raw == key.subject_public_key_info();
    if !is_its_key || !parsed.is_ca() || parsed.validity().not_before.timestamp() > now.as_second() {
        return Err(unusable);
    }
    if remaining(parsed.validity(), now) < lifetimes.certificate() {
        return Err(Fault::AuthorityEnds);
    }
    Ok(der)
}

fn check_certificate(
    material: &Material,
    authority: &CertificateDer<'static>,
    names: &Names,
    (lifetimes, now): (Lifetimes, Timestamp),
) -> Result<(), Fault> {
    let certified = material.certified_key().map_err(|_| Fault::CertificateUnusable)?;
    let leaf = certified.end_entity_cert().map_err(|_| Fault::CertificateUnusable)?;
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Fault::CertificateUnusable)?;
    if remaining(parsed.validity(), now) <= lifetimes.renewal() {
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

fn span(from: i64, to: i64) -> Duration {
    Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::{issue, reissue};
    use super::*;
    use jiff::ToSpan;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
    const LIFETIMES: Lifetimes = Lifetimes::A_YEAR;

    fn names() -> Names {
        Names::new(["webhook.sidecarset.svc", "webhook.sidecarset", "127.0.0.1"])
    }

    fn fresh() -> Material {
        issue(&names(), None, LIFETIMES, NOW).unwrap()
    }

    fn days_later(days: i64) -> Timestamp {
        NOW + (days * 24).hours()
    }

    #[test]
    fn a_fresh_certificate_is_kept() {
        assert_eq!(decide(Some(&fresh()), &names(), LIFETIMES, NOW), Decision::Keep);
    }

    #[test]
    fn nothing_at_all_is_replaced() {
        assert_eq!(decide(None, &names(), LIFETIMES, NOW), Decision::Replace(Fault::Missing));
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_third_of_its_life() {
        let material = fresh();

        assert_eq!(decide(Some(&material), &names(), LIFETIMES, days_later(243)), Decision::Keep);
        assert_eq!(
            decide(Some(&material), &names(), LIFETIMES, days_later(244)),
            Decision::Reissue(Fault::CertificateEnds)
        );
    }

    #[test]
    fn an_authority_is_renewed_before_a_certificate_would_outlive_it() {
        let later = reissue(&fresh(), &names(), LIFETIMES, days_later(3280)).unwrap();

        assert_eq!(decide(Some(&later), &names(), LIFETIMES, days_later(3285)), Decision::Keep);
        assert_eq!(
            decide(Some(&later), &names(), LIFETIMES, days_later(3286)),
            Decision::Replace(Fault::AuthorityEnds)
        );
    }

    #[test]
    fn a_certificate_for_other_names_is_renewed() {
        let other = Names::new(["elsewhere.sidecarset.svc"]);

        assert_eq!(decide(Some(&fresh()), &other, LIFETIMES, NOW), Decision::Reissue(Fault::ForeignNames));
    }

    #[test]
    fn a_certificate_of_another_authority_is_renewed() {
        let foreign = fresh();
        let mixed = Material { certificate: foreign.certificate, key: foreign.key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), LIFETIMES, NOW), Decision::Reissue(Fault::ForeignAuthority));
    }

    #[test]
    fn a_certificate_with_the_key_of_another_is_renewed() {
        let mixed = Material { key: fresh().key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), LIFETIMES, NOW), Decision::Reissue(Fault::CertificateUnusable));
    }

    #[test]
    fn an_authority_with_the_key_of_another_is_replaced() {
        let mixed = Material { authority_key: fresh().authority_key, ..fresh() };

        assert_eq!(decide(Some(&mixed), &names(), LIFETIMES, NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn an_authority_that_is_none_is_replaced() {
        let leaf = fresh();
        let mixed = Material { authorities: leaf.certificate.clone(), authority_key: leaf.key.clone(), ..leaf };

        assert_eq!(decide(Some(&mixed), &names(), LIFETIMES, NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn junk_is_replaced() {
        let junk = Material { authorities: "junk".to_owned(), ..fresh() };

        assert_eq!(decide(Some(&junk), &names(), LIFETIMES, NOW), Decision::Replace(Fault::AuthorityUnusable));
    }

    #[test]
    fn a_renewed_certificate_is_kept_and_its_authority_is_the_same() {
        let old = fresh();

        let renewed = reissue(&old, &names(), LIFETIMES, days_later(300)).unwrap();

        assert_eq!(decide(Some(&renewed), &names(), LIFETIMES, days_later(300)), Decision::Keep);
        assert_eq!(renewed.authorities(), old.authorities());
        assert_ne!(renewed.certificate, old.certificate);
    }

    fn count(material: &Material) -> usize {
        material.authorities().matches("BEGIN CERTIFICATE").count()
    }

    #[test]
    fn an_authority_stays_trusted_until_every_certificate_of_it_has_ended() {
        let first = fresh();
        let second = issue(&names(), Some(first.authorities()), LIFETIMES, days_later(100)).unwrap();
        let before = reissue(&second, &names(), LIFETIMES, days_later(464)).unwrap();

        let after = reissue(&second, &names(), LIFETIMES, days_later(465)).unwrap();

        assert_eq!([count(&second), count(&before), count(&after)], [2, 2, 1]);
        assert!(before.authorities().contains(first.authorities().trim()));
        assert_eq!(decide(Some(&after), &names(), LIFETIMES, days_later(465)), Decision::Keep);
    }

    #[test]
    fn authorities_that_follow_each_other_quickly_are_all_trusted_up_to_eight() {
        let mut material = fresh();
        let counts: Vec<usize> = (0..9)
            .map(|_| {
                material = issue(&names(), Some(material.authorities()), LIFETIMES, NOW).unwrap();
                count(&material)
            })
            .collect();

        assert_eq!(counts, [2, 3, 4, 5, 6, 7, 8, 8, 8]);
        assert_eq!(decide(Some(&material), &names(), LIFETIMES, NOW), Decision::Keep);
    }

    #[test]
    fn what_cannot_be_read_does_not_stay_trusted() {
        let material =
            issue(&names(), Some("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"), LIFETIMES, NOW);

        assert_eq!(count(&material.unwrap()), 1);
    }

    #[test]
    fn it_is_known_when_something_is_to_be_renewed() {
        let fresh = fresh();
        let due = renewal(&fresh, LIFETIMES).unwrap();
        let of_old = reissue(&fresh, &names(), LIFETIMES, days_later(3280)).unwrap();
        let due_of_old = renewal(&of_old, LIFETIMES).unwrap();

        assert_eq!(decide(Some(&fresh), &names(), LIFETIMES, due - 1.second()), Decision::Keep);
        assert_eq!(decide(Some(&fresh), &names(), LIFETIMES, due), Decision::Reissue(Fault::CertificateEnds));
        assert_eq!(decide(Some(&of_old), &names(), LIFETIMES, due_of_old - 1.second()), Decision::Keep);
        let renewed = Decision::Replace(Fault::AuthorityEnds);
        assert_eq!(decide(Some(&of_old), &names(), LIFETIMES, due_of_old), renewed);
    }

    #[test]
    fn the_keys_do_not_come_into_a_log() {
        let text = format!("{:?}", fresh());

        assert!(text.contains("BEGIN CERTIFICATE"));
        assert!(!text.contains("PRIVATE KEY"));
    }
}
