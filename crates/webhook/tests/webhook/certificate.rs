//! The Secret that holds the certificate.

use crate::scenario::{answering, failure};
use jiff::{Timestamp, ToSpan};
use kube::Client;
use serde_json::{Value, json};
use sidecarset_webhook::certificate::{CertificateSecret, Error, Held, Lifetimes, Material, Names, Reader};
use sidecarset_webhook::proof::Terms;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
const SECRET: &str = "sidecarset/sidecarset-webhook-certificate";
const PATH: &str = "/api/v1/namespaces/sidecarset/secrets";

fn names() -> Names {
    Names::new(["webhook.sidecarset.svc"])
}

fn own_secret(client: Client) -> CertificateSecret {
    CertificateSecret::new(client, "sidecarset", (names(), Lifetimes::A_YEAR), Terms::A_DAY)
}

fn proof_of(held: &Held) -> &str {
    held.proofs.iter().next().unwrap().as_str()
}

/// What an API server answers that has no Secret yet: not found, created, written.
fn creating() -> Vec<(u16, Value)> {
    let created = json!({"metadata": {"resourceVersion": "1"}});
    vec![failure(404, "NotFound"), (201, created.clone()), (200, created)]
}

/// Returns the Secret as a replica writes it that comes first.
async fn written() -> Value {
    let (client, asked) = answering(creating());
    own_secret(client).ensure(NOW).await.unwrap();
    let mut secret = asked.await.unwrap().remove(2).1;
    secret["metadata"]["resourceVersion"] = json!("7");
    secret
}

