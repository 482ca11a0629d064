//! The Pods and the revisions as the API server keeps them, with the versions and the patches of a real one.

use crate::pod::PodLite;
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde_json::{Value, json};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::reconcile::RevisionAnswer;
use sidecarset_core::revision::{Change, Revision, Taken, taken_by};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The Pods, by name, and what happened to them.
#[derive(Debug, Default)]
pub(super) struct ApiServer {
    pods: BTreeMap<String, (Value, Rc<PodLite>)>,
    /// Everything that a watch shows, in order.
    pub(super) log: Vec<PodChange>,
    revisions: BTreeMap<String, ControllerRevision>,
    version: u64,
}

/// What a watch shows.
#[derive(Debug, Clone)]
pub(super) enum PodChange {
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
        self.log.push(PodChange::Put(Rc::clone(&lite)));
        self.pods.insert(pod["metadata"]["name"].as_str().unwrap().to_owned(), (pod, lite));
    }

    /// Removes a Pod.
    pub(super) fn remove(&mut self, name: &str) {
        let Some((mut pod, _)) = self.pods.remove(name) else { return };
        pod["metadata"]["resourceVersion"] = self.next_version().to_string().into();
        self.log.push(PodChange::Gone(Rc::new(serde_json::from_value(pod).unwrap())));
    }

    /// Returns the revisions of sets.
    pub(super) fn revisions(&self) -> Vec<Revision> {
        self.revisions.values().filter_map(Revision::read).collect()
    }

    /// Carries out a write of a revision.
    pub(super) fn write_revision(&mut self, set: &CanonicalSet, change: &Change, now: Seconds) -> RevisionAnswer {
        let version = Some(self.next_version().to_string());
        match change {
            Change::Create(new) => {
                if let Some(there) = self.revisions.get(&*set.draft.name) {
                    return match taken_by(set, there) {
                        Taken::Same(revision) => RevisionAnswer::Stored(Some(*revision)),
                        Taken::Leftover => RevisionAnswer::Failed,
                        Taken::Other => RevisionAnswer::Collision,
                    };
                }
                let created = json!({"creationTimestamp": now, "resourceVersion": version});
                let mut object = json!({"metadata": new.metadata, "revision": new.number});
                json_patch::merge(&mut object["metadata"], &created);
                object["data"] = serde_json::from_str(&new.data).unwrap();
                self.store(&set.draft.name, object)
            }
            Change::Update(update) => {
                let Some(there) = self.revisions.get(&*update.revision.name) else { return RevisionAnswer::Failed };
                if there.metadata.resource_version.as_deref() != update.revision.version.as_deref() {
                    return RevisionAnswer::Failed;
                }
                let mut object = serde_json::to_value(there).unwrap();
                json_patch::merge(&mut object, &update.patch());
                object["metadata"]["resourceVersion"] = json!(version);
                self.store(&update.revision.name, object)
            }
            Change::Delete(revision) => {
                self.revisions.remove(&*revision.name);
                RevisionAnswer::Deleted
            }
        }
    }

    fn store(&mut self, name: &str, object: Value) -> RevisionAnswer {
        let object: ControllerRevision = serde_json::from_value(object).unwrap();
        let revision = Revision::read(&object);
        self.revisions.insert(name.to_owned(), object);
        RevisionAnswer::Stored(revision)
    }

    /// Carries out a strategic merge patch of the conditions of a Pod, and answers with the Pod or a code.
    pub(super) fn patch_status(&mut self, name: &str, patch: &Value) -> Result<Rc<PodLite>, u16> {
        let mut pod = self.asked(name, patch)?;
        let all = &mut pod["status"]["conditions"];
        if all.is_null() {
            *all = json!([]);
        }
        let all = all.as_array_mut().ok_or(422_u16)?;
        for change in patch["status"]["conditions"].as_array().into_iter().flatten() {
            let at = all.iter().position(|condition| condition["type"] == change["type"]);
            match at {
                Some(at) if change["$patch"] == "delete" => drop(all.remove(at)),
                Some(at) => json_patch::merge(&mut all[at], change),
                None if change["$patch"] == "delete" => {}
                None => all.push(change.clone()),
            }
        }
        self.put(pod);
        Ok(Rc::clone(&self.pods[name].1))
    }

    /// Returns the Pod that a patch asks for.
    fn asked(&self, name: &str, patch: &Value) -> Result<Value, u16> {
        let Some((pod, _)) = self.pods.get(name) else { return Err(404) };
        let is_same = |member: &str| pod["metadata"][member] == patch["metadata"][member];
        if is_same("uid") && is_same("resourceVersion") { Ok(pod.clone()) } else { Err(409) }
    }

    /// Carries out a strategic merge patch, and answers with the Pod or a code.
    pub(super) fn patch(&mut self, name: &str, patch: &Value) -> Result<Rc<PodLite>, u16> {
        let mut pod = self.asked(name, patch)?;
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
