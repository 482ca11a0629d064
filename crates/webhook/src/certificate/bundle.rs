//! The authorities that are trusted: the present one first, then those before it whose certificates may still be in use.

use super::Lifetimes;
use super::issue::CLOCK_SKEW;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

const END_OF_PEM: &str = "-----END CERTIFICATE-----";

/// How many are kept at most: more of them would mean that something replaces them again and again.
const MOST: usize = 8;

/// Returns the authorities before the first one that have to stay trusted, as a PEM text. Each does until every certificate of
/// it has ended: the last of them was made before the next authority was. `made` is when the first one is, in Unix time.
pub(super) fn older(bundle: &str, made: i64, lifetimes: Lifetimes, now: Timestamp) -> String {
    let life = i64::try_from(lifetimes.certificate().as_secs()).unwrap_or(i64::MAX);
    let mut next_made = made;
    let mut kept = String::new();
    for (pem, made) in certificates(bundle).take(MOST - 1) {
        if now.as_second() >= next_made.saturating_add(life) {
            // Those before it ended earlier.
            break;
        }
        kept.push_str(&pem);
        next_made = made;
    }
    kept
}

/// Returns both texts, without what the second one repeats.
pub(super) fn union(first: &str, second: &str) -> String {
    let known: Vec<&str> = blocks(first).collect();
    let new = blocks(second).filter(|block| !known.contains(block));
    let mut all = first.trim_end().to_owned();
    all.push('\n');
    for block in new {
        all.push_str(block);
        all.push('\n');
    }
    all
}

/// Splits off the first certificate, and answers with when it was made and what comes after it.
pub(super) fn first_made(bundle: &str) -> Option<(i64, &str)> {
    let first = blocks(bundle).next()?;
    let rest = &bundle[bundle.find(END_OF_PEM)? + END_OF_PEM.len()..];
    Some((made(first)?, rest))
}

/// Returns the certificates that can be read, and when each was made.
fn certificates(bundle: &str) -> impl Iterator<Item = (String, i64)> {
    blocks(bundle).filter_map(|block| Some((format!("{block}\n"), made(block)?)))
}

fn blocks(bundle: &str) -> impl Iterator<Item = &str> {
    bundle.split_inclusive(END_OF_PEM).map(str::trim).filter(|block| block.ends_with(END_OF_PEM))
}

fn made(pem: &str) -> Option<i64> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, parsed) = X509Certificate::from_der(&der).ok()?;
    let skew = i64::try_from(CLOCK_SKEW.as_secs()).ok()?;
    Some(parsed.validity().not_before.timestamp() + skew)
}
