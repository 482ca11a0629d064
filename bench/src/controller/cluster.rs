//! A cluster in memory: its objects, those who watch them, and a kubelet that does what it is told.

use super::objects::{self, NAMESPACES, Pods};
use axum::body::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kinds of objects that the controller follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pods,
    Namespaces,
    Sets,
    Revisions,
    Configurations,
}

/// What the controller has asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Requests {
    pub(super) all: u64,
    pub(super) upgrades: u64,
    pub(super) conditions: u64,
    pub(super) statuses: u64,
}

/// A cluster in memory.
#[derive(Debug)]
pub(super) struct Cluster {
    // As text: 50,000 Pods as trees would take gigabytes.
    objects: [BTreeMap<String, Arc<str>>; 5],
    pods: Vec<String>,
    version: u64,
    watchers: Vec<(Kind, UnboundedSender<Bytes>)>,
    pub(super) requests: Requests,
}

impl Cluster {
    /// Returns a cluster of so many sets, and Pods that they were injected into. With no sets among them, Pods that no set
    /// selects, beside one set.
    pub(super) fn new(pods: usize, sets: usize) -> Self {
        let mut cluster = Self {
            objects: Default::default(),
            pods: Vec::new(),
            version: 1,
            watchers: Vec::new(),
            requests: Requests::default(),
        };
        for at in 0..NAMESPACES {
            cluster.put(Kind::Namespaces, objects::namespace(at));
        }
        for at in 0..sets.max(1) {
            cluster.put(Kind::Sets, objects::set(at));
        }
        for pod in Pods::new(sets).running(pods) {
            cluster.put(Kind::Pods, pod);
        }
        cluster.pods = cluster.objects[Kind::Pods as usize].keys().cloned().collect();
        cluster
    }

    /// Returns how many watches of a kind there are.
    pub(super) fn watches(&self, kind: Kind) -> usize {
        self.watchers.iter().filter(|(watched, to)| *watched == kind && !to.is_closed()).count()
    }

    /// Returns a Pod's key, of any number.
    pub(super) fn pod(&self, at: usize) -> Option<String> {
        self.pods.get(at.checked_rem(self.pods.len())?).cloned()
    }

    /// Changes an object, if there is one, and tells those who watch.
    pub(super) fn change(&mut self, kind: Kind, key: &str, change: impl FnOnce(&mut Value)) -> Option<Arc<str>> {
        let text = self.objects[kind as usize].get(key)?;
        let mut object: Value = serde_json::from_str(text).expect("it was written as JSON");
        change(&mut object);
        Some(self.put(kind, object))
    }

