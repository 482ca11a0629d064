//! Real connections on loopback.

use crate::exchange::{Lookup, POD, create_pod, knowing, sidecar_set};
use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use serde_json::{Value, json};
use sidecarset_webhook::certificate::{CertificateResolver, Material, Names, issue, reissue};
use sidecarset_webhook::server::{listen, serve};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// The clock of the clients.
#[derive(Debug)]
struct Stopped;

impl TimeProvider for Stopped {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1_790_000_000)))
    }
}

/// What a client saw.
struct Seen {
    certificate: CertificateDer<'static>,
    protocol: Option<Vec<u8>>,
    answer: String,
}

struct Running {
    address: SocketAddr,
    certificates: Arc<CertificateResolver>,
    shutdown: CancellationToken,
    server: JoinHandle<Result<(), sidecarset_webhook::server::Error>>,
}

fn start(material: &Material) -> Running {
    start_with(material, &[sidecar_set("agent-set")], Lookup::NotExpected)
}

fn start_with(material: &Material, sets: &[Value], lookup: Lookup) -> Running {
    let certificates = Arc::new(CertificateResolver::default());
    certificates.put(material.certified_key().unwrap());
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (resolver, token) = (Arc::clone(&certificates), shutdown.clone());
    let router = knowing(sets, lookup);
    let server = tokio::spawn(serve(listener, router, resolver, token));
    Running { address, certificates, shutdown, server }
}

async fn connect(address: SocketAddr, authorities: &str, protocol: &'static [u8]) -> Seen {
    let roots = CertificateDer::pem_slice_iter(authorities.as_bytes()).map(Result::unwrap);
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    let mut config = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(Stopped))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    spawn_blocking(move || ask(address, Arc::new(config))).await.unwrap()
}

fn ask(address: SocketAddr, config: Arc<ClientConfig>) -> Seen {
    let mut connection = ClientConnection::new(config, ServerName::try_from("127.0.0.1").unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    connection.complete_io(&mut socket).unwrap();
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    let mut answer = String::new();
    if protocol.as_deref() == Some(b"http/1.1") {
        let mut stream = Stream::new(&mut connection, &mut socket);
        stream.write_all(request().as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    Seen { certificate: connection.peer_certificates().unwrap()[0].clone().into_owned(), protocol, answer }
}

fn request() -> String {
    let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)})
        .to_string();
    let length = review.len();
    let headers = "Host: a\r\nContent-Type: application/json\r\nConnection: close";
    format!("POST {POD} HTTP/1.1\r\n{headers}\r\nContent-Length: {length}\r\n\r\n{review}")
}

fn names() -> Names {
    Names::new(["127.0.0.1"])
}

#[tokio::test]
async fn a_review_is_answered_over_tls() {
    let material = issue(&names(), None, NOW).unwrap();
    let running = start(&material);

    let seen = connect(running.address, material.authorities(), b"http/1.1").await;

    assert!(seen.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", seen.answer);
    assert!(seen.answer.contains(r#""patchType":"JSONPatch""#), "{}", seen.answer);
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let material = issue(&names(), None, NOW).unwrap();
    let running = start(&material);

    let seen = connect(running.address, material.authorities(), b"h2").await;

    assert_eq!(seen.protocol.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn a_new_certificate_is_served_from_the_next_connection_on() {
    let old = issue(&names(), None, NOW).unwrap();
    let running = start(&old);
    let before = connect(running.address, old.authorities(), b"http/1.1").await;
    let new = reissue(&old, &names(), NOW).unwrap();

    running.certificates.put(new.certified_key().unwrap());
    let after = connect(running.address, old.authorities(), b"http/1.1").await;

    assert_eq!(before.certificate, old.certified_key().unwrap().cert[0]);
    assert_eq!(after.certificate, new.certified_key().unwrap().cert[0]);
    assert!(after.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", after.answer);
}

#[tokio::test]
async fn whoever_trusts_a_new_authority_still_trusts_the_one_before() {
    let old = issue(&names(), None, NOW).unwrap();
    let running = start(&old);
    let new = issue(&names(), Some(old.authorities()), NOW).unwrap();

    let before = connect(running.address, new.authorities(), b"http/1.1").await;
    running.certificates.put(new.certified_key().unwrap());
    let after = connect(running.address, new.authorities(), b"http/1.1").await;

    assert!(before.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", before.answer);
    assert!(after.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", after.answer);
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to() {
    let running = start(&issue(&names(), None, NOW).unwrap());

    running.shutdown.cancel();

    assert!(running.server.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_review_that_is_under_way_is_finished_first() {
    static ASKED: Notify = Notify::const_new();
    static GO: Notify = Notify::const_new();
    let material = issue(&names(), None, NOW).unwrap();
    let mut set = sidecar_set("agent-set");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});
    let running = start_with(&material, &[set], Lookup::Waits { asked: &ASKED, go: &GO });
    let (address, authorities) = (running.address, material.authorities().to_owned());
    let client = tokio::spawn(async move { connect(address, &authorities, b"http/1.1").await });
    ASKED.notified().await;

    running.shutdown.cancel();
    GO.notify_one();

    let answer = client.await.unwrap().answer;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(running.server.await.unwrap().is_ok());
}
