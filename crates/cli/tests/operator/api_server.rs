//! An API server that keeps what it is given, and shows no change of it.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// How long the operator may take for something that it does at once.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct ApiServer {
    pub address: SocketAddr,
    objects: Arc<Mutex<Objects>>,
    written: mpsc::Receiver<String>,
    // It serves as long as this is there.
    _runtime: Runtime,
}

/// The objects, by the path of each.
#[derive(Default)]
struct Objects {
    by_path: BTreeMap<String, Value>,
    version: u64,
}

#[derive(Clone)]
struct Server {
    objects: Arc<Mutex<Objects>>,
    tells: mpsc::Sender<String>,
    // A kind that nobody may write, if it is not empty.
    forbidden: &'static str,
}

impl ApiServer {
    /// Starts one that has these objects, each given with its path.
    pub fn start(objects: Vec<(&str, Value)>) -> Self {
        Self::start_without("", objects)
    }

    /// Starts one on which nobody may write objects of a kind.
    pub fn start_without(forbidden: &'static str, objects: Vec<(&str, Value)>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Objects::default()));
        for (path, object) in objects {
            kept.lock().unwrap().put(path, object);
        }
        let (tells, written) = mpsc::channel();
        let router = Router::new().fallback(answer).with_state(Server { objects: Arc::clone(&kept), tells, forbidden });
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, objects: kept, written, _runtime: runtime }
    }

    /// Waits until something was written: the method and the path.
    pub fn until_written(&self, what: &str) {
        while self.written.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody asked for {what}")) != what {}
    }

    /// Returns an object.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.objects.lock().unwrap().by_path.get(path).cloned()
    }
}

impl Objects {
    fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.by_path.insert(path.to_owned(), object.clone());
        object
    }

    /// Returns the objects of a kind, in every namespace.
    fn list(&self, path: &str) -> Value {
        let kind = path.rsplit('/').next();
        let is_of_kind = |object: &&String| object.rsplit('/').nth(1) == kind;
        let items: Vec<&Value> =
            self.by_path.iter().filter(|(at, _)| is_of_kind(at)).map(|(_, object)| object).collect();
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// Returns the events with which a watch begins that is to show all objects of a kind first.
    fn shown(&self, path: &str) -> String {
        let list = self.list(path);
        let objects = list["items"].as_array().into_iter().flatten();
        // The type comes first, as an API server writes it: a Pod is not read as text otherwise.
        let event = |kind: &str, object: &Value| format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n");
        let added = objects.map(|object| event("ADDED", object));
        let annotations = json!({"k8s.io/initial-events-end": "true"});
        let metadata = json!({"resourceVersion": list["metadata"]["resourceVersion"], "annotations": annotations});
        let end = event("BOOKMARK", &json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}));
        added.chain([end]).collect()
    }

    fn patch(&mut self, path: &str, change: &Value) -> Value {
        let path = path.strip_suffix("/status").unwrap_or(path);
        let mut object = self.by_path.get(path).cloned().unwrap_or_default();
        json_patch::merge(&mut object, change);
        self.put(path, object)
    }

    fn create(&mut self, path: &str, object: Value) -> Value {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap().to_owned();
        self.put(&format!("{path}/{name}"), object)
    }
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    if method == Method::GET && query.contains("watch=true") {
        let is_streamed = query.contains("sendInitialEvents=true");
        let shown = is_streamed.then(|| Bytes::from(server.objects.lock().unwrap().shown(path)));
        let events = stream::iter(shown.map(Ok::<_, Infallible>)).chain(stream::pending());
        return Response::new(Body::from_stream(events));
    }
    if method != Method::GET && path.split('/').any(|part| part == server.forbidden && !part.is_empty()) {
        return response(403, &status(403, "Forbidden"));
    }
    let object: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (code, answer) = {
        let mut objects = server.objects.lock().unwrap();
        match method {
            Method::GET if query.contains("limit=") => (200, objects.list(path)),
            Method::GET => {
                objects.by_path.get(path).map_or_else(|| (404, status(404, "NotFound")), |object| (200, object.clone()))
            }
            Method::POST => (201, objects.create(path, object)),
            Method::PATCH => (200, objects.patch(path, &object)),
            Method::PUT => (200, objects.put(path, object)),
            _ => panic!("nobody may {method} {path}"),
        }
    };
    if method != Method::GET {
        // The test may be over.
        let _ = server.tells.send(format!("{method} {path}"));
    }
    response(code, &answer)
}

fn response(code: u16, answer: &Value) -> Response {
    Response::builder().status(code).body(Body::from(answer.to_string())).unwrap()
}

fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "no"})
}
