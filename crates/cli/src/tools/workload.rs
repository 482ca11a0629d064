//! Objects that have Pods, and the Pods that they have.

mod claims;

use super::failure::Failure;
use super::format::reference;
use claims::Claims;
use serde_json::{Map, Value, json};

/// Where the template of Pods is in most objects: in Deployments, StatefulSets, Jobs and whatever is made like them.
const USUAL: &str = "/spec/template";

/// A description of Pods in an object.
#[derive(Debug)]
pub struct Workload<'a> {
    object: &'a Value,
    /// Where its Pod is in it.
    pointer: String,
    /// Volumes that the object's controller adds to its Pods.
    claims: Claims,
    /// The namespace of its Pods.
    pub namespace: String,
    /// The Pod, as the API server would be asked to create it.
    pub pod: Value,
}

impl<'a> Workload<'a> {
    /// Returns what an object says of its Pods: a Pod is its own, and a template is whatever is called one and has containers in
    /// its spec, however deep it stands. JobSets and others like them have several.
    pub fn all(object: &'a Value, default_namespace: &str) -> Vec<Self> {
        let named = object["metadata"]["namespace"].as_str().filter(|name| !name.is_empty());
        let namespace = named.unwrap_or(default_namespace);
        let is_pod = object["kind"] == "Pod" && object["apiVersion"] == "v1";
        let mut pointers = if is_pod { vec![String::new()] } else { Vec::new() };
        if !is_pod {
            find(object, "", "", &mut pointers);
        }
        pointers.into_iter().map(|pointer| Self::at(object, pointer, namespace)).collect()
    }

    fn at(object: &'a Value, pointer: String, namespace: &str) -> Self {
        let mut pod = object.pointer(&pointer).cloned().unwrap_or_default();
        if !pod["metadata"].is_object() {
            pod["metadata"] = json!({});
        }
        pod["metadata"]["namespace"] = json!(namespace);
        let claims = Claims::beside(object, &pointer);
        claims.add_to(&mut pod);
        Self { object, pointer, claims, namespace: namespace.to_owned(), pod }
    }

    /// Says whether the object is the Pod itself.
    pub fn is_pod(&self) -> bool {
        self.pointer.is_empty()
    }

    /// Returns what kubectl calls the object, and where in it the template is, unless that is clear.
    pub fn name(&self) -> String {
        let object = reference(self.object);
        if self.is_pod() || self.pointer == USUAL {
            return object;
        }
        let mut path = String::new();
        for step in self.pointer.split('/').skip(1) {
            let is_index = step.bytes().all(|byte| byte.is_ascii_digit());
            let separator = if path.is_empty() { "" } else { "." };
            path.push_str(&if is_index { format!("[{step}]") } else { format!("{separator}{step}") });
        }
        format!("{object} ({path})")
    }

    /// Changes the Pod in a copy of the object.
    ///
    /// # Errors
    /// The Pod is not what the patch was made for.
    pub fn apply(&self, patch: &json_patch::Patch, copy: &mut Value) -> anyhow::Result<()> {
        let mut pod = self.pod.clone();
        json_patch::patch(&mut pod, patch)
            .map_err(|error| Failure::new(format!("failed to change {}: {error}", self.name())))?;
        self.claims.take_from(&mut pod);
        let place = copy.pointer_mut(&self.pointer).and_then(Value::as_object_mut);
        if let (Some(place), Value::Object(pod)) = (place, pod) {
            take_over(place, pod);
        }
        Ok(())
    }
}

/// Says whether it is known of an object that it has no Pods: those of Kubernetes itself are known, and they have a template
/// where they have Pods.
pub fn is_known(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group);
    group.is_none_or(|group| !group.contains('.') || group.ends_with(".k8s.io"))
}

/// Finds templates, each by its pointer.
fn find(value: &Value, name: &str, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if is_template(value, name) {
                return found.push(pointer.to_owned());
            }
            for (name, member) in members {
                let step = name.replace('~', "~0").replace('/', "~1");
                find(member, name, &format!("{pointer}/{step}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, name, &format!("{pointer}/{at}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_template(value: &Value, name: &str) -> bool {
    let has_containers = value["spec"]["containers"].as_array().is_some_and(|containers| !containers.is_empty());
    has_containers && name.to_ascii_lowercase().ends_with("template")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(object: &Value) -> Vec<String> {
        Workload::all(object, "default").iter().map(Workload::name).collect()
    }

    fn template() -> Value {
        json!({"spec": {"containers": [{"name": "main", "image": "m:1"}]}})
    }

    #[test]
    fn templates_are_found_wherever_they_stand() {
        let object = |kind: &str, group: &str, spec: Value| json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "n"}, "spec": spec});
        let job = || json!({"spec": {"template": template()}});

        assert_eq!(names(&object("Deployment", "apps", json!({"template": template()}))), ["deployment.apps/n"]);
        assert_eq!(
            names(&object("CronJob", "batch", json!({"jobTemplate": job()}))),
            ["cronjob.batch/n (spec.jobTemplate.spec.template)"]
        );
        assert_eq!(
            names(&object(
                "JobSet",
                "jobset.x-k8s.io",
                json!({"replicatedJobs": [{"name": "a", "template": job()}, {"name": "b", "template": job()}]}),
            )),
            [
                "jobset.jobset.x-k8s.io/n (spec.replicatedJobs[0].template.spec.template)",
                "jobset.jobset.x-k8s.io/n (spec.replicatedJobs[1].template.spec.template)",
            ]
        );
        assert_eq!(
            names(&object(
                "LeaderWorkerSet",
                "leaderworkerset.x-k8s.io",
                json!({"leaderWorkerTemplate": {"leaderTemplate": template(), "workerTemplate": template(), "size": 4}}),
            )),
            [
                "leaderworkerset.leaderworkerset.x-k8s.io/n (spec.leaderWorkerTemplate.leaderTemplate)",
                "leaderworkerset.leaderworkerset.x-k8s.io/n (spec.leaderWorkerTemplate.workerTemplate)",
            ]
        );
    }

    #[test]
    fn containers_that_an_object_has_besides_are_no_pod() {
        let prometheus =
            json!({"apiVersion": "m/v1", "kind": "Prometheus", "spec": {"containers": [{"name": "extra"}]}});

        assert_eq!(names(&prometheus), [""; 0]);
    }

    #[test]
    fn kinds_of_kubernetes_itself_are_known() {
        for (version, expected) in [
            ("v1", true),
            ("apps/v1", true),
            ("networking.k8s.io/v1", true),
            ("jobset.x-k8s.io/v1alpha2", false),
            ("example.com/v1", false),
        ] {
            assert_eq!(is_known(&json!({"apiVersion": version})), expected, "{version}");
        }
    }
}
