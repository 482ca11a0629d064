//! Real connections on loopback.

use crate::exchange::{Lookup, POD, create_pod, knowing, sidecar_set};
use axum::Router;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, Stream};
use serde_json::{Value, json};
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Material, Names, issue, reissue};
use sidecarset_webhook::server::{Callers, Clients, Ends, ParseClientsError, listen, serve};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
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

/// Makes certificates for clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = params("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
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

/// Starts one that answers clients with a certificate of these authorities, with one of these names.
fn start_for(material: &Material, authority: &Authority, names: &[&str]) -> Running {
    let names = names.iter().map(|&name| name.to_owned());
    let clients = Clients::parse(authority.0.pem().as_bytes(), names).unwrap();
    start_all(material, knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), Some(clients))
}

fn start_with(material: &Material, sets: &[Value], lookup: Lookup) -> Running {
    start_all(material, knowing(sets, lookup), None)
}

fn start_all(material: &Material, router: Router, clients: Option<Clients>) -> Running {
    let certificates = Arc::new(CertificateResolver::default());
    certificates.put(material.certified_key().unwrap());
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let callers = clients.map(|clients| Callers { proofs: Arc::default(), certificates: Some(clients), tokens: None });
    let ends = Ends { callers, ..Ends::open(Arc::clone(&certificates)) };
    let server = tokio::spawn(serve(listener, router, ends, shutdown.clone()));
    Running { address, certificates, shutdown, server }
}

async fn connect(address: SocketAddr, authorities: &str, protocol: &'static [u8]) -> Seen {
    let config = config(authorities).with_no_client_auth();
    spawn_blocking(move || ask(address, config, protocol)).await.unwrap().unwrap()
}

/// Asks with a certificate for a name, of an authority.
async fn connect_as(address: SocketAddr, authorities: &str, client: (&Authority, &str)) -> io::Result<Seen> {
    let (chain, key) = client.0.certificate(client.1);
    let config = config(authorities).with_client_auth_cert(chain, key).unwrap();
    spawn_blocking(move || ask(address, config, b"http/1.1")).await.unwrap()
}

fn config(authorities: &str) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let roots = CertificateDer::pem_slice_iter(authorities.as_bytes()).map(Result::unwrap);
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(Stopped))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
}

