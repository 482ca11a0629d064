//! An API server that keeps what it is given, and shows its changes.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::pending;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// How long the operator may take for something that it does at once.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct ApiServer {
    pub address: SocketAddr,
    objects: Arc<Mutex<Objects>>,
    written: Mutex<mpsc::Receiver<String>>,
    // It serves as long as this is there.
    _runtime: Runtime,
}

/// The objects, by the path of each.
#[derive(Default)]
struct Objects {
    by_path: BTreeMap<String, Value>,
    version: u64,
    // Every change there was, as the event of a watch, and who waits for more.
    history: Vec<(u64, String, Bytes)>,
    watchers: Vec<Watcher>,
    /// Writes to these paths are not answered.
    silent: BTreeSet<String>,
}

/// One that follows the objects of a kind, or the one of a name.
struct Watcher {
    kind: String,
    name: Option<String>,
    to: UnboundedSender<Bytes>,
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
        Self::start_at(Ipv4Addr::LOCALHOST.into(), forbidden, objects)
    }

    /// Starts one at an address of this machine.
    pub fn start_at(host: IpAddr, forbidden: &'static str, objects: Vec<(&str, Value)>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((host, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Objects::default()));
        for (path, object) in objects {
            kept.lock().unwrap().put(path, object);
        }
        let (tells, written) = mpsc::channel();
        let router = Router::new().fallback(answer).with_state(Server { objects: Arc::clone(&kept), tells, forbidden });
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, objects: kept, written: Mutex::new(written), _runtime: runtime }
    }

    /// Waits until something was written: the method and the path.
    pub fn until_written(&self, what: &str) {
        let written = self.written.lock().unwrap();
        while written.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody asked for {what}")) != what {}
    }

    /// Never answers writes to this path.
    pub fn silence(&self, path: &str) {
        self.objects.lock().unwrap().silent.insert(path.to_owned());
    }

    /// Changes an object as somebody else would.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut objects = self.objects.lock().unwrap();
        let mut object = objects.by_path[path].clone();
        change(&mut object);
        objects.put(path, object);
    }

    /// Returns an object.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.objects.lock().unwrap().by_path.get(path).cloned()
    }
}

// The type comes first, as an API server writes it: a Pod is not read as text otherwise.
fn event(kind: &str, object: &Value) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

impl Watcher {
    fn of(path: &str, query: &str) -> (Self, UnboundedReceiver<Bytes>) {
        let (to, events) = unbounded();
        let kind = path.rsplit('/').next().unwrap().to_owned();
        (Self { kind, name: named(query), to }, events)
    }

    fn follows(&self, path: &str) -> bool {
        let mut ends = path.rsplit('/');
        let (name, kind) = (ends.next().unwrap(), ends.next().unwrap());
        kind == self.kind && self.name.as_deref().is_none_or(|wanted| wanted == name)
    }
}

/// Returns the one name that is asked for.
fn named(query: &str) -> Option<String> {
    let name = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D"));
    name.map(str::to_owned)
}

impl Objects {
    fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let before = self.by_path.insert(path.to_owned(), object.clone());
        let line = Bytes::from(event(if before.is_some() { "MODIFIED" } else { "ADDED" }, &object));
        self.watchers.retain(|it| !it.follows(path) || it.to.unbounded_send(line.clone()).is_ok());
        self.history.push((self.version, path.to_owned(), line));
        object
    }

    /// Writes an object if it is still of the version that it carries.
    fn replace(&mut self, path: &str, object: Value) -> (u16, Value) {
        match self.by_path.get(path) {
            None => (404, status(404, "NotFound")),
            Some(known) if known["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] => {
                (409, status(409, "Conflict"))
            }
            Some(_) => (200, self.put(path, object)),
        }
    }

    /// Returns the objects of a kind, in every namespace.
    fn list(&self, path: &str, query: &str) -> Value {
        let (asked, _) = Watcher::of(path, query);
        let items = self.by_path.iter().filter(|(at, _)| asked.follows(at)).map(|(_, object)| object);
        let items: Vec<&Value> = items.collect();
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// Begins a watch: what has changed since it is to begin comes first, or all objects.
    fn watch(&mut self, path: &str, query: &str) -> UnboundedReceiver<Bytes> {
        let (watcher, events) = Watcher::of(path, query);
        if query.contains("sendInitialEvents=true") {
            watcher.to.unbounded_send(Bytes::from(self.shown(path))).unwrap();
        } else {
            let since = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion="));
            let since: u64 = since.unwrap_or_default().parse().unwrap_or_default();
            for (_, _, event) in self.history.iter().filter(|(at, path, _)| *at > since && watcher.follows(path)) {
                watcher.to.unbounded_send(event.clone()).unwrap();
            }
        }
        self.watchers.push(watcher);
        events
    }

    /// Returns the events with which a watch begins that is to show all objects of a kind first.
    fn shown(&self, path: &str) -> String {
        let list = self.list(path, "");
        let objects = list["items"].as_array().into_iter().flatten();
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

    fn create(&mut self, path: &str, object: Value) -> (u16, Value) {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap().to_owned();
        let at = format!("{path}/{name}");
        if metadata["name"].is_string() && self.by_path.contains_key(&at) {
            return (409, status(409, "AlreadyExists"));
        }
        (201, self.put(&at, object))
    }
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    if method == Method::GET && query.contains("watch=true") {
        let events = server.objects.lock().unwrap().watch(path, query);
        return Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    }
    if method != Method::GET && path.split('/').any(|part| part == server.forbidden && !part.is_empty()) {
        return response(403, &status(403, "Forbidden"));
    }
    let object: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_silent = method != Method::GET && server.objects.lock().unwrap().silent.contains(path);
    if is_silent {
        return pending().await;
    }
    let (code, answer) = {
        let mut objects = server.objects.lock().unwrap();
        match method {
            Method::GET if query.contains("limit=") => (200, objects.list(path, query)),
            Method::GET => {
                objects.by_path.get(path).map_or_else(|| (404, status(404, "NotFound")), |object| (200, object.clone()))
            }
            Method::POST => objects.create(path, object),
            Method::PATCH => (200, objects.patch(path, &object)),
            Method::PUT => objects.replace(path, object),
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
