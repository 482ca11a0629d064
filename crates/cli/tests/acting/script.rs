//! An API server that answers as it is told, and remembers what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::{env, fs, process};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const SETS: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets";
pub const SET: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets/log-sc";

static KUBECONFIGS: AtomicU32 = AtomicU32::new(0);

pub struct Script {
    lines: Arc<Mutex<Lines>>,
    kubeconfig: PathBuf,
    // It serves as long as this is there.
    _runtime: Runtime,
}

/// What ended, and what it said.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Default)]
struct Lines {
    /// By method and path: the answers in their order, of which the last one stays.
    answers: BTreeMap<String, Vec<Answer>>,
    asked: Vec<(String, Value)>,
}

#[derive(Clone)]
struct Answer {
    code: u16,
    warning: Option<&'static str>,
    body: String,
}

impl Script {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let kubeconfig = kubeconfig(listener.local_addr().unwrap());
        let lines = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&lines));
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { lines, kubeconfig, _runtime: runtime }
    }

    /// Answers so from the second time on that this is said for the same method and path; the last answer stays.
    pub fn answers(&self, line: &str, code: u16, body: &Value) -> &Self {
        self.add(line, Answer { code, warning: None, body: body.to_string() })
    }

    /// Answers with a warning.
    pub fn warns(&self, line: &str, warning: &'static str, body: &Value) -> &Self {
        self.add(line, Answer { code: 200, warning: Some(warning), body: body.to_string() })
    }

    fn add(&self, line: &str, answer: Answer) -> &Self {
        self.lines.lock().unwrap().answers.entry(line.to_owned()).or_default().push(answer);
        self
    }

    /// Runs the command line against it.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_as(Path::new(env!("CARGO_BIN_EXE_sidecarset")), arguments)
    }

    /// Runs it under another name.
    pub fn run_as(&self, program: &Path, arguments: &[&str]) -> Ended {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("KUBECONFIG", &self.kubeconfig);
        Ended::of(&command.output().unwrap())
    }

    /// Returns what it was asked, with the bodies, but for what only reads.
    pub fn writes(&self) -> Vec<(String, Value)> {
        let asked = self.lines.lock().unwrap().asked.clone();
        asked.into_iter().filter(|(line, _)| !line.starts_with("GET ")).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It is in a folder that goes anyway.
        let _ = fs::remove_file(&self.kubeconfig);
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// What an API server says when it refuses something about an object, or about none.
pub fn refusal(code: u16, reason: &str, message: &str, object: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
        "details": {"name": object, "group": "apps.kruise.io", "kind": "sidecarsets"},
    })
}

pub fn set() -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "uid": "u1", "resourceVersion": "7", "generation": 3},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": "agent:v1"}],
        },
    })
}

fn kubeconfig(address: SocketAddr) -> PathBuf {
    let number = KUBECONFIGS.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("sidecarset-test-acting-{}-{number}.kubeconfig", process::id()));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [],
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}],
    });
    fs::write(&path, config.to_string()).unwrap();
    path
}

async fn answer(State(lines): State<Arc<Mutex<Lines>>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut lines = lines.lock().unwrap();
    lines.asked.push((format!("{method} {uri}"), serde_json::from_slice(&body).unwrap_or_default()));
    let answers = lines.answers.get_mut(&format!("{method} {}", uri.path()));
    let answer = answers.map(|answers| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() });
    // As an API server that does not know the path.
    let unknown = || Answer { code: 404, warning: None, body: "404 page not found\n".to_owned() };
    let Answer { code, warning, body } = answer.unwrap_or_else(unknown);
    let response = Response::builder().status(code);
    let response = warning.into_iter().fold(response, |response, text| response.header("Warning", text));
    response.body(Body::from(body)).unwrap()
}
