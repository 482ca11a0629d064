//! An API server that answers as it is told, and remembers what it was asked.

use crate::served::{Ended, Served};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub const SETS: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets";
pub const SET: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets/log-sc";

pub struct Script {
    lines: Arc<Mutex<Lines>>,
    served: Served,
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
        let lines = Arc::default();
        let served = Served::start(Router::new().fallback(answer).with_state(Arc::clone(&lines)), "default");
        Self { lines, served }
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

    /// Returns the kubeconfig of whoever asks it.
    pub fn kubeconfig(&self) -> &Path {
        self.served.kubeconfig()
    }

    /// Runs the command line against it.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.served.run(arguments)
    }

    /// Runs it under another name.
    pub fn run_as(&self, program: &Path, arguments: &[&str]) -> Ended {
        self.served.run_as(program, arguments)
    }

    /// Returns what it was asked, with the bodies, but for what only reads.
    pub fn writes(&self) -> Vec<(String, Value)> {
        let asked = self.lines.lock().unwrap().asked.clone();
        asked.into_iter().filter(|(line, _)| !line.starts_with("GET ")).collect()
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
