//! The few endpoints of an API server that the controller speaks to.

mod leases;
mod pods;
mod revisions;
mod sets;
mod watches;

use self::watches::line;
use super::permission::assert_allowed;
use bytes::Bytes;
use futures::channel::mpsc::UnboundedSender;
use futures::future;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pods,
    Namespaces,
    Sets,
    Revisions,
    Configurations,
}

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It is refused with this code.
    Code(u16),
    /// It is refused because there is too much to do, for so many seconds.
    Busy(u32),
    /// It is done, and nobody is told.
    Silence,
    /// It is taken, but another admission webhook has it change nothing.
    Undone,
    /// Whoever asks for it has a defect.
    Panic,
}

/// A write that the controller asked for.
#[derive(Debug, Clone)]
pub struct Write {
    pub method: Method,
    pub path: String,
    pub content_type: String,
    pub body: Value,
    pub at: Instant,
}

/// What the API server does when a watch is to begin with all objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Streaming {
    #[default]
    Done,
    /// As one does on which it is turned off.
    Refused,
    /// As one does that is so old that it knows nothing of it.
    Overlooked,
    /// It breaks off after the first object.
    BrokenOff,
}

#[derive(Debug, Default)]
pub struct State {
    pub objects: [BTreeMap<String, Value>; 5],
    pub version: u64,
    pub faults: BTreeMap<String, VecDeque<Fault>>,
    /// What goes wrong when the metadata of a Pod is read.
    pub read_faults: BTreeMap<String, VecDeque<Fault>>,
    pub writes: Vec<Write>,
    pub lists: usize,
    /// How many lists were to be streamed.
    pub streamed_lists: usize,
    pub streaming: Streaming,
    /// The Pods whose metadata alone were read, in that order.
    pub reads: Vec<String>,
    /// Whether the kubelet follows every upgrade at once.
    pub is_kubelet_quick: bool,
    /// Whether the watch of Pods shows nothing for now.
    pub is_watch_held: bool,
    /// The kind that is not shown at all.
    pub withheld: Option<Kind>,
    /// Whether the kind SidecarSet is not defined.
    pub is_kind_missing: bool,
    /// Whether Pods have no subresource `resize`.
    pub is_resize_missing: bool,
    /// Objects that are shown as they stand here, beside the others: some cannot be held as values.
    pub texts: Vec<(Kind, String)>,
    /// Whether the watch of sets shows nothing any more.
    pub is_set_watch_cut: bool,
    /// How long a write of a set's status takes.
    pub status_delay: Duration,
    /// The most Pods that ran something else than their spec says.
    pub most_unavailable: usize,
    /// The Lease of the leader, and when each request for it came: the method.
    pub lease: Option<Value>,
    pub lease_requests: Vec<(Method, Instant)>,
    /// What has happened, for those who watch from then on.
    pub history: Vec<(u64, Kind, Value)>,
    watchers: Vec<(Kind, UnboundedSender<Bytes>)>,
    held: Vec<Bytes>,
}

impl State {
    /// Stores an object, and tells those who watch.
    pub fn put(&mut self, kind: Kind, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let is_new = self.objects[kind as usize].insert(name, object.clone()).is_none();
        self.tell(kind, if is_new { "ADDED" } else { "MODIFIED" }, &object);
    }

    /// Removes an object, and tells those who watch.
    pub fn remove(&mut self, kind: Kind, name: &str) {
        let mut object = self.objects[kind as usize].remove(name).unwrap();
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.tell(kind, "DELETED", &object);
    }

    /// Tells those who watch something, whether it is true or not.
    pub fn tell(&mut self, kind: Kind, event: &str, object: &Value) {
        let event = json!({"type": event, "object": object});
        self.history.push((self.version, kind, event.clone()));
        self.send(kind, line(&event));
    }

    /// Lets the watch of Pods show what it has kept back.
    pub fn release_watch(&mut self) {
        self.is_watch_held = false;
        for line in std::mem::take(&mut self.held) {
            self.send(Kind::Pods, line);
        }
    }

    /// Ends every watch, and lets none begin where it ended.
    pub fn lose_watches(&mut self) {
        self.watchers.clear();
        self.held.clear();
        self.history.clear();
    }

    /// Tells those who watch of an object, and shows it to those who come later.
    pub fn put_text(&mut self, kind: Kind, text: String) {
        self.send(kind, format!("{{\"type\":\"ADDED\",\"object\":{text}}}\n").into());
        self.texts.push((kind, text));
    }

    fn send(&mut self, kind: Kind, line: Bytes) {
        if self.is_set_watch_cut && kind == Kind::Sets {
            return;
        }
        if kind == Kind::Pods && self.is_watch_held {
            self.held.push(line);
            return;
        }
        self.watchers.retain(|(watched, to)| *watched != kind || to.unbounded_send(line.clone()).is_ok());
    }

    /// Answers a list or a watch; nothing where there is no answer.
    fn read(&mut self, kind: Kind, query: &str) -> Option<Reply> {
        if self.withheld == Some(kind) {
            return None;
        }
        Some(if kind == Kind::Sets && self.is_kind_missing {
            failure(404)
        } else if query.contains("watch=true") {
            self.begin_watch(kind, query)
        } else {
            self.list(kind)
        })
    }

