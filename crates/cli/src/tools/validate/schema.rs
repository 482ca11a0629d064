//! What the API server finds by the definition of SidecarSet: unknown fields, and values of a wrong type.

use crate::tools::manifest::member;
use serde_json::{Map, Value};

/// The types of values that a schema allows.
#[derive(Debug, Clone, Copy)]
struct Types<'a> {
    schema: &'a Value,
}

/// Returns the schema of a SidecarSet, from its definition.
pub fn of_sidecar_set() -> Value {
    let definition = sidecarset_api::crd::sidecar_set();
    let version = definition.spec.versions.into_iter().next();
    let schema = version.and_then(|version| version.schema?.open_api_v3_schema);
    serde_json::to_value(schema).unwrap_or_default()
}

/// Adds what a schema does not allow, each with its path. Values of a wrong type are taken out, so that the rest can be read.
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
        Value::Object(members) => check_members(members, schema, path, found),
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
    // Metadata has no schema of its own in a definition.
    let is_closed = schema["properties"].is_object() && !keeps_all;
    for (name, value) in members {
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
}

fn is_of_every_object(path: &str) -> bool {
    matches!(path, "apiVersion" | "kind" | "metadata")
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
    fn metadata_is_not_for_the_definition_to_judge() {
        assert_eq!(found(&json!({"metadata": {"name": "a", "annotations": {"b": "c"}}})), [""; 0]);
    }
}
