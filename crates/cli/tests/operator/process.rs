//! The operator's process, and how it is asked.

use crate::api_server::ApiServer;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, fs};

const PATIENCE: Duration = Duration::from_secs(30);
pub const CERTIFICATE: &str = "/api/v1/namespaces/sidecarset-system/secrets/sidecarset-webhook-certificate";
pub const CONFIGURATION: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecarset";
pub const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/sidecarset-system/leases/sidecarset-operator";
pub const STATUS: &str = "PATCH /apis/apps.kruise.io/v1beta1/sidecarsets/log-sc/status";

pub struct Operator {
    pub cluster: Arc<ApiServer>,
    process: Child,
    health: String,
    reviews: String,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// What an API server was told: whom to trust, and under which path to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub authorities: String,
    pub proof: String,
}

/// A set whose one Pod carries an earlier definition, and fails to pull its image.
fn objects() -> Vec<(&'static str, Value)> {
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "uid": "u1", "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": "agent:v2"}],
        },
    });
    let hash = json!({"log-sc": {
        "updateTimestamp": "2026-01-01T00:00:00Z", "hash": "an-earlier-one", "sidecarSetName": "log-sc",
        "sidecarList": ["agent"],
    }});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u2", "labels": {"app": "web"}, "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {
                "kruise.io/sidecarset-injected-list": "log-sc",
                "kruise.io/sidecarset-hash": hash.to_string(),
                "kruise.io/sidecarset-hash-without-image": hash.to_string(),
            },
        },
        "spec": {"nodeName": "node", "containers": [{"name": "agent", "image": "agent:v1"}]},
        "status": {
            "phase": "Pending", "observedGeneration": 1,
            "containerStatuses": [{
                "name": "agent", "image": "agent:v1", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff"}},
            }],
        },
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {}}});
    vec![
        ("/apis/apps.kruise.io/v1beta1/sidecarsets/log-sc", set),
        ("/api/v1/namespaces/shop/pods/web-0", pod),
        ("/api/v1/namespaces/shop", namespace),
    ]
}

/// A new Pod that the set selects.
pub fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

