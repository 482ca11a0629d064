//! Several sources in one volume.

use super::super::Violations;
use super::super::choice::chosen;
use super::super::member::Member;
use super::super::syntax::{dns_subdomain, projected_path};
use super::files::{self, MODES};
use super::require;
use crate::schema::PROJECTION;
use std::collections::BTreeSet;

/// How long a token may be valid, in seconds: from ten minutes on.
const EXPIRATIONS: std::ops::RangeInclusive<i64> = 600..=(1 << 32);
/// How long the certificate of a Pod may be valid, in seconds: from an hour on, for 91 days at most.
const CERTIFICATE_EXPIRATIONS: std::ops::RangeInclusive<i64> = 3600..=(91 * 24 * 3600);

/// The keys that the kubelet makes for a Pod.
const KEY_TYPES: [&str; 6] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
/// The files into which it writes a key and its certificate.
const CERTIFICATE_FILES: [&str; 3] = ["credentialBundlePath", "keyPath", "certificateChainPath"];

/// Adds what is wrong with a projected volume.
pub(super) fn check(volume: &Member<'_>, violations: &mut Violations) {
    volume.check_range("defaultMode", &MODES, violations);
    let mut paths = BTreeSet::new();
    for source in volume.list("sources") {
        let chosen = chosen(&source, PROJECTION, violations).unwrap_or_default();
        if chosen.len() > 1 {
            violations.add(source.path(), "may not specify more than 1 volume type per source");
        }
        for name in chosen {
            if let Some(part) = source.child(name) {
                check_source(name, &part, violations);
                take_paths(name, &part, &mut paths, violations);
            }
        }
    }
}

fn check_source(name: &str, source: &Member<'_>, violations: &mut Violations) {
    match name {
        "secret" | "configMap" => {
            require(source, &["name"], violations);
            files::check(source, violations);
        }
        "downwardAPI" => files::check_downward(source, violations),
        "serviceAccountToken" => {
            require(source, &["path"], violations);
            source.check("path", projected_path, violations);
            source.check_range("expirationSeconds", &EXPIRATIONS, violations);
        }
        "clusterTrustBundle" => check_trust_bundle(source, violations),
        "podCertificate" => check_certificate(source, violations),
        _ => {}
    }
}

fn check_certificate(source: &Member<'_>, violations: &mut Violations) {
    source.check_required("signerName", signer_name, violations);
    require(source, &["keyType"], violations);
    source.check_one_of("keyType", &KEY_TYPES, violations);
    source.check_range("maxExpirationSeconds", &CERTIFICATE_EXPIRATIONS, violations);
    if CERTIFICATE_FILES.iter().all(|file| source.text(file).is_none()) {
        violations.add(source.path(), "is required: one of credentialBundlePath, keyPath and certificateChainPath");
    }
    for file in CERTIFICATE_FILES {
        source.check(file, projected_path, violations);
    }
}

fn check_trust_bundle(source: &Member<'_>, violations: &mut Violations) {
    match (source.has("name"), source.has("signerName")) {
        (false, false) => violations.add(source.path(), "is required: one of name and signerName"),
        (true, true) => violations.add(source.path(), "only one of name and signerName may be used"),
        (true, false) if source.has("labelSelector") => {
            violations.add(source.at("labelSelector"), "must not be set where name is");
        }
        (true, false) | (false, true) => {}
    }
    for key in ["name", "signerName"].into_iter().filter(|key| source.written(key) == Some("")) {
        violations.add(source.at(key), "must not be empty");
    }
    // The name of a signer, and so of a bundle, begins with its domain.
    source.check("name", |name| dns_subdomain(name.rsplit(':').next().unwrap_or_default()), violations);
    source.check("signerName", signer_name, violations);
    require(source, &["path"], violations);
    source.check("path", projected_path, violations);
}

fn signer_name(name: &str) -> Result<(), String> {
    match name.split_once('/') {
        Some((domain, path)) if domain.contains('.') && !path.is_empty() => dns_subdomain(domain),
        _ => Err(format!("{name:?} must be of the form DOMAIN.NAME/PATH")),
    }
}

/// Adds each path that another source has taken, and takes the others.
fn take_paths<'a>(name: &str, source: &Member<'a>, taken: &mut BTreeSet<&'a str>, violations: &mut Violations) {
    let mut take = |file: &Member<'a>| {
        if let Some(path) = file.text("path")
            && !taken.insert(path)
        {
            violations.add(file.at("path"), format!("another source has {path:?} too"));
        }
    };
    match name {
        "secret" | "configMap" | "downwardAPI" => source.list("items").for_each(|item| take(&item)),
        "clusterTrustBundle" => take(source),
        // As in Kubernetes: the path of a token is not looked at.
        _ => {}
    }
}