    /// Answers a write; nothing where there is no answer.
    fn write(&mut self, method: &Method, segments: &[&str], body: Value) -> Option<Reply> {
        match *segments {
            ["api", "v1", "namespaces", _, "pods", _, "resize"] if self.is_resize_missing => Some(unknown_path()),
            ["api", "v1", "namespaces", _, "pods", name] | ["api", "v1", "namespaces", _, "pods", name, "resize"] => {
                self.patch_pod(name, &body)
            }
            ["api", "v1", "namespaces", _, "pods", name, "status"] => Some(self.patch_pod_status(name, &body)),
            ["apis", "apps.kruise.io", "v1beta1", "sidecarsets", name, "status"] => self.patch_set_status(name, &body),
            ["apis", "apps", "v1", "namespaces", "sidecarset-system", "controllerrevisions", ref rest @ ..] => {
                self.write_revision(method, rest.first().copied(), body)
            }
            ["apis", "events.k8s.io", "v1", "namespaces", _, "events"] => self.write_event(&body),
            _ => panic!("nobody may write to {segments:?}"),
        }
    }

    /// Says whether whoever asks has a defect: with a Pod, or with the revision of a set.
    fn is_fatal(&mut self, segments: &[&str], body: &[u8]) -> bool {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let set = body["metadata"]["labels"]["kruise.io/sidecarset-name"].as_str();
        let names = segments.last().map(|name| (*name).to_owned()).into_iter();
        names.chain(set.map(|set| format!("revision of {set}"))).any(|name| {
            let faults = self.faults.get_mut(&name);
            faults.is_some_and(|faults| faults.pop_front_if(|fault| matches!(fault, Fault::Panic)).is_some())
        })
    }

    fn write_event(&mut self, event: &Value) -> Option<Reply> {
        match self.faults.get_mut("events").and_then(VecDeque::pop_front) {
            Some(Fault::Code(code)) => Some(failure(code)),
            Some(Fault::Busy(seconds)) => Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone | Fault::Panic) => None,
            None => Some(answer(201, event)),
        }
    }
}

/// Answers a request.
pub async fn serve(request: Request<Body>, state: Arc<Mutex<State>>) -> Result<Reply, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let content_type = parts.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    assert_allowed(&parts.method, &parts.uri, content_type, "sidecarset-system");
    if segments.contains(&"leases") {
        let body = serde_json::from_slice(&body).unwrap_or_default();
        return Ok(state.lock().unwrap().answer_lease(&parts.method, body));
    }
    let query = parts.uri.query().unwrap_or_default();
    if parts.method != Method::GET && path.contains("/sidecarsets/") {
        let delay = state.lock().unwrap().status_delay;
        sleep(delay).await;
    }
    if parts.method != Method::GET {
        let is_fatal = state.lock().unwrap().is_fatal(&segments, &body);
        assert!(!is_fatal, "a defect");
    }
    let reply = {
        let mut state = state.lock().unwrap();
        if parts.method != Method::GET {
            let (path, content_type) = (parts.uri.to_string(), content_type.to_owned());
            let body: Value = serde_json::from_slice(&body).unwrap();
            let (method, at) = (parts.method.clone(), Instant::now());
            state.writes.push(Write { method, path, content_type, body: body.clone(), at });
            state.write(&parts.method, &segments, body)
        } else if let ["api", "v1", "namespaces", _, "pods", name] = segments[..] {
            assert!(parts.headers["accept"].to_str().unwrap().contains("as=PartialObjectMetadata"));
            Some(state.read_metadata(name))
        } else if let ["apis", "apps", "v1", "namespaces", _, "controllerrevisions", name] = segments[..] {
            Some(state.objects[Kind::Revisions as usize].get(name).map_or_else(|| failure(404), |it| answer(200, it)))
        } else {
            state.read(kind(&segments, query), query)
        }
    };
    match reply {
        Some(reply) => Ok(reply),
        None => future::pending().await,
    }
}

fn kind(segments: &[&str], query: &str) -> Kind {
    match segments {
        ["api", "v1", "pods"] => Kind::Pods,
        ["api", "v1", "namespaces"] => Kind::Namespaces,
        ["apis", "apps.kruise.io", "v1beta1", "sidecarsets"] => Kind::Sets,
        ["apis", "apps", "v1", "namespaces", "sidecarset-system", "controllerrevisions"]
            if query.contains("labelSelector=kruise.io%2Fsidecarset-name") =>
        {
            Kind::Revisions
        }
        ["api", "v1", "namespaces", "sidecarset-system", "configmaps"]
            if query.contains("fieldSelector=metadata.name%3Dkruise-configuration") =>
        {
            Kind::Configurations
        }
        _ => panic!("nobody may read {segments:?}?{query}"),
    }
}

pub fn failure(code: u16) -> Reply {
    answer(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "says no", "reason": ""}),
    )
}

/// What an API server says of a path that it does not know: that is no object of the API.
fn unknown_path() -> Reply {
    Response::builder().status(404).body(Full::new("404 page not found\n".into()).boxed_unsync()).unwrap()
}

fn busy(seconds: u32) -> Reply {
    let details = json!({"retryAfterSeconds": seconds});
    answer(429, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "details": details}))
}

pub fn answer(code: u16, body: &Value) -> Reply {
    answer_text(code, body.to_string())
}

fn answer_text(code: u16, body: String) -> Reply {
    Response::builder().status(code).body(Full::new(body.into()).boxed_unsync()).unwrap()
}
