//! Objects that have Pods, and the Pods that they have.

use crate::tools::failure::Failure;
use crate::tools::format::reference;
use serde_json::{Map, Value, json};

/// Where the template of Pods is in an object, from the outside to the inside: of CronJobs; of Deployments, StatefulSets,
/// Jobs, CloneSets and every other kind that is made like them; of PodTemplates.
const TEMPLATES: [&str; 3] = ["/spec/jobTemplate/spec/template", "/spec/template", "/template"];

/// An object that has Pods.
#[derive(Debug)]
pub struct Workload<'a> {
    object: &'a Value,
    /// Where its Pod is in it.
    pointer: &'static str,
    /// The namespace of its Pods.
    pub namespace: String,
    /// The Pod, as the API server would be asked to create it.
    pub pod: Value,
}

impl<'a> Workload<'a> {
    /// Returns what an object says of its Pods; nothing where it has none.
    pub fn find(object: &'a Value, default_namespace: &str) -> Option<Self> {
        let is_pod = object["kind"] == "Pod" && object["apiVersion"] == "v1";
        let has_containers =
            |pointer: &&&str| object.pointer(pointer).is_some_and(|template| template["spec"]["containers"].is_array());
        let pointer = if is_pod { Some("") } else { TEMPLATES.iter().find(has_containers).copied() }?;
        let named = object["metadata"]["namespace"].as_str().filter(|name| !name.is_empty());
        let namespace = named.unwrap_or(default_namespace).to_owned();
        let pod = pod(object, pointer, &namespace);
        Some(Self { object, pointer, namespace, pod })
    }

    /// Returns the object with the Pod changed.
    ///
    /// # Errors
    /// The Pod is not what the patch was made for.
    pub fn with(&self, patch: &json_patch::Patch) -> anyhow::Result<Value> {
        let mut pod = self.pod.clone();
        json_patch::patch(&mut pod, patch)
            .map_err(|error| Failure::new(format!("failed to change {}: {error}", reference(self.object))))?;
        let mut object = self.object.clone();
        let place = object.pointer_mut(self.pointer).and_then(Value::as_object_mut);
        if let (Some(place), Value::Object(pod)) = (place, pod) {
            take_over(place, pod);
        }
        Ok(object)
    }
}

/// Returns the Pod that is created, which a template says only half of.
fn pod(object: &Value, pointer: &str, namespace: &str) -> Value {
    let mut pod = object.pointer(pointer).cloned().unwrap_or_default();
    if !pod["metadata"].is_object() {
        pod["metadata"] = json!({});
    }
    pod["metadata"]["namespace"] = json!(namespace);
    pod
}

/// Takes over what an injection changes: the spec, and annotations and labels.
fn take_over(place: &mut Map<String, Value>, mut pod: Map<String, Value>) {
    if let Some(spec) = pod.remove("spec") {
        place.insert("spec".to_owned(), spec);
    }
    let Some(Value::Object(metadata)) = pod.remove("metadata") else { return };
    let changed = metadata.into_iter().filter(|(key, _)| key == "annotations" || key == "labels");
    let changed: Map<String, Value> = changed.collect();
    if changed.is_empty() {
        return;
    }
    let metadata = place.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.extend(changed);
    }
}
