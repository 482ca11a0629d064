//! A Pod with pairs of containers, as it is injected, and its kubelet.

use crate::build::now;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use sidecarset_core::injection::inject;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{Interner, ObservedPod, ObservedSpec, ObservedStatus, PodRecord};
use sidecarset_core::rollout::Upgrade;
use std::collections::BTreeMap;
use std::sync::Arc;

const LISTS: [(&str, &str); 2] = [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")];

/// What the kubelet makes of the image that the spec asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kubelet {
    /// It runs, and is ready.
    Runs,
    /// It has not started yet, or never will; the container before has ended.
    Starts,
}

/// A Pod that sets were injected into.
#[derive(Debug, Clone)]
pub struct HotPod(Value);

impl HotPod {
    /// A Pod in which everything runs.
    pub fn new(name: &str, set: &CanonicalSet) -> Self {
        let mut pod = json!({
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "7",
                "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "nginx"},
            },
            "spec": {"nodeName": "node", "containers": [{"name": "main", "image": "nginx:1.15.1"}]},
        });
        let injection = inject(&pod, &[Arc::new(set.clone())], now()).unwrap();
        json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
        pod["status"] = json!({"phase": "Running"});
        let mut pod = Self(pod);
        for (list, statuses) in LISTS {
            pod.0["status"][statuses] = pod.list(list).iter().map(|it| json!({"name": it["name"]})).collect();
        }
        pod.all_run();
        pod
    }

    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        *self.0.pointer_mut(pointer).unwrap() = value.into();
        self
    }

    /// With an annotation, or without it.
    pub fn annotated(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0["metadata"]["annotations"][key] = value.into();
        self.0["metadata"]["annotations"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self
    }

    pub fn annotation(&self, key: &str) -> &str {
        self.0["metadata"]["annotations"][key].as_str().unwrap_or_default()
    }

    pub fn annotations(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.0["metadata"]["annotations"].clone()).unwrap()
    }

    /// The container of a pair that is at work.
    pub fn at_work(&self, sidecar: &str) -> String {
        let text = self.annotation("kruise.io/sidecarset-working-hotupgrade-container");
        let working: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
        working[sidecar].clone()
    }

    /// The image that the spec asks for.
    pub fn image(&self, container: &str) -> &str {
        let mut all = LISTS.iter().flat_map(|(list, _)| self.list(list));
        all.find(|it| it["name"] == container).unwrap()["image"].as_str().unwrap()
    }

    /// The version of a container, and the version of its sibling as it is told.
    pub fn versions(&self, container: &str) -> (u64, u64) {
        let read =
            |prefix: &str| self.annotation(&format!("{prefix}.sidecarset.kruise.io/{container}")).parse().unwrap();
        (read("version"), read("versionalt"))
    }

    /// Whether the container is ready, with the image that the spec asks for.
    pub fn is_healthy(&self, container: &str) -> bool {
        let status = self.status(container);
        status["ready"] == true && status["image"] == *self.image(container)
    }

    pub fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let all = LISTS.iter().flat_map(|(list, _)| self.list(list));
        all.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Writes a step, as the API server does.
    pub fn write(&mut self, step: &Upgrade, set: &CanonicalSet) -> Value {
        let patch = step.patch(set, &self.build(), now());
        let version: u64 = self.0["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        assert_eq!(patch["metadata"]["resourceVersion"], version.to_string());
        self.0["metadata"]["resourceVersion"] = (version + 1).to_string().into();
        for (key, value) in patch["metadata"]["annotations"].as_object().unwrap() {
            self.0["metadata"]["annotations"][key] = value.clone();
        }
        for (list, _) in LISTS {
            for change in patch["spec"][list].as_array().into_iter().flatten() {
                let containers = self.0["spec"][list].as_array_mut().unwrap();
                let container = containers.iter_mut().find(|it| it["name"] == change["name"]).unwrap();
                container["image"] = change["image"].clone();
            }
        }
        patch
    }

    /// Lets the kubelet act on one container.
    pub fn kubelet(&mut self, container: &str, outcome: Kubelet) {
        let image = self.image(container).to_owned();
        let status = self.status_mut(container);
        match outcome {
            Kubelet::Runs => {
                *status = json!({
                    "name": container, "image": image, "imageID": format!("sha256:{image}"), "ready": true,
                    "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:03Z"}},
                });
            }
            Kubelet::Starts => {
                status["ready"] = false.into();
                status["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
            }
        }
        self.tell_readiness();
    }

    /// Lets the kubelet run everything.
    pub fn all_run(&mut self) {
        for name in self.names() {
            self.kubelet(&name, Kubelet::Runs);
        }
    }

    pub fn build(&self) -> PodRecord {
        let part = |member: &str| self.0[member].clone();
        let metadata: ObjectMeta = serde_json::from_value(part("metadata")).unwrap();
        let spec: ObservedSpec = serde_json::from_value(part("spec")).unwrap();
        let status: ObservedStatus = serde_json::from_value(part("status")).unwrap();
        let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &status };
        PodRecord::read(observed, &mut Interner::default()).unwrap()
    }

    // As a real one: a Pod is ready while every container is.
    fn tell_readiness(&mut self) {
        let mut all =
            LISTS.iter().flat_map(|(_, statuses)| self.0["status"][statuses].as_array().into_iter().flatten());
        let status = if all.all(|status| status["ready"] == true) { "True" } else { "False" };
        self.0["status"]["conditions"] =
            json!([{"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:05Z"}]);
    }

    fn list(&self, list: &str) -> &[Value] {
        self.0["spec"][list].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn status(&self, container: &str) -> &Value {
        let mut all =
            LISTS.iter().flat_map(|(_, statuses)| self.0["status"][statuses].as_array().into_iter().flatten());
        all.find(|it| it["name"] == container).unwrap()
    }

    fn status_mut(&mut self, container: &str) -> &mut Value {
        let statuses = self.0["status"].as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut).flatten();
        statuses.into_iter().find(|it| it["name"] == container).unwrap()
    }
}
