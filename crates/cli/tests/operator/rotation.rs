//! Certificates and secret paths that change while the API server asks.

use crate::process::{CERTIFICATE, Operator};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

/// A certificate and a path are renewed after eight seconds, and an authority after thirteen. What is new is shown at the
/// earliest after a quarter of the four seconds that are left then.
const QUICK: [&str; 6] = ["--certificate-lifetime", "12s", "--authority-lifetime", "24s", "--proof-lifetime", "12s"];

/// How much later than others an API server learns of a registration.
const LAG: Duration = Duration::from_millis(200);

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// Asks on one new connection after the other, as an API server that learns of the registration a little late. Answers how often,
/// and which authorities and paths were registered.
fn ask(operator: &Operator, until: Instant) -> (usize, [BTreeSet<String>; 2]) {
    let (mut count, mut authorities, mut proofs) = (0, BTreeSet::new(), BTreeSet::new());
    while Instant::now() < until {
        let (learned, registered) = (Instant::now(), operator.registered());
        while learned.elapsed() < LAG {
            match operator.review_as(&registered, &pod()) {
                Ok(answer) => assert_eq!(answer["response"]["patchType"], "JSONPatch"),
                // We did not get to run for a while, and are later than any API server.
                Err(_) if learned.elapsed() > 2 * LAG => break,
                Err(error) => panic!("{error}"),
            }
            count += 1;
        }
        authorities.extend(registered.authorities.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned));
        proofs.insert(registered.proof);
    }
    (count, [authorities, proofs])
}

#[test]
fn authorities_certificates_and_paths_change_every_few_seconds_and_no_review_fails() {
    let first = Operator::start_as(&QUICK);
    first.until_ready();
    let second = first.start_beside(&QUICK);
    second.until_ready();
    let until = Instant::now() + Duration::from_secs(32);

    let asked = thread::scope(|scope| {
        let asking = [&first, &second].map(|operator| scope.spawn(move || ask(operator, until)));
        asking.map(|asking| asking.join().unwrap())
    });

    for (count, [authorities, proofs]) in asked {
        let [authorities, proofs] = [authorities.len(), proofs.len()];
        assert!(
            authorities >= 3 && proofs >= 3 && count >= 50,
            "{count} reviews, {authorities} authorities, {proofs} paths"
        );
    }
    for what in ["renewed the certificate", "renewed the proofs of API servers"] {
        assert_eq!(second.logged(what), 0);
    }
    // What has ended is not trusted for ever.
    assert!(first.registered().authorities.matches("BEGIN CERTIFICATE").count() <= 3);
}

/// Says with which status a path is answered.
fn status(operator: &Operator, proof: &str) -> String {
    let registered = operator.registered();
    let (head, _) = operator.post(&registered.authorities, &format!("/{proof}/mutate-pod"), "{}", "");
    head.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_secret_that_somebody_empties_gets_another_path_and_no_review_fails_meanwhile_whoever_leads() {
    let arguments = ["--proof-lifetime", "24s", "--lease-duration", "2s", "--lease-renew-deadline", "1s"];
    let arguments = [&arguments[..], &["--lease-retry-period", "200ms"]].concat();
    let mut first = Operator::start_as(&arguments);
    first.until_ready();
    let second = first.start_beside(&arguments);
    second.until_ready();
    let before = first.registered();

    // The one who knows what was in it is gone before anybody could have told another one.
    first.cluster.change(CERTIFICATE, |secret| secret["data"]["proofs"] = BASE64_STANDARD.encode("[]").into());
    first.kill();
    let (count, [_, proofs]) = ask(&second, Instant::now() + Duration::from_secs(8));

    let after = second.registered();
    assert!(count > 50 && proofs.len() == 2, "{count} reviews, {} paths", proofs.len());
    assert_ne!(after.proof, before.proof);
    assert_eq!([&after.proof, &"0".repeat(64)].map(|proof| status(&second, proof)), ["400", "404"]);
}

#[test]
fn a_secret_that_somebody_breaks_is_repaired_and_no_review_fails_meanwhile() {
    let operator = Operator::start_as(&[]);
    operator.until_ready();
    let before = operator.registered().authorities;

    operator.cluster.change(CERTIFICATE, |secret| secret["data"]["ca.crt"] = BASE64_STANDARD.encode("junk").into());
    let (count, _) = ask(&operator, Instant::now() + Duration::from_secs(16));

    let after = operator.registered().authorities;
    assert!(count > 50, "{count} reviews");
    assert_eq!(operator.logged("renewed the certificate"), 2);
    // The authority before is still trusted: another replica may use it.
    assert!(after.contains(before.trim()) && after.trim() != before.trim());
}
