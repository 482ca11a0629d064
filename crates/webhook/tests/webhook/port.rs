//! Who is let in, how many there are, and for how long: real connections on loopback, whose time is shorter than usual.

use crate::exchange::{Lookup, POD, create_pod, knowing, sidecar_set};
use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use sidecarset_webhook::Metrics;
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Names, issue};
use sidecarset_webhook::metrics::Closed;
use sidecarset_webhook::proof::{Accepted, Proof};
use sidecarset_webhook::server::{Callers, Ends, Limits, Patience, Tokens, listen, serve, serve_health};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const QUICK: Limits = Limits {
    patience: Patience { introduction: Duration::from_millis(400), idle: Duration::from_millis(1200) },
    ..Limits::REVIEWS
};

struct Running {
    address: SocketAddr,
    proof: Proof,
    authorities: String,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    // It serves as long as this is there.
    _runtime: Runtime,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn start(limits: Limits) -> Running {
    start_for(limits, None)
}

fn start_for(limits: Limits, tokens: Option<Tokens>) -> Running {
    let material = issue(&Names::new(["127.0.0.1"]), None, Lifetimes::A_YEAR, Timestamp::now()).unwrap();
    let certificates = Arc::new(CertificateResolver::default());
    certificates.put(material.certified_key().unwrap());
    let (proof, proofs, metrics) = (Proof::random().unwrap(), Arc::<Accepted>::default(), Arc::<Metrics>::default());
    proofs.keep([&proof]);
    let callers = Callers { proofs, certificates: None, tokens: tokens.map(Arc::new) };
    let ends = Ends { certificates, callers: Some(callers), limits, metrics: Arc::clone(&metrics) };
    let (runtime, shutdown) = (Runtime::new().unwrap(), CancellationToken::new());
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let router = knowing(&[sidecar_set("agent-set")], Lookup::NotExpected);
    runtime.spawn(serve(listener, router, ends, shutdown.clone()));
    Running { address, proof, authorities: material.authorities().to_owned(), metrics, shutdown, _runtime: runtime }
}

impl Running {
    fn connect(&self) -> Stream {
        self.connect_by(&[])
    }

    /// Connects, and speaks one of these protocols.
    fn connect_by(&self, protocols: &[&[u8]]) -> Stream {
        let roots = CertificateDer::pem_slice_iter(self.authorities.as_bytes()).map(Result::unwrap);
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream
    }

    fn proven(&self, path: &str) -> String {
        self.proof.before(path)
    }

    /// Waits until so many connections have ended for a reason.
    fn until_closed(&self, reason: Closed, count: u64) {
        let began = Instant::now();
        while self.metrics.closed(reason) < count {
            assert!(began.elapsed() < Duration::from_secs(10), "{} were closed", self.metrics.closed(reason));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends the head of a review and what there is of its body, and returns the head of the answer.
fn ask(stream: &mut (impl Read + Write), path: &str, headers: &str, (length, body): (usize, &str)) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}");
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    stream.flush().unwrap();
    answer(stream)
}

/// Reads one answer, and returns its head.
fn answer(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head
}

fn review() -> String {
    let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create_pod(&pod)}).to_string()
}

fn ask_whole(stream: &mut Stream, path: &str, headers: &str) -> String {
    let review = review();
    ask(stream, path, headers, (review.len(), &review))
}

/// Says after how long the other end closes the connection.
fn until_closed(mut stream: impl Read) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    // With or without a farewell.
    let _ = stream.read_to_end(&mut rest);
    began.elapsed()
}

#[test]
fn who_asks_where_we_are_registered_is_answered_and_nobody_else() {
    let running = start(QUICK);
    let mut stream = running.connect();

    assert!(ask_whole(&mut stream, &running.proven(POD), "").starts_with("HTTP/1.1 200 "));
    for path in [POD, &Proof::random().unwrap().before(POD), "/"] {
        let head = ask_whole(&mut stream, path, "");
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    }
}

#[test]
fn who_knows_no_path_is_answered_before_his_body_has_come_and_nothing_is_counted_but_that() {
    let running = start(QUICK);

    let head = ask(&mut running.connect(), POD, "", (7_000_000, ""));

    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    let mut registry = Default::default();
    running.metrics.register(&mut registry);
    let told = sidecarset_metrics::scrape(&registry).unwrap();
    assert!(told.contains("\nrequests_without_proof_total 1\n"), "{told}");
    assert!(!told.lines().any(|line| line.starts_with("reviews_total") && !line.ends_with(" 0")), "{told}");
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_what_is_wrong_with_it() {
    let running = start(QUICK);
    let mut stream = running.connect();
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n", running.proven(POD));

    write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\nno size\r\n").unwrap();
    stream.flush().unwrap();
    let mut answer = String::new();
    // With or without a farewell.
    let _ = stream.read_to_string(&mut answer);

    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("error reading a body from connection: Invalid chunk size"), "{answer}");
}

#[test]
fn a_token_is_asked_for_where_there_are_tokens_and_the_path_is_not_enough() {
    let file = std::env::temp_dir().join(format!("sidecarset-port-{}", std::process::id()));
    fs::write(&file, "a-token-of-an-api-server").unwrap();
    let running = start_for(QUICK, Some(Tokens::read(&file).unwrap()));
    let mut stream = running.connect();
    let shown = "Authorization: Bearer a-token-of-an-api-server\r\n";

    let heads = [
        ask_whole(&mut stream, &running.proven(POD), ""),
        ask_whole(&mut stream, &running.proven(POD), "Authorization: Bearer another\r\n"),
        ask_whole(&mut stream, &running.proven(POD), shown),
        ask_whole(&mut stream, POD, shown),
    ];

    assert_eq!(heads.map(|head| head.split(' ').nth(1).unwrap().to_owned()), ["404", "404", "200", "200"]);
}

