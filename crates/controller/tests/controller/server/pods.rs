//! What the API server does with reads and writes of a Pod.

use super::super::objects;
use super::{Fault, Kind, Reply, State, answer, busy, failure};
use serde_json::{Value, json};
use std::collections::VecDeque;

impl State {
    pub(super) fn read_metadata(&mut self, name: &str) -> Reply {
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

    pub(super) fn patch_pod(&mut self, name: &str, patch: &Value) -> Option<Reply> {
        let fault = self.faults.get_mut(name).and_then(VecDeque::pop_front);
        match fault {
            Some(Fault::Code(code)) => return Some(failure(code)),
            Some(Fault::Busy(seconds)) => return Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone | Fault::Panic) | None => {}
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

    pub(super) fn patch_pod_status(&mut self, name: &str, patch: &Value) -> Reply {
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
}