impl Operator {
    /// Starts the operator, and waits until it has written the status of the set.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with variables of the environment.
    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        let operator = Self::begin(Arc::new(ApiServer::start(objects())), variables, &[]);
        operator.cluster.until_written(STATUS);
        operator
    }

    /// Starts it where nobody may write objects of a kind.
    pub fn start_without(kind: &'static str) -> Self {
        let operator = Self::begin(Arc::new(ApiServer::start_without(kind, objects())), &[], &[]);
        operator.cluster.until_written(STATUS);
        operator
    }

    /// Starts it with more arguments.
    pub fn start_as(arguments: &[&str]) -> Self {
        let operator = Self::begin(Arc::new(ApiServer::start(objects())), &[], arguments);
        operator.cluster.until_written(STATUS);
        operator
    }

    /// Starts it where the API server has this address, and reaches the operator at it too.
    pub fn start_at(host: IpAddr) -> Self {
        let operator = Self::begin(Arc::new(ApiServer::start_at(host, "", objects())), &[], &[]);
        operator.cluster.until_written(STATUS);
        operator
    }

    /// Starts one more beside this one.
    pub fn start_beside(&self, arguments: &[&str]) -> Self {
        Self::begin(Arc::clone(&self.cluster), &[], arguments)
    }

    /// Starts it, and waits until it says where it listens.
    fn begin(cluster: Arc<ApiServer>, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let at = |port| SocketAddr::new(cluster.address.ip(), port);
        let mut process = Command::new(env!("CARGO_BIN_EXE_sidecarset"))
            .args(["operator", "--log-format", "json", "--kubeconfig"])
            .arg(kubeconfig(&cluster))
            .args(["--webhook-url", &format!("https://{}", at(9443))])
            .args(["--health-bind", &at(0).to_string(), "--webhook-bind", &at(0).to_string()])
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, addresses) = (Arc::default(), mpsc::channel());
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let reader = thread::spawn({
            let log = Arc::clone(&log);
            move || lines.map(Result::unwrap).for_each(|line| note(line, &log, &addresses.0))
        });
        let address = || addresses.1.recv_timeout(PATIENCE).expect("the operator says where it listens");
        let mut found = [address(), address()];
        // The one of health checks is "answering health checks and scrapes".
        found.sort();
        let [health, reviews] = found.map(|(_, address)| address);
        Self { cluster, process, health, reviews, log, reader: Some(reader) }
    }

    /// Asks for a path, and returns the head and the body of the answer.
    pub fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.health).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        read(stream)
    }

    /// Waits until the API server can ask.
    pub fn until_ready(&self) {
        let readyz = || self.get("/readyz");
        self.until(|| readyz().0.contains(" 200 "), || readyz().1);
    }

    /// Waits until it says that the API server should ask others.
    pub fn until_unready(&self) {
        self.until(|| self.get("/readyz").0.contains(" 503 "), || "it stays ready".to_owned());
    }

    /// Waits until there is a line in the log with this sentence.
    pub fn until_logged(&self, sentence: &str) {
        let quoted = format!("\"message\":\"{sentence}\"");
        let log = || self.log.lock().unwrap().clone();
        self.until(|| log().iter().any(|line| line.contains(&quoted)), || format!("no {sentence:?} in {:#?}", log()));
    }

    /// Says how many lines of the log have this sentence.
    pub fn logged(&self, sentence: &str) -> usize {
        let quoted = format!("\"message\":\"{sentence}\"");
        self.log.lock().unwrap().iter().filter(|line| line.contains(&quoted)).count()
    }

    fn until(&self, is_so: impl Fn() -> bool, or_else: impl Fn() -> String) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{}", or_else());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks what a new Pod gets, as the API server does.
    pub fn review(&self, pod: &Value) -> Value {
        self.review_with(pod, "")
    }

    /// Asks with more headers.
    pub fn review_with(&self, pod: &Value, headers: &str) -> Value {
        self.ask("/mutate-pod", &review_of(pod, ["", "v1", "Pod", "pods"]), headers)
    }

    /// Asks whether a new SidecarSet is refused, as the API server does.
    pub fn review_set(&self, set: &Value) -> Value {
        let resource = ["apps.kruise.io", "v1beta1", "SidecarSet", "sidecarsets"];
        self.ask("/validate-apps-kruise-io-sidecarset", &review_of(set, resource), "")
    }

    /// Asks what a new Pod gets, as an API server that knows this registration.
    ///
    /// # Errors
    /// One of the two does not know the other one.
    pub fn review_as(&self, registered: &Registered, pod: &Value) -> io::Result<Value> {
        let path = format!("/{}/mutate-pod", registered.proof);
        let review = review_of(pod, ["", "v1", "Pod", "pods"]);
        let (head, body) = self.try_to_post(&registered.authorities, &path, &review.to_string(), "")?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(format!("{head}\n{body}")));
        }
        Ok(serde_json::from_str(&body).unwrap())
    }

    fn ask(&self, path: &str, review: &Value, headers: &str) -> Value {
        let proofs: Value = serde_json::from_str(&self.secret("proofs")).unwrap();
        let path = format!("/{}{path}", proofs[0]["path"].as_str().unwrap());
        serde_json::from_str(&self.post(&self.secret("ca.crt"), &path, &review.to_string(), headers).1).unwrap()
    }

    /// Sends a body to a path, and returns the head and the body of the answer.
    pub fn post(&self, authorities: &str, path: &str, body: &str, headers: &str) -> (String, String) {
        self.try_to_post(authorities, path, body, headers).unwrap()
    }

    fn try_to_post(&self, authorities: &str, path: &str, body: &str, headers: &str) -> io::Result<(String, String)> {
        let mut stream = self.tls(authorities);
        let (length, kind) = (body.len(), format!("Content-Type: application/json\r\n{headers}Connection: close"));
        write!(stream, "POST {path} HTTP/1.1\r\nHost: a\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")?;
        Ok(read(stream))
    }

    /// Returns what the API server was told.
    pub fn registered(&self) -> Registered {
        let configuration = self.cluster.object(CONFIGURATION).unwrap();
        let client = &configuration["webhooks"][0]["clientConfig"];
        let authorities = BASE64_STANDARD.decode(client["caBundle"].as_str().unwrap()).unwrap();
        let proof = client["url"].as_str().unwrap().split('/').nth(3).unwrap().to_owned();
        Registered { authorities: String::from_utf8(authorities).unwrap(), proof }
    }

    /// Returns what the Secret of the certificate holds under a key.
    pub fn secret(&self, key: &str) -> String {
        let secret = self.cluster.object(CERTIFICATE).unwrap();
        String::from_utf8(BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap()).unwrap()
    }

    /// Tells the operator to end, as a kubelet does.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Freezes the operator, or lets it go on.
    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Ends the operator without a word.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the end of the operator, and says whether it was one in good order.
    pub fn until_ended(&mut self) -> bool {
        self.process.wait().unwrap().success()
    }

    /// Stops the operator as a kubelet does, and returns its whole log.
    pub fn log_to_the_end(mut self) -> Vec<String> {
        self.terminate();
        assert!(self.until_ended());
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn tls(&self, authorities: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(authorities.as_bytes()).map(Result::unwrap));
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(&self.reviews).unwrap();
        let name = ServerName::from(self.cluster.address.ip());
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn review_of(object: &Value, [group, version, kind, resource]: [&str; 4]) -> Value {
    let request = json!({
        "uid": "1", "operation": "CREATE", "namespace": "shop", "object": object,
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource},
    });
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// Keeps a line of the log, and tells the address if it has one.
fn note(line: String, log: &Mutex<Vec<String>>, addresses: &mpsc::Sender<(String, String)>) {
    let fields: Value = serde_json::from_str(&line).unwrap_or_default();
    if let (Some(message), Some(address)) = (fields["message"].as_str(), fields["address"].as_str()) {
        let _ = addresses.send((message.to_owned(), address.to_owned()));
    }
    log.lock().unwrap().push(line);
}

fn read(mut stream: impl Read) -> (String, String) {
    let mut text = Vec::new();
    // A server that closes a connection without a farewell is no trouble here.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    (head.to_owned(), body.to_owned())
}

fn kubeconfig(cluster: &ApiServer) -> std::path::PathBuf {
    let address = cluster.address;
    let path = env::temp_dir().join(format!("sidecarset-test-{}-{}.kubeconfig", address.is_ipv6(), address.port()));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    });
    fs::write(&path, config.to_string()).unwrap();
    path
}
