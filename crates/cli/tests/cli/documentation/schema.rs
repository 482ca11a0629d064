//! Members that nobody knows, because they are misspelt.

use k8s_openapi::api::core::v1::Container;
use serde_json::Value;

/// Returns the paths of members of a SidecarSet that its definition does not have, and of members of containers that
/// containers do not have.
pub fn unknown_members(set: &Value) -> Vec<String> {
    let definition = serde_json::to_value(sidecarset_api::crd::sidecar_set()).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap().iter();
    let version = set["apiVersion"].as_str().and_then(|version| version.rsplit('/').next()).unwrap_or_default();
    let schema = versions.clone().find(|it| it["name"] == version).map(|it| &it["schema"]["openAPIV3Schema"]);
    let mut unknown = Vec::new();
    match schema {
        Some(schema) => compare(set, schema, "", &mut unknown),
        None => unknown.push(format!("apiVersion {version:?}")),
    }
    unknown
}

fn compare(value: &Value, schema: &Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let is_open = schema["x-kubernetes-preserve-unknown-fields"] == true;
            // Containers are open: their other members are those of Kubernetes.
            let own = if is_open && schema.get("properties").is_some() { as_container(value) } else { Value::Null };
            for (key, member) in members {
                let path = format!("{path}.{key}");
                let known = schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
                match known {
                    Some(known) => compare(member, known, &path, unknown),
                    None if !own.is_null() => match own.get(key) {
                        Some(own) => lost(member, own, &path, unknown),
                        None => unknown.push(path),
                    },
                    None if is_open || schema.get("properties").is_none() => {}
                    None if ["apiVersion", "kind", "metadata"].contains(&key.as_str()) => {}
                    None => unknown.push(path),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                compare(item, &schema["items"], &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn as_container(value: &Value) -> Value {
    serde_json::from_value::<Container>(value.clone()).map_or(Value::Null, |it| serde_json::to_value(it).unwrap())
}

/// Returns the paths of members that are in the first value and not in the second one.
pub fn lost_members(value: &Value, typed: &Value) -> Vec<String> {
    let mut found = Vec::new();
    lost(value, typed, "", &mut found);
    found
}

fn lost(value: &Value, typed: &Value, path: &str, found: &mut Vec<String>) {
    match (value, typed) {
        (Value::Object(members), Value::Object(typed)) => {
            for (key, member) in members {
                let path = format!("{path}.{key}");
                match typed.get(key) {
                    Some(typed) => lost(member, typed, &path, found),
                    // What is empty is not written.
                    None if is_empty(member) => {}
                    None => found.push(path),
                }
            }
        }
        (Value::Array(items), Value::Array(typed)) => {
            for (index, (item, typed)) in items.iter().zip(typed).enumerate() {
                lost(item, typed, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
