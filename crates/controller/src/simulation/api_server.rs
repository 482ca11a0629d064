//! The Pods as the API server keeps them, with the versions and the patches of a real one.

use crate::pod::PodLite;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The Pods, by name, and what happened to them.
#[derive(Debug, Default)]
pub(super) struct ApiServer {
    pods: BTreeMap<String, (Value, Rc<PodLite>)>,
    /// Everything that a watch shows, in order.
    pub(super) log: Vec<Change>,
    version: u64,
}

/// What a watch shows.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put(Rc<PodLite>),
    Gone(Rc<PodLite>),
}

impl ApiServer {
    pub(super) fn names(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = &Value> {
        self.pods.values().map(|(pod, _)| pod)
    }

    pub(super) fn list(&self) -> Vec<Rc<PodLite>> {
        self.pods.values().map(|(_, pod)| Rc::clone(pod)).collect()
    }

    pub(super) fn pod(&self, name: &str) -> Option<&Value> {
        self.pods.get(name).map(|(pod, _)| pod)
    }

    /// Returns the version for the next write of anything.
    pub(super) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Stores a Pod.
    pub(super) fn put(&mut self, mut pod: Value) {
        pod["metadata"]["resourceVersion"] = self.next_version().to_string().into();
        let lite: Rc<PodLite> = Rc::new(serde_json::from_value(pod.clone()).unwrap());
        self.log.push(Change::Put(Rc::clone(&lite)));
        self.pods.insert(pod["metadata"]["name"].as_str().unwrap().to_owned(), (pod, lite));
    }

    /// Removes a Pod.
    pub(super) fn remove(&mut self, name: &str) {
        let Some((mut pod, _)) = self.pods.remove(name) else { return };
        pod["metadata"]["resourceVersion"] = self.next_version().to_string().into();
        self.log.push(Change::Gone(Rc::new(serde_json::from_value(pod).unwrap())));
    }

    /// Carries out a strategic merge patch, and answers with the Pod or a code.
    pub(super) fn patch(&mut self, name: &str, patch: &Value) -> Result<Rc<PodLite>, u16> {
        let Some((pod, _)) = self.pods.get(name) else { return Err(404) };
        let is_same = |member: &str| pod["metadata"][member] == patch["metadata"][member];
        if !is_same("uid") || !is_same("resourceVersion") {
            return Err(409);
        }
        let mut pod = pod.clone();
        for (key, value) in patch["metadata"]["annotations"].as_object().into_iter().flatten() {
            pod["metadata"]["annotations"][key] = value.clone();
        }
        for (list, changes) in patch["spec"].as_object().into_iter().flatten() {
            merge(&mut pod["spec"][list], changes).ok_or(422_u16)?;
        }
        self.put(pod);
        Ok(Rc::clone(&self.pods[name].1))
    }
}

/// Merges a list of containers by their names. A running Pod gets no new ones.
fn merge(list: &mut Value, changes: &Value) -> Option<()> {
    for change in changes.as_array()? {
        let container = list.as_array_mut()?.iter_mut().find(|container| container["name"] == change["name"])?;
        for (member, value) in change.as_object()? {
            container[member] = value.clone();
        }
    }
    Some(())
}

#[test]
fn a_patch_merges_containers_by_name_and_asks_for_the_very_pod() {
    let mut api = ApiServer::default();
    let containers = json!([{"name": "a", "image": "a:1", "env": []}, {"name": "b", "image": "b:1"}]);
    api.put(json!({
        "metadata": {"name": "web", "uid": "u", "annotations": {"x": "1"}}, "spec": {"containers": containers},
    }));
    let patch = |version: &str| {
        json!({
            "metadata": {"uid": "u", "resourceVersion": version, "annotations": {"y": "2"}},
            "spec": {"containers": [{"name": "a", "image": "a:2"}]},
        })
    };

    assert_eq!(api.patch("web", &patch("7")).err(), Some(409));
    assert!(api.patch("web", &patch("1")).is_ok());

    let pod = api.pod("web").unwrap();
    let expected = json!([{"name": "a", "image": "a:2", "env": []}, {"name": "b", "image": "b:1"}]);
    assert_eq!(pod["spec"]["containers"], expected);
    assert_eq!(pod["metadata"]["annotations"], json!({"x": "1", "y": "2"}));
}
