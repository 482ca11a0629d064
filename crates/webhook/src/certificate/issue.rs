//! New authorities and certificates.

use super::{Material, Names};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use std::time::Duration;
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3650);
/// How long a certificate lasts.
pub(super) const CERTIFICATE_LIFE: Duration = DAY.saturating_mul(365);
/// The clock of the API server may be behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);
const END_OF_PEM: &str = "-----END CERTIFICATE-----";

/// Makes an authority and a certificate for these names. The authority of `older` stays trusted beside the new one.
///
/// # Errors
/// A name is neither a host name nor an address, or the system has no randomness.
pub fn issue(names: &Names, older: Option<&str>, now: Timestamp) -> Result<Material, Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = params(&[], "sidecarset-operator", AUTHORITY_LIFE, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let own = params.self_signed(&key)?.pem();
    let older = older.and_then(first_certificate).unwrap_or_default();
    let authority_key = key.serialize_pem();
    let (certificate, key) = sign(names, &Issuer::new(params, key), now)?;
    Ok(Material { authorities: own + &older, authority_key, certificate, key })
}

/// Makes a new certificate for these names, of the same authority.
///
/// # Errors
/// The authority cannot be read, a name is neither a host name nor an address, or the system has no randomness.
pub fn reissue(material: &Material, names: &Names, now: Timestamp) -> Result<Material, Error> {
    let authority_key = KeyPair::from_pem(&material.authority_key)?;
    let issuer = Issuer::from_ca_cert_pem(&material.authorities, authority_key)?;
    let (certificate, key) = sign(names, &issuer, now)?;
    Ok(Material { certificate, key, ..material.clone() })
}

fn sign(names: &Names, issuer: &Issuer<'_, KeyPair>, now: Timestamp) -> Result<(String, String), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = params(&names.0, "sidecarset-webhook", CERTIFICATE_LIFE, now)?;
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

/// Returns the first certificate of a PEM text.
fn first_certificate(bundle: &str) -> Option<String> {
    let end = bundle.find(END_OF_PEM)? + END_OF_PEM.len();
    Some(format!("{}\n", bundle[..end].trim_start()))
}
