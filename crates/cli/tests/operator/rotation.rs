//! Certificates that change while the API server asks.

use crate::process::{CERTIFICATE, Operator};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

/// A certificate is renewed after four seconds, and its authority after seven.
const QUICK: [&str; 4] = ["--certificate-lifetime", "6s", "--authority-lifetime", "12s"];

/// How much later than others an API server learns of a registration.
const LAG: Duration = Duration::from_millis(300);

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// Asks on one new connection after the other, as an API server that learns of the registration a little late. Answers how often,
/// and which authorities were registered.
fn ask(operator: &Operator, until: Instant) -> (usize, BTreeSet<String>) {
    let (mut count, mut seen) = (0, BTreeSet::new());
    while Instant::now() < until {
        let (learned, authorities) = (Instant::now(), operator.registered_authorities());
        while learned.elapsed() < LAG {
            let answer = operator.review_trusting(&authorities, &pod());
            assert_eq!(answer["response"]["patchType"], "JSONPatch");
            count += 1;
        }
        seen.extend(authorities.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned));
    }
    (count, seen)
}

#[test]
fn authorities_and_certificates_change_every_few_seconds_and_no_review_fails() {
    let first = Operator::start_as(&QUICK);
    first.until_ready();
    let second = first.start_beside(&QUICK);
    second.until_ready();
    let until = Instant::now() + Duration::from_secs(16);

    let asked = thread::scope(|scope| {
        let asking = [&first, &second].map(|operator| scope.spawn(move || ask(operator, until)));
        asking.map(|asking| asking.join().unwrap())
    });

    for (count, authorities) in asked {
        assert!(authorities.len() >= 3 && count >= 50, "{count} reviews, {} authorities", authorities.len());
    }
    assert_eq!(second.logged("renewed the certificate"), 0);
    // What has ended is not trusted for ever.
    assert!(first.registered_authorities().matches("BEGIN CERTIFICATE").count() <= 3);
}

#[test]
fn a_secret_that_somebody_breaks_is_repaired_and_no_review_fails_meanwhile() {
    let operator = Operator::start_as(&[]);
    operator.until_ready();
    let before = operator.registered_authorities();

    operator.cluster.change(CERTIFICATE, |secret| secret["data"]["ca.crt"] = BASE64_STANDARD.encode("junk").into());
    let (count, _) = ask(&operator, Instant::now() + Duration::from_secs(16));

    let after = operator.registered_authorities();
    assert!(count > 50, "{count} reviews");
    assert_eq!(operator.logged("renewed the certificate"), 2);
    // The authority before is still trusted: another replica may use it.
    assert!(after.contains(before.trim()) && after.trim() != before.trim());
}
