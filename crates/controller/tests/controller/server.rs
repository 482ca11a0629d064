//! The few endpoints of an API server that the controller speaks to.

use super::objects;
use super::permission::assert_allowed;
use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{StreamExt, future, stream};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
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
    pub objects: [BTreeMap<String, Value>; 4],
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
    /// Whether the kind SidecarSet is not defined.
    pub is_kind_missing: bool,
    /// Whether the watch of sets shows nothing any more.
    pub is_set_watch_cut: bool,
    /// How long a write of a set's status takes.
    pub status_delay: Duration,
    /// The most Pods that ran something else than their spec says.
    pub most_unavailable: usize,
    history: Vec<(u64, Kind, Value)>,
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

    fn list(&mut self, kind: Kind) -> Reply {
        self.lists += 1;
        let items: Vec<&Value> = self.objects[kind as usize].values().collect();
        let version = self.version.to_string();
        answer(
            200,
            &json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn begin_watch(&mut self, kind: Kind, query: &str) -> Reply {
        let from = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).unwrap();
        if query.contains("sendInitialEvents=true") {
            assert_eq!((from, kind), ("", Kind::Pods), "any state will do, or there are few objects");
            self.stream(kind)
        } else {
            self.watch(kind, from.parse().unwrap())
        }
    }

    /// Begins a watch with all objects.
    fn stream(&mut self, kind: Kind) -> Reply {
        self.streamed_lists += 1;
        let objects = self.objects[kind as usize].values();
        let mut shown: Vec<Bytes> = objects.map(|it| line(&json!({"type": "ADDED", "object": it}))).collect();
        match self.streaming {
            Streaming::Refused => return failure(422),
            Streaming::BrokenOff => {
                shown.truncate(1);
                return stream_of(stream::iter(shown));
            }
            Streaming::Overlooked => {}
            Streaming::Done => shown.push(line(&end_of_list(self.version))),
        }
        let (to, lines) = unbounded();
        self.watchers.push((kind, to));
        stream_of(stream::iter(shown).chain(lines))
    }

    fn watch(&mut self, kind: Kind, from: u64) -> Reply {
        let oldest = self.history.first().map_or(self.version, |(version, _, _)| version - 1);
        if from < oldest {
            let status =
                json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
            let event = line(&json!({"type": "ERROR", "object": status}));
            return stream_of(stream::iter([event]).chain(stream::pending()));
        }
        let (to, lines) = unbounded();
        for (_, _, event) in self.history.iter().filter(|(version, of, _)| *version > from && *of == kind) {
            to.unbounded_send(line(event)).unwrap();
        }
        self.watchers.push((kind, to));
        stream_of(lines)
    }

    /// Answers a write; nothing where there is no answer.
    fn write(&mut self, method: &Method, segments: &[&str], body: Value) -> Option<Reply> {
        match *segments {
            ["api", "v1", "namespaces", _, "pods", name] | ["api", "v1", "namespaces", _, "pods", name, "resize"] => {
                self.patch_pod(name, &body)
            }
            ["api", "v1", "namespaces", _, "pods", name, "status"] => Some(self.patch_pod_status(name, &body)),
            ["apis", "apps.kruise.io", "v1beta1", "sidecarsets", name, "status"] => self.patch_status(name, &body),
            ["apis", "apps", "v1", "namespaces", "sidecarset-system", "controllerrevisions", ref rest @ ..] => {
                self.write_revision(method, rest.first().copied(), body)
            }
            ["apis", "events.k8s.io", "v1", "namespaces", _, "events"] => self.write_event(&body),
            _ => panic!("nobody may write to {segments:?}"),
        }
    }

    fn write_event(&mut self, event: &Value) -> Option<Reply> {
        match self.faults.get_mut("events").and_then(VecDeque::pop_front) {
            Some(Fault::Code(code)) => Some(failure(code)),
            Some(Fault::Busy(seconds)) => Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone) => None,
            None => Some(answer(201, event)),
        }
    }

    fn read_metadata(&mut self, name: &str) -> Reply {
        self.reads.push(name.to_owned());
        if let Some(Fault::Code(code)) = self.read_faults.get_mut(name).and_then(VecDeque::pop_front) {
            return failure(code);
        }
        match self.objects[Kind::Pods as usize].get(name) {
            Some(pod) => answer(
                200,
                &json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": pod["metadata"]}),
            ),
            None => failure(404),
        }
    }

    fn patch_pod(&mut self, name: &str, patch: &Value) -> Option<Reply> {
        let fault = self.faults.get_mut(name).and_then(VecDeque::pop_front);
        match fault {
            Some(Fault::Code(code)) => return Some(failure(code)),
            Some(Fault::Busy(seconds)) => return Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone) | None => {}
        }
        let Some(mut pod) = self.objects[Kind::Pods as usize].get(name).cloned() else { return Some(failure(404)) };
        if matches!(fault, Some(Fault::Undone)) {
            return Some(answer(200, &pod));
        }
        if pod["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"] {
            return Some(failure(409));
        }
        for (key, value) in patch["metadata"]["annotations"].as_object().into_iter().flatten() {
            pod["metadata"]["annotations"][key] = value.clone();
        }
        for change in patch["spec"]["containers"].as_array().into_iter().flatten() {
            let containers = pod["spec"]["containers"].as_array_mut().unwrap();
            let container = containers.iter_mut().find(|container| container["name"] == change["name"]).unwrap();
            for (member, value) in change.as_object().unwrap() {
                container[member] = value.clone();
            }
        }
        if patch.get("spec").is_some() {
            pod["metadata"]["generation"] = (pod["metadata"]["generation"].as_i64().unwrap() + 1).into();
        }
        self.put(Kind::Pods, pod.clone());
        let pods = &self.objects[Kind::Pods as usize];
        let answered = pods[name].clone();
        self.most_unavailable =
            self.most_unavailable.max(pods.values().filter(|pod| !objects::is_running(pod)).count());
        if self.is_kubelet_quick {
            objects::run(&mut pod);
            self.put(Kind::Pods, pod);
        }
        (!matches!(fault, Some(Fault::Silence))).then(|| answer(200, &answered))
    }

    fn patch_pod_status(&mut self, name: &str, patch: &Value) -> Reply {
        if let Some(Fault::Code(code)) = self.faults.get_mut(&format!("{name}/status")).and_then(VecDeque::pop_front) {
            return failure(code);
        }
        let Some(mut pod) = self.objects[Kind::Pods as usize].get(name).cloned() else { return failure(404) };
        if pod["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"] {
            return failure(409);
        }
        let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
        for change in patch["status"]["conditions"].as_array().unwrap() {
            let before = conditions.iter().position(|condition| condition["type"] == change["type"]);
            let mut condition = before.map(|at| conditions.remove(at)).unwrap_or_else(|| json!({}));
            if change["$patch"] != "delete" {
                condition.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
                conditions.push(condition);
            }
        }
        self.put(Kind::Pods, pod);
        answer(200, &self.objects[Kind::Pods as usize][name])
    }

    fn patch_status(&mut self, name: &str, patch: &Value) -> Option<Reply> {
        match self.faults.get_mut(name).and_then(VecDeque::pop_front) {
            Some(Fault::Code(code)) => return Some(failure(code)),
            Some(Fault::Busy(seconds)) => return Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone) => return None,
            None => {}
        }
        let Some(mut set) = self.objects[Kind::Sets as usize].get(name).cloned() else { return Some(failure(404)) };
        if set["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"] {
            return Some(failure(409));
        }
        for (member, value) in patch["status"].as_object().unwrap() {
            if value.is_null() {
                set["status"].as_object_mut().unwrap().remove(member);
            } else {
                set["status"][member] = value.clone();
            }
        }
        self.put(Kind::Sets, set);
        Some(answer(200, &self.objects[Kind::Sets as usize][name]))
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
    let query = parts.uri.query().unwrap_or_default();
    if parts.method != Method::GET && path.contains("/sidecarsets/") {
        let delay = state.lock().unwrap().status_delay;
        sleep(delay).await;
    }
    let reply = {
        let mut state = state.lock().unwrap();
        if parts.method != Method::GET {
            let body: Value = serde_json::from_slice(&body).unwrap();
            state.writes.push(Write {
                method: parts.method.clone(),
                path: parts.uri.to_string(),
                content_type: content_type.to_owned(),
                body: body.clone(),
                at: Instant::now(),
            });
            state.write(&parts.method, &segments, body)
        } else if let ["api", "v1", "namespaces", _, "pods", name] = segments[..] {
            assert!(parts.headers["accept"].to_str().unwrap().contains("as=PartialObjectMetadata"));
            Some(state.read_metadata(name))
        } else if let ["apis", "apps", "v1", "namespaces", _, "controllerrevisions", name] = segments[..] {
            Some(state.objects[Kind::Revisions as usize].get(name).map_or_else(|| failure(404), |it| answer(200, it)))
        } else {
            let kind = kind(&segments, query);
            Some(if kind == Kind::Sets && state.is_kind_missing {
                failure(404)
            } else if query.contains("watch=true") {
                state.begin_watch(kind, query)
            } else {
                state.list(kind)
            })
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
        _ => panic!("nobody may read {segments:?}?{query}"),
    }
}

fn end_of_list(version: u64) -> Value {
    let annotations = json!({"k8s.io/initial-events-end": "true"});
    let metadata = json!({"resourceVersion": version.to_string(), "annotations": annotations});
    json!({"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}})
}

// Like a real API server, with the type in front.
fn line(event: &Value) -> Bytes {
    format!("{{\"type\":{},\"object\":{}}}\n", event["type"], event["object"]).into()
}

pub fn failure(code: u16) -> Reply {
    answer(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "says no", "reason": ""}),
    )
}

fn busy(seconds: u32) -> Reply {
    let details = json!({"retryAfterSeconds": seconds});
    answer(429, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "details": details}))
}

pub fn answer(code: u16, body: &Value) -> Reply {
    Response::builder().status(code).body(Full::new(body.to_string().into()).boxed_unsync()).unwrap()
}

fn stream_of(lines: impl stream::Stream<Item = Bytes> + Send + 'static) -> Reply {
    let frames = lines.map(|line| Ok(http_body::Frame::data(line)));
    Response::new(StreamBody::new(frames).boxed_unsync())
}
