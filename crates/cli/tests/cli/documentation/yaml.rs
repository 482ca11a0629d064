//! Whether YAML that a page shows is what it says.

use super::schema;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::normalize;
use sidecarset_e2e::document::{Block, Treatment, repository};

/// Kinds that are nobody's but that of the program that reads them.
const OF_OTHERS: [&str; 4] = ["AdmissionConfiguration", "Config", "HorizontalPodAutoscaler", "PodDisruptionBudget"];

/// Returns what is wrong with a block.
pub fn fault(block: &Block) -> Option<String> {
    match &block.directive.treatment {
        Some(Treatment::From(file)) => {
            let text = std::fs::read_to_string(repository().join(file)).unwrap_or_default();
            (!text.contains(block.text.trim_end())).then(|| format!("does not stand in {file}"))
        }
        Some(Treatment::In(path)) => read(&block.text).and_then(|mut parts| within(path, parts.remove(0))).err(),
        Some(Treatment::NotRun(_)) => read(&block.text).err(),
        _ => fault_of_objects(&block.text),
    }
}

/// Returns what is wrong with objects.
pub fn fault_of_objects(text: &str) -> Option<String> {
    read(text).and_then(|objects| objects.into_iter().try_for_each(check)).err()
}

fn read(text: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple(text).map_err(|error| error.to_string())
}

/// Checks a part of a SidecarSet, in one that has nothing else to be wrong with.
fn within(path: &str, part: Value) -> Result<(), String> {
    let mut set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "part"},
        "spec": {"selector": {"matchLabels": {"app": "part"}}, "containers": [{"name": "agent", "image": "agent:1"}]},
    });
    let place = path.split('.').fold(&mut set, |value, key| &mut value[key]);
    match (place.as_object_mut(), part) {
        (Some(place), Value::Object(members)) => place.extend(members),
        (_, part) => *place_of(&mut set, path) = part,
    }
    check(set)
}

fn place_of<'a>(set: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(set, |value, key| &mut value[key])
}

fn check(object: Value) -> Result<(), String> {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "SidecarSet" => check_set(object),
        "Pod" => check_as::<Pod>(&object),
        "ConfigMap" => check_as::<ConfigMap>(&object),
        "Namespace" => check_as::<Namespace>(&object),
        "Deployment" => check_as::<Deployment>(&object),
        "Job" => check_as::<Job>(&object),
        "ClusterRole" => check_as::<ClusterRole>(&object),
        "ClusterRoleBinding" => check_as::<ClusterRoleBinding>(&object),
        kind if OF_OTHERS.contains(&kind) => Ok(()),
        "" if object.as_object().is_some_and(|members| members.keys().eq(["spec"])) => {
            within("spec", object["spec"].clone())
        }
        kind => Err(format!("is of a kind that no test knows, and not said to be a part of one: {kind:?}")),
    }
}

fn check_set(object: Value) -> Result<(), String> {
    let unknown = schema::unknown_members(&object);
    if !unknown.is_empty() {
        return Err(format!("has members that SidecarSet does not have: {}", unknown.join(", ")));
    }
    let set: SidecarSet = serde_json::from_value(object).map_err(|error| error.to_string())?;
    let told = |violation: &sidecarset_core::validation::Violation| violation.to_string();
    normalize(&set).map(drop).map_err(|violations| violations.iter().map(told).collect::<Vec<_>>().join("; "))
}

/// Reads an object as one of its kind, and finds members that get lost by that.
fn check_as<K: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let typed: K = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    let lost = schema::lost_members(object, &serde_json::to_value(typed).map_err(|error| error.to_string())?);
    if lost.is_empty() { Ok(()) } else { Err(format!("has members that its kind does not have: {}", lost.join(", "))) }
}