    /// Stores an object, and tells those who watch.
    pub(super) fn put(&mut self, kind: Kind, mut object: Value) -> Arc<str> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let text: Arc<str> = object.to_string().into();
        let before = self.objects[kind as usize].insert(key(&object), Arc::clone(&text));
        self.tell(kind, if before.is_some() { "MODIFIED" } else { "ADDED" }, &text);
        text
    }

    /// Sets the image of a set's sidecar.
    pub(super) fn release(&mut self, set: &str, version: u32) {
        self.change(Kind::Sets, set, |set| {
            set["spec"]["containers"][0]["image"] = objects::image(version).into();
            set["metadata"]["generation"] = (set["metadata"]["generation"].as_i64().unwrap_or_default() + 1).into();
        });
    }

    /// Says whether the status of a set tells that all its Pods run its newest spec.
    pub(super) fn is_rolled_out(&self, set: &str) -> bool {
        let text = self.objects[Kind::Sets as usize].get(set).map_or("null", AsRef::as_ref);
        let set: Value = serde_json::from_str(text).unwrap_or_default();
        let status = &set["status"];
        status["observedGeneration"] == set["metadata"]["generation"]
            && status["updatedReadyPods"] == status["matchedPods"]
    }

    /// Ends the watches of Pods as an API server does that has forgotten where they began.
    pub(super) fn expire_watches(&mut self) {
        let status =
            json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
        self.tell(Kind::Pods, "ERROR", &status.to_string());
        self.watchers.retain(|(kind, _)| *kind != Kind::Pods);
    }

    /// Returns a page of a list.
    pub(super) fn list(&self, kind: Kind, limit: usize, from: usize) -> String {
        let objects = &self.objects[kind as usize];
        let items: Vec<&str> = objects.values().skip(from).take(limit).map(AsRef::as_ref).collect();
        let more = if from + items.len() < objects.len() { (from + items.len()).to_string() } else { String::new() };
        let metadata = json!({"resourceVersion": self.version.to_string(), "continue": more});
        format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{metadata},"items":[{}]}}"#, items.join(","))
    }

    /// Begins a watch.
    pub(super) fn watch(&mut self, kind: Kind) -> UnboundedReceiver<Bytes> {
        let (to, lines) = unbounded();
        self.watchers.push((kind, to));
        lines
    }

    /// Begins a watch with all objects.
    pub(super) fn stream(&mut self, kind: Kind) -> impl Stream<Item = Bytes> + use<> {
        let objects: Vec<Arc<str>> = self.objects[kind as usize].values().cloned().collect();
        let annotations = json!({"k8s.io/initial-events-end": "true"});
        let metadata = json!({"resourceVersion": self.version.to_string(), "annotations": annotations});
        let end = line("BOOKMARK", &json!({"apiVersion": "v1", "kind": "", "metadata": metadata}).to_string());
        let shown = stream::iter(objects).map(|object| line("ADDED", &object));
        shown.chain(stream::iter([end])).chain(self.watch(kind))
    }

    fn tell(&mut self, kind: Kind, event: &str, object: &str) {
        let line = line(event, object);
        self.watchers.retain(|(watched, to)| *watched != kind || to.unbounded_send(line.clone()).is_ok());
    }
}

fn line(event: &str, object: &str) -> Bytes {
    format!("{{\"type\":\"{event}\",\"object\":{object}}}\n").into()
}

/// Returns what identifies an object among those of its kind.
fn key(object: &Value) -> String {
    let part = |member: &str| object["metadata"][member].as_str().unwrap_or_default().to_owned();
    match part("namespace") {
        namespace if namespace.is_empty() => part("name"),
        namespace => format!("{namespace}/{}", part("name")),
    }
}

/// Applies a strategic merge patch, as far as the controller writes such: annotations, images and conditions.
pub(super) fn patch_pod(pod: &mut Value, patch: &Value) {
    for (key, value) in patch["metadata"]["annotations"].as_object().into_iter().flatten() {
        pod["metadata"]["annotations"][key] = value.clone();
    }
    merge_list(&mut pod["spec"]["containers"], &patch["spec"]["containers"], "name");
    merge_list(&mut pod["status"]["conditions"], &patch["status"]["conditions"], "type");
    if patch.get("spec").is_some() {
        pod["metadata"]["generation"] = (pod["metadata"]["generation"].as_i64().unwrap_or_default() + 1).into();
    }
}

/// Applies a merge patch to the status of a set.
pub(super) fn patch_status(set: &mut Value, patch: &Value) {
    let none = Map::new();
    let status = patch["status"].as_object().unwrap_or(&none);
    for (member, value) in status {
        set["status"][member] = value.clone();
    }
}

fn merge_list(list: &mut Value, changes: &Value, key: &str) {
    for change in changes.as_array().into_iter().flatten().filter_map(Value::as_object) {
        if list.is_null() {
            *list = json!([]);
        }
        let Some(list) = list.as_array_mut() else { return };
        match list.iter_mut().find(|item| Some(&item[key]) == change.get(key)) {
            Some(item) => change.iter().for_each(|(member, value)| item[member] = value.clone()),
            None => list.push(Value::Object(change.clone())),
        }
    }
}
