//! New authorities and certificates.

use super::{Lifetimes, Material, Names, bundle};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use std::time::Duration;
use time::OffsetDateTime;

/// The clock of the API server may be behind ours.
pub(super) const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

/// Makes an authority and a certificate for these names. Authorities of `older` stay trusted beside the new one until every
/// certificate of theirs has ended.
///
/// # Errors
/// A name is neither a host name nor an address, or the system has no randomness.
pub fn issue(names: &Names, older: Option<&str>, lifetimes: Lifetimes, now: Timestamp) -> Result<Material, Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = params(&[], "sidecarset-operator", lifetimes.authority(), now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let own = params.self_signed(&key)?.pem();
    let older = older.map(|older| bundle::older(older, now.as_second(), lifetimes, now)).unwrap_or_default();
    let authority_key = key.serialize_pem();
    let (certificate, key) = sign(names, &Issuer::new(params, key), lifetimes, now)?;
    Ok(Material { authorities: own + &older, authority_key, certificate, key })
}

/// Makes a new certificate for these names, of the same authority. An authority before it is no longer trusted once every
/// certificate of it has ended.
///
/// # Errors
/// The authority cannot be read, a name is neither a host name nor an address, or the system has no randomness.
pub fn reissue(material: &Material, names: &Names, lifetimes: Lifetimes, now: Timestamp) -> Result<Material, Error> {
    let authority_key = KeyPair::from_pem(&material.authority_key)?;
    let issuer = Issuer::from_ca_cert_pem(&material.authorities, authority_key)?;
    let (certificate, key) = sign(names, &issuer, lifetimes, now)?;
    let authorities = match bundle::first_made(&material.authorities) {
        Some((made, before)) => {
            let own = &material.authorities[..material.authorities.len() - before.len()];
            format!("{}\n{}", own.trim(), bundle::older(before, made, lifetimes, now))
        }
        None => material.authorities.clone(),
    };
    Ok(Material { authorities, certificate, key, ..material.clone() })
}

fn sign(
    names: &Names,
    issuer: &Issuer<'_, KeyPair>,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<(String, String), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = params(&names.0, "sidecarset-webhook", lifetimes.certificate(), now)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn params(names: &[String], subject: &str, life: Duration, now: Timestamp) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, subject);
    let now = OffsetDateTime::from_unix_timestamp(now.as_second()).map_err(|_| Error::Time)?;
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + life;
    Ok(params)
}
