//! An API server that has made-up objects, and lets them change while somebody watches.

use crate::served::{Ended, Served};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub const SETS: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets";

pub struct Server {
    has: Arc<Mutex<Has>>,
    served: Served,
}

#[derive(Default)]
struct Has {
    /// By path.
    lists: BTreeMap<String, Vec<Value>>,
    /// By path, and for watches with a word before it.
    refusals: BTreeMap<String, Value>,
    /// What whoever watches the sets is told, after what there is.
    changes: Vec<Value>,
    /// Whether the sets are deleted, and the watch is cut so that nobody is told of it.
    deletes_unseen: bool,
    asked: Vec<String>,
}

impl Server {
    /// Starts one that knows no path.
    pub fn start() -> Self {
        let has = Arc::default();
        let served = Served::start(Router::new().fallback(answer).with_state(Arc::clone(&has)), "shop");
        Self { has, served }
    }

    /// Puts objects behind a path.
    pub fn lists(self, path: &str, objects: &[Value]) -> Self {
        self.has.lock().unwrap().lists.insert(path.to_owned(), objects.to_vec());
        self
    }

    /// Refuses a path, whoever asks: `watch PATH` only those who watch it.
    pub fn refuses(self, path: &str, code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": message, "details": {},
        });
        self.has.lock().unwrap().refusals.insert(path.to_owned(), status);
        self
    }

    /// Changes a set once somebody watches.
    pub fn then(self, set: Value) -> Self {
        self.has.lock().unwrap().changes.push(set);
        self
    }

    /// Deletes the sets once somebody watches, whose watch cannot go on from where it was.
    pub fn deletes_unseen(self) -> Self {
        self.has.lock().unwrap().deletes_unseen = true;
        self
    }

    /// Runs the command line against it.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.served.run(arguments)
    }

    /// Returns what it was asked.
    pub fn asked(&self) -> Vec<String> {
        self.has.lock().unwrap().asked.clone()
    }
}

async fn answer(State(has): State<Arc<Mutex<Has>>>, method: Method, uri: Uri) -> Response {
    let mut has = has.lock().unwrap();
    has.asked.push(format!("{method} {uri}"));
    let is_watch = uri.query().is_some_and(|query| query.contains("watch=true"));
    let watched = if is_watch { format!("watch {}", uri.path()) } else { uri.path().to_owned() };
    let refusal = has.refusals.get(&watched).or_else(|| has.refusals.get(uri.path()));
    if let Some(status) = refusal {
        let code = u16::try_from(status["code"].as_u64().unwrap()).unwrap();
        return Response::builder().status(code).body(Body::from(status.to_string())).unwrap();
    }
    if is_watch && has.deletes_unseen {
        has.lists.insert(SETS.to_owned(), Vec::new());
        let expired = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old",
        });
        return Response::new(Body::from(format!("{}\n", json!({"type": "ERROR", "object": expired}))));
    }
    match has.lists.get(uri.path()) {
        Some(_) if is_watch => Response::new(changes(&has.changes)),
        Some(items) => {
            Response::new(Body::from(json!({"metadata": {"resourceVersion": "7"}, "items": items}).to_string()))
        }
        // As an API server that does not know the path.
        None => Response::builder().status(404).body(Body::from("404 page not found\n")).unwrap(),
    }
}

/// A watch that tells what changes, and does not end.
fn changes(changes: &[Value]) -> Body {
    // As an API server writes it: the type first.
    let event = |object: &Value| format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}\n");
    let told: Vec<Result<String, std::io::Error>> = changes.iter().map(event).map(Ok).collect();
    Body::from_stream(stream::iter(told).chain(stream::pending()))
}
