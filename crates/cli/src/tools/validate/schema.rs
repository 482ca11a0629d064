//! What the API server finds by the definition of SidecarSet: unknown fields, values of a wrong type, and what is missing.

use crate::tools::manifest::member;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The types of values that a schema allows.
#[derive(Debug, Clone, Copy)]
struct Types<'a> {
    schema: &'a Value,
}

/// Returns the schema of a SidecarSet, from its definition; that of its metadata is one of Kubernetes.
pub fn of_sidecar_set() -> Value {
    let definition = sidecarset_api::crd::sidecar_set();
    let version = definition.spec.versions.into_iter().next();
    let schema = version.and_then(|version| version.schema?.open_api_v3_schema);
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    let mut whole = SchemaSettings::default().with(|settings| settings.inline_subschemas = true).into_generator();
    schema["properties"]["metadata"] = whole.root_schema_for::<ObjectMeta>().to_value();
    schema
}

/// Adds what a schema does not allow, each with its path. What is wrong or missing gets a value with which the rest can be read.
pub fn check(value: &mut Value, schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let types = Types { schema };
    if value.is_null() && types.are_told() {
        // The API server takes it for absent, or refuses it where a default is not known.
        return;
    }
    if !types.allow(value) {
        found.push((path.to_owned(), format!("is {}, but has to be {}", kind(value), types.names())));
        *value = Value::Null;
        return;
    }
    match value {
        Value::Object(members) => {
            check_members(members, schema, path, found);
            check_required(members, schema, path, found);
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                check(item, &schema["items"], &format!("{path}[{at}]"), found);
            }
            // The others keep their places.
            let placeholder = Types { schema: &schema["items"] }.placeholder();
            items.iter_mut().filter(|item| item.is_null()).for_each(|item| *item = placeholder.clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_members(members: &mut Map<String, Value>, schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let keeps_all = schema["x-kubernetes-preserve-unknown-fields"] == true;
    let is_closed = schema["properties"].is_object() && !keeps_all;
    for (name, value) in members.iter_mut() {
        let path = member(path, name);
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => check(value, schema, &path, found),
            (None, additional @ Value::Object(_)) => check(value, additional, &path, found),
            (None, _) if is_closed && !is_of_every_object(&path) => {
                found.push((path, "is an unknown field".to_owned()));
            }
            (None, _) => {}
        }
    }
    if schema["additionalProperties"].is_object() {
        members.retain(|_, value| !value.is_null());
    }
}

/// Adds what is missing. What was taken out was there, and is told already.
fn check_required(members: &mut Map<String, Value>, schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let there = members.get(name);
        if there.is_some_and(|value| !value.is_null()) {
            continue;
        }
        let path = member(path, name);
        if !found.iter().any(|(told, _)| *told == path) {
            found.push((path, "is required".to_owned()));
        }
        members.insert(name.to_owned(), Types { schema: &schema["properties"][name] }.placeholder());
    }
}

fn is_of_every_object(path: &str) -> bool {
    matches!(path, "apiVersion" | "kind")
}

impl Types<'_> {
    fn are_told(self) -> bool {
        self.schema["type"].is_string()
    }

    fn is_int_or_string(self) -> bool {
        self.schema["x-kubernetes-int-or-string"] == true
    }

    fn allow(self, value: &Value) -> bool {
        if self.is_int_or_string() {
            return value.is_i64() || value.is_u64() || value.is_string();
        }
        match self.schema["type"].as_str() {
            None => true,
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some(_) => value.is_number(),
        }
    }

    fn placeholder(self) -> Value {
        match self.schema["type"].as_str() {
            Some("object") => Value::Object(Map::new()),
            Some("array") => Value::Array(Vec::new()),
            Some("string") => Value::String(String::new()),
            Some("boolean") => Value::Bool(false),
            Some("integer" | "number") => Value::from(0),
            _ if self.is_int_or_string() => Value::from(0),
            _ => Value::Null,
        }
    }

    fn names(self) -> &'static str {
        if self.is_int_or_string() {
            return "a whole number or a string";
        }
        match self.schema["type"].as_str() {
            Some("object") => "an object",
            Some("array") => "a list",
            Some("string") => "a string",
            Some("boolean") => "true or false",
            Some("integer") => "a whole number",
            _ => "a number",
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(set: &Value) -> Vec<String> {
        let (mut set, mut found) = (set.clone(), Vec::new());
        check(&mut set, &of_sidecar_set(), "", &mut found);
        found.into_iter().map(|(path, message)| format!("{path} {message}")).collect()
    }

    #[test]
    fn a_field_that_is_misspelt_is_unknown() {
        let set = json!({"spec": {"selectr": {}, "updateStrategy": {"maxUnavailble": 1}}});

        assert_eq!(
            found(&set),
            ["spec.selectr is an unknown field", "spec.updateStrategy.maxUnavailble is an unknown field"]
        );
    }

    #[test]
    fn fields_of_containers_and_volumes_are_those_of_any_kubernetes() {
        let set = json!({"spec": {
            "containers": [{"name": "a", "fieldOfTomorrow": 1}],
            "volumes": [{"name": "v", "newKind": {}}],
        }});

        assert_eq!(found(&set), [""; 0]);
    }

    #[test]
    fn a_value_of_a_wrong_type_is_told_with_both_types() {
        let set = json!({"spec": {"containers": {}, "updateStrategy": {"partition": true, "paused": "yes"}}});

        assert_eq!(
            found(&set),
            [
                "spec.containers is an object, but has to be a list",
                "spec.updateStrategy.partition is true or false, but has to be a whole number or a string",
                "spec.updateStrategy.paused is a string, but has to be true or false",
            ]
        );
    }

    #[test]
    fn metadata_is_that_of_every_object() {
        let good = json!({"metadata": {"name": "a", "annotations": {"b": "c"}, "creationTimestamp": null}, "spec": {}});
        let bad = json!({"metadata": {"nam": "a", "labels": {"team": 5}}, "spec": {}});

        assert_eq!(found(&good), [""; 0]);
        assert_eq!(
            found(&bad),
            ["metadata.labels.team is a number, but has to be a string", "metadata.nam is an unknown field"]
        );
    }

    #[test]
    fn what_is_missing_is_told_and_does_not_keep_the_rest_from_being_read() {
        let mut set = json!({
            "metadata": {},
            "spec": {
                "containers": [{"name": "a", "transferEnv": [{"sourceContainerNameFrom": {"fieldRef": {}}}]}],
                "updateStrategy": {"priorityStrategy": {"weightPriority": [{"weight": "x", "matchSelector": {}}]}},
            },
        });
        let mut found = Vec::new();

        check(&mut set, &of_sidecar_set(), "", &mut found);

        let told: Vec<String> = found.into_iter().map(|(path, message)| format!("{path} {message}")).collect();
        assert_eq!(
            told,
            [
                "spec.containers[0].transferEnv[0].sourceContainerNameFrom.fieldRef.fieldPath is required",
                "spec.updateStrategy.priorityStrategy.weightPriority[0].weight is a string, but has to be a whole number",
            ]
        );
        assert!(serde_json::from_value::<sidecarset_api::v1beta1::SidecarSet>(set).is_ok());
    }
}