fn ask(address: SocketAddr, mut config: ClientConfig, protocol: &[u8]) -> io::Result<Seen> {
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address)?;
    connection.complete_io(&mut socket)?;
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    let mut answer = String::new();
    if protocol.as_deref() == Some(b"http/1.1") {
        let mut stream = Stream::new(&mut connection, &mut socket);
        stream.write_all(request().as_bytes())?;
        stream.read_to_string(&mut answer)?;
    }
    Ok(Seen { certificate: connection.peer_certificates().unwrap()[0].clone().into_owned(), protocol, answer })
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
    let material = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
    let running = start(&material);

    let seen = connect(running.address, material.authorities(), b"http/1.1").await;

    assert!(seen.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", seen.answer);
    assert!(seen.answer.contains(r#""patchType":"JSONPatch""#), "{}", seen.answer);
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let material = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
    let running = start(&material);

    let seen = connect(running.address, material.authorities(), b"h2").await;

    assert_eq!(seen.protocol.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn a_new_certificate_is_served_from_the_next_connection_on() {
    let old = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
    let running = start(&old);
    let before = connect(running.address, old.authorities(), b"http/1.1").await;
    let new = reissue(&old, &names(), Lifetimes::A_YEAR, NOW).unwrap();

    running.certificates.put(new.certified_key().unwrap());
    let after = connect(running.address, old.authorities(), b"http/1.1").await;

    assert_eq!(before.certificate, old.certified_key().unwrap().cert[0]);
    assert_eq!(after.certificate, new.certified_key().unwrap().cert[0]);
    assert!(after.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", after.answer);
}

#[tokio::test]
async fn whoever_trusts_a_new_authority_still_trusts_the_one_before() {
    let old = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
    let running = start(&old);
    let new = issue(&names(), Some(old.authorities()), Lifetimes::A_YEAR, NOW).unwrap();

    let before = connect(running.address, new.authorities(), b"http/1.1").await;
    running.certificates.put(new.certified_key().unwrap());
    let after = connect(running.address, new.authorities(), b"http/1.1").await;

    assert!(before.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", before.answer);
    assert!(after.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", after.answer);
}

#[tokio::test]
async fn a_client_with_the_right_certificate_is_answered() {
    let (material, authority) = (issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap(), Authority::new());
    let named = start_for(&material, &authority, &["another", "kube-apiserver"]);
    let unnamed = start_for(&material, &authority, &[]);

    for running in [named, unnamed] {
        let client = (&authority, "kube-apiserver");
        let seen = connect_as(running.address, material.authorities(), client).await.unwrap();

        assert!(seen.answer.starts_with("HTTP/1.1 200 OK\r\n"), "{}", seen.answer);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_turned_away() {
    let (material, authority) = (issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap(), Authority::new());
    let running = start_for(&material, &authority, &[]);
    let config = config(material.authorities()).with_no_client_auth();

    let error = spawn_blocking(move || ask(running.address, config, b"http/1.1")).await.unwrap().err().unwrap();

    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn a_client_with_a_certificate_of_another_authority_is_turned_away() {
    let (material, authority) = (issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap(), Authority::new());
    let running = start_for(&material, &authority, &["kube-apiserver"]);

    let client = (&Authority::new(), "kube-apiserver");
    let error = connect_as(running.address, material.authorities(), client).await.err().unwrap();

    assert!(error.to_string().contains("DecryptError"), "{error}");
}

#[tokio::test]
async fn a_client_with_another_name_is_turned_away() {
    let (material, authority) = (issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap(), Authority::new());
    let running = start_for(&material, &authority, &["kube-apiserver"]);

    let client = (&authority, "system:node:one");
    let error = connect_as(running.address, material.authorities(), client).await.err().unwrap();

    assert!(error.to_string().contains("AccessDenied"), "{error}");
}

#[test]
fn authorities_that_nobody_can_be_checked_by_are_refused() {
    let parse = |text: &str| Clients::parse(text.as_bytes(), []);

    assert_eq!(parse("junk"), Err(ParseClientsError::Empty));
    let broken = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n";
    assert_eq!(parse(broken), Err(ParseClientsError::NotCertificates));
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to() {
    let running = start(&issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap());

    running.shutdown.cancel();

    assert!(running.server.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_review_that_is_under_way_is_finished_first() {
    static ASKED: Notify = Notify::const_new();
    static GO: Notify = Notify::const_new();
    let material = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
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

/// Reads a frame of HTTP/2: its type and what it holds.
fn frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length.try_into().unwrap()];
    stream.read_exact(&mut payload).unwrap();
    (head[3], payload)
}

/// Says hello over HTTP/2, and returns the farewell.
fn farewell(address: SocketAddr, authorities: &str, connected: oneshot::Sender<()>) -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const GO_AWAY: u8 = 7;
    let mut config = config(authorities).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1").unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    assert_eq!(frame(&mut stream).0, SETTINGS);
    connected.send(()).unwrap();
    loop {
        let (kind, payload) = frame(&mut stream);
        if kind == GO_AWAY {
            return payload;
        }
    }
}

#[tokio::test]
async fn a_client_that_keeps_its_connection_is_told_to_go_away_without_an_error() {
    let material = issue(&names(), None, Lifetimes::A_YEAR, NOW).unwrap();
    let running = start(&material);
    let (address, authorities) = (running.address, material.authorities().to_owned());
    let (connected, is_connected) = oneshot::channel();
    let client = spawn_blocking(move || farewell(address, &authorities, connected));
    is_connected.await.unwrap();

    running.shutdown.cancel();

    let payload = client.await.unwrap();
    assert_eq!(payload[4..8], [0; 4]);
    assert!(running.server.await.unwrap().is_ok());
}