#[test]
fn a_connection_without_a_handshake_is_closed() {
    let running = start(QUICK);
    let socket = TcpStream::connect(running.address).unwrap();

    assert!((300..5000).contains(&until_closed(socket).as_millis()));
    running.until_closed(Closed::Unknown, 1);
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let running = start(QUICK);
    let mut stream = running.connect();
    write!(stream, "POST {POD} HTTP/1.1\r\nX: ").unwrap();
    stream.flush().unwrap();

    assert!((300..5000).contains(&until_closed(stream).as_millis()));
}

#[test]
fn who_does_not_show_to_be_an_api_server_is_not_kept_by_asking_again_and_again() {
    let running = start(QUICK);
    let (mut stream, began) = (running.connect(), Instant::now());

    while write!(stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").and_then(|()| stream.flush()).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }

    running.until_closed(Closed::Unknown, 1);
}

#[test]
fn an_api_server_that_asks_nothing_for_long_is_left_with_a_farewell() {
    let running = start(QUICK);
    let mut stream = running.connect();
    ask_whole(&mut stream, &running.proven(POD), "");

    let quiet = until_closed(stream);

    assert!((1000..6000).contains(&quiet.as_millis()), "{quiet:?}");
    running.until_closed(Closed::Idle, 1);
}

#[test]
fn one_connection_too_many_takes_the_place_of_the_oldest_stranger_and_never_that_of_an_api_server() {
    let patience = Patience { introduction: Duration::from_secs(60), idle: Duration::from_secs(60) };
    let running = start(Limits { connections: 3.try_into().unwrap(), patience });
    let mut known = running.connect();
    ask_whole(&mut known, &running.proven(POD), "");
    let (oldest, mut newer) = (running.connect(), running.connect());

    let mut last = running.connect();

    assert!(ask_whole(&mut last, &running.proven(POD), "").starts_with("HTTP/1.1 200 "));
    assert!(until_closed(oldest) < Duration::from_secs(10));
    for stream in [&mut known, &mut newer] {
        assert!(ask_whole(stream, &running.proven(POD), "").starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(running.metrics.closed(Closed::Evicted), 1);
}

#[test]
fn a_thousand_silent_connections_keep_no_api_server_out() {
    let patience = Patience { introduction: Duration::from_secs(60), idle: Duration::from_secs(60) };
    let running = start(Limits { connections: 50.try_into().unwrap(), patience });
    let silent: Vec<_> = (0..1000).map(|_| TcpStream::connect(running.address).unwrap()).collect();

    assert!(ask_whole(&mut running.connect(), &running.proven(POD), "").starts_with("HTTP/1.1 200 "));
    running.until_closed(Closed::Evicted, 950);
    drop(silent);
}

#[test]
fn who_does_not_come_to_an_end_is_not_waited_for_when_we_are() {
    let running = start(Limits::REVIEWS);
    let _silent = running.connect();
    let began = Instant::now();

    running.shutdown.cancel();

    running.until_closed(Closed::Done, 1);
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[test]
fn health_checks_are_answered_whoever_holds_connections_there() {
    let runtime = Runtime::new().unwrap();
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/healthz", get(async || "ok"));
    let limits = Limits { connections: 4.try_into().unwrap(), patience: QUICK.patience };
    runtime.spawn(serve_health(listener, router, limits, CancellationToken::new()));
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"GET /healthz HT").unwrap();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();

    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();

    assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
    assert!(until_closed(half) < Duration::from_secs(5));
    // Nobody stays, who has asked either.
    assert!(until_closed(stream) < Duration::from_secs(5));
    drop(silent);
}

/// What a frame of HTTP/2 is about.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// The head of `POST /`, as HPACK has it.
const POST: [u8; 6] = [0x83, 0x87, 0x84, 0x41, 1, b'a'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Begins to speak HTTP/2, and sends these frames.
fn greet(stream: &mut Stream, frames: &[Vec<u8>]) {
    let greeting = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[]), frames.concat()];
    stream.write_all(&greeting.concat()).unwrap();
    stream.flush().unwrap();
}

/// Reads the next frame of this kind.
fn next_frame(stream: &mut impl Read, wanted: u8) -> Vec<u8> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == wanted {
            return payload;
        }
    }
}

#[test]
fn an_http2_connection_says_how_many_streams_and_headers_there_may_be_and_how_much_of_each() {
    let running = start(QUICK);
    let mut stream = running.connect_by(&[b"h2"]);

    greet(&mut stream, &[]);

    let settings = next_frame(&mut stream, SETTINGS);
    let setting = |number: u8| {
        let found = settings.chunks(6).find(|setting| setting[..2] == [0, number]).unwrap();
        u32::from_be_bytes(found[2..].try_into().unwrap())
    };
    let (streams, window, head) = (setting(3), setting(4), setting(6));
    assert_eq!((streams, window, head), (128, 64 * 1024, 16 * 1024));
}

#[test]
fn who_resets_streams_again_and_again_is_left() {
    let running = start(Limits::REVIEWS);
    let mut stream = running.connect_by(&[b"h2"]);
    let streams = (0..100).map(|at| 2 * at + 1);
    let frames = streams.flat_map(|id| [frame(HEADERS, 5, id, &POST), frame(RST_STREAM, 0, id, &[0, 0, 0, 8])]);

    greet(&mut stream, &frames.collect::<Vec<_>>());

    // Enhance your calm.
    assert_eq!(next_frame(&mut stream, GOAWAY)[4..8], [0, 0, 0, 11]);
    assert!(until_closed(stream) < Duration::from_secs(5));
}