#[tokio::test]
async fn the_first_replica_writes_the_secret() {
    let (client, asked) = answering(creating());

    let held = own_secret(client).ensure(NOW).await.unwrap();

    let asked = asked.await.unwrap();
    let secret = format!("{PATH}/sidecarset-webhook-certificate");
    assert_eq!(asked[0].0, format!("GET {secret}"));
    // By applying, which a rule for this one name allows.
    assert!(asked[1].0.starts_with(&format!("PATCH {secret}")));
    assert_eq!((&asked[1].1["type"], &asked[1].1["data"]), (&json!("Opaque"), &Value::Null));
    assert!(asked[2].0.starts_with(&format!("PUT {secret}")));
    assert_eq!(asked[2].1["metadata"]["resourceVersion"], "1");
    let keys: Vec<_> = asked[2].1["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "ca.key", "proofs", "tls.crt", "tls.key"]);
    assert!(held.material.unwrap().certified_key().is_ok());
}

#[tokio::test]
async fn a_replica_that_comes_second_takes_what_the_first_wrote() {
    let first = written().await;
    let [missing, created, _] = creating().try_into().unwrap();
    let (client, asked) = answering(vec![missing, created, failure(409, "Conflict"), (200, first.clone())]);

    let held = own_secret(client).ensure(NOW).await.unwrap();

    asked.await.unwrap();
    let (client, _asked) = answering(vec![(200, first)]);
    assert_eq!(held, own_secret(client).ensure(NOW).await.unwrap());
}

// Applying answers with what is there, which is no conflict.
#[tokio::test]
async fn a_replica_that_applies_after_the_first_has_written_takes_what_that_wrote() {
    let first = written().await;
    let (client, asked) = answering(vec![failure(404, "NotFound"), (200, first.clone()), (200, first.clone())]);

    let held = own_secret(client).ensure(NOW).await.unwrap();

    assert!(asked.await.unwrap().iter().all(|(request, _)| !request.starts_with("PUT ")));
    let (client, _asked) = answering(vec![(200, first)]);
    assert_eq!(held, own_secret(client).ensure(NOW).await.unwrap());
}

#[tokio::test]
async fn a_good_secret_is_only_read() {
    let (client, asked) = answering(vec![(200, written().await)]);

    own_secret(client).ensure(NOW).await.unwrap();

    assert_eq!(asked.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_ends_is_replaced_where_nobody_else_wrote() {
    let secret = written().await;
    let (client, asked) = answering(vec![(200, secret.clone()), (200, json!({"metadata": {}}))]);

    own_secret(client).ensure(NOW + (300 * 24).hours()).await.unwrap();

    let asked = asked.await.unwrap();
    assert!(asked[1].0.starts_with(&format!("PUT {PATH}/sidecarset-webhook-certificate")));
    assert_eq!(asked[1].1["metadata"]["resourceVersion"], "7");
    assert_eq!(asked[1].1["data"]["ca.crt"], secret["data"]["ca.crt"]);
    assert_ne!(asked[1].1["data"]["tls.crt"], secret["data"]["tls.crt"]);
}

#[tokio::test]
async fn a_secret_without_a_key_is_written_anew_and_keeps_what_is_not_ours() {
    let mut secret = written().await;
    secret["data"].as_object_mut().unwrap().remove("tls.key");
    secret["data"]["other"] = json!("eA==");
    let (client, asked) = answering(vec![(200, secret.clone()), (200, json!({"metadata": {}}))]);

    own_secret(client).ensure(NOW).await.unwrap();

    let asked = asked.await.unwrap();
    assert_ne!(asked[1].1["data"]["ca.key"], secret["data"]["ca.key"]);
    assert_eq!(asked[1].1["data"]["other"], "eA==");
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_named() {
    let (client, asked) = answering(vec![failure(404, "NotFound"), failure(404, "NotFound")]);

    let error = own_secret(client).ensure(NOW).await.unwrap_err();

    asked.await.unwrap();
    assert!(matches!(error, Error::NamespaceMissing { .. }));
    assert_eq!(error.to_string(), "namespace sidecarset, which holds the certificate of the webhook, does not exist");
}

#[tokio::test]
async fn a_secret_that_others_keep_changing_is_given_up() {
    let expired = NOW + (300 * 24).hours();
    let secret = written().await;
    let answers = (0..5).flat_map(|_| [(200, secret.clone()), failure(409, "Conflict")]).collect();
    let (client, asked) = answering(answers);

    let error = own_secret(client).ensure(expired).await.unwrap_err();

    asked.await.unwrap();
    assert!(matches!(error, Error::Contended { .. }));
}

#[tokio::test]
async fn a_proof_that_is_old_is_replaced_and_stays_accepted_while_the_certificate_stays() {
    let secret = written().await;
    let (client, asked) = answering(vec![(200, secret.clone()), (200, json!({"metadata": {}}))]);

    let renewed = own_secret(client).ensure(NOW + 16.hours()).await.unwrap();

    let asked = asked.await.unwrap();
    assert_eq!(asked[1].1["data"]["tls.crt"], secret["data"]["tls.crt"]);
    let (client, _asked) = answering(vec![(200, secret)]);
    let before = own_secret(client).look(NOW).await.unwrap();
    assert_ne!(proof_of(&renewed), proof_of(&before));
    assert_eq!(renewed.proofs.iter().last(), before.proofs.iter().next());
}

#[tokio::test]
async fn beside_a_certificate_of_somebody_else_only_proofs_are_kept() {
    let (client, asked) = answering(creating());

    let held = CertificateSecret::of_proofs(client, "sidecarset", Terms::A_DAY).ensure(NOW).await.unwrap();

    let keys = asked.await.unwrap().remove(2).1["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((keys, held.material), (vec!["proofs".to_owned()], None::<Material>));
}

/// Returns the Secret as somebody else would keep it: without the key of the authority.
async fn given() -> Value {
    let mut secret = written().await;
    secret["data"].as_object_mut().unwrap().remove("ca.key");
    secret
}

fn reader(client: Client, name: &str) -> Reader {
    Reader::new(client, "sidecarset", "sidecarset-webhook-certificate", Names::new([name]))
}

#[tokio::test]
async fn a_certificate_that_somebody_else_keeps_is_only_read() {
    let secret = given().await;
    let (client, asked) = answering(vec![(200, secret)]);

    let material = reader(client, "webhook.sidecarset.svc").read(NOW).await.unwrap();

    assert_eq!(asked.await.unwrap()[0].0, format!("GET {PATH}/sidecarset-webhook-certificate"));
    assert!(material.certified_key().is_ok());
}

#[tokio::test]
async fn authorities_that_somebody_else_replaces_stay_trusted_beside_the_new_ones() {
    let (old, new) = (given().await, given().await);
    let (client, _asked) = answering(vec![(200, old), (200, new)]);
    let reader = reader(client, "webhook.sidecarset.svc");

    let before = reader.read(NOW).await.unwrap();
    let after = reader.read(NOW).await.unwrap();

    assert!(after.authorities().ends_with(before.authorities()));
    assert_eq!(after.authorities().matches("BEGIN CERTIFICATE").count(), 2);
}

#[tokio::test]
async fn a_certificate_of_somebody_else_that_cannot_be_served_is_refused_and_told_why() {
    let mut no_authority = given().await;
    no_authority["data"].as_object_mut().unwrap().remove("ca.crt");
    let mut mixed = given().await;
    mixed["data"]["ca.crt"] = given().await["data"]["ca.crt"].clone();
    let mut other_key = given().await;
    other_key["data"]["tls.key"] = given().await["data"]["tls.key"].clone();
    let (name, later) = ("webhook.sidecarset.svc", NOW + (366 * 24).hours());

    for (answer, name, now, fault) in [
        (failure(404, "NotFound"), name, NOW, "ca.crt, tls.crt or tls.key is missing"),
        ((200, no_authority), name, NOW, "ca.crt, tls.crt or tls.key is missing"),
        ((200, mixed), name, NOW, "another authority made the certificate"),
        ((200, other_key), name, NOW, "the certificate cannot be used, or is not the key's"),
        (
            (200, given().await),
            "another.svc",
            NOW,
            "the certificate is not for all the names under which the API server asks",
        ),
        ((200, given().await), name, later, "the certificate ends"),
    ] {
        let (client, _asked) = answering(vec![answer]);

        let error = reader(client, name).read(now).await.unwrap_err();

        let story = format!("secret {SECRET} holds no certificate that the webhook can serve: {fault}");
        assert_eq!(error.to_string(), story);
    }
}
