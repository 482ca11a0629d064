//! Types of JSON values. The API server keeps containers and volumes of a set without looking at them, and would
//! refuse every Pod that they are put into.

use super::Violations;
use crate::json::Document;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// How many members are told at most: each is found by reading everything anew.
const MOST: usize = 20;

/// Adds each member whose type is not that of `T`. Members that this build does not know may be anything.
pub(super) fn check<T: DeserializeOwned>(source: &Map<String, Value>, path: &str, violations: &mut Violations) {
    let mut object = Value::Object(source.clone());
    spell_quantities(&mut object);
    for _ in 0..MOST {
        // As a document: what is told of it then has an end.
        let document = Document::of(&object);
        let Err(error) = serde_path_to_error::deserialize::<_, T>(document.root()) else { return };
        violations.add(joined(path, error.path()), error.inner());
        // The next round looks at the rest.
        if !remove(&mut object, error.path()) {
            return;
        }
    }
}

fn joined(path: &str, within: &Path) -> String {
    let steps: String = within.iter().map(step).collect();
    format!("{path}{steps}")
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Map { key } => format!(".{key}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}

/// Removes the innermost named member that a path leads to.
fn remove(object: &mut Value, path: &Path) -> bool {
    let mut steps: Vec<&Segment> = path.iter().collect();
    while !matches!(steps.last(), None | Some(Segment::Map { .. })) {
        steps.pop();
    }
    let Some(Segment::Map { key }) = steps.pop() else { return false };
    let holder = steps.into_iter().try_fold(object, |value, step| match step {
        Segment::Seq { index } => value.get_mut(*index),
        Segment::Map { key } => value.get_mut(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    holder.and_then(Value::as_object_mut).is_some_and(|holder| holder.remove(key).is_some())
}

/// Turns numbers into texts where Kubernetes has quantities: it reads either, the compiled-in types only texts.
pub(super) fn spell_quantities(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match (key.as_str(), &mut *member) {
                    ("divisor" | "sizeLimit", amount) => spell(amount),
                    ("limits" | "requests", Value::Object(amounts)) => amounts.values_mut().for_each(spell),
                    (_, other) => spell_quantities(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_quantities),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn spell(amount: &mut Value) {
    if amount.is_number() || amount.is_null() {
        *amount = Value::String(amount.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{Container, Volume};
    use serde_json::json;

    fn violations<T: DeserializeOwned>(value: &Value) -> Vec<String> {
        let mut violations = Violations::default();
        check::<T>(value.as_object().unwrap(), "x", &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_member_of_a_wrong_type_is_named() {
        let found = violations::<Container>(&json!({
            "name": "a", "command": "sleep", "tty": "yes", "ports": [{"containerPort": "http", "hostPort": true}],
            "env": [5],
        }));

        assert_eq!(
            found,
            [
                "x.command: invalid type: string \"sleep\", expected a sequence",
                "x.env[0]: invalid type: integer `5`, expected EnvVar",
                "x.ports[0].containerPort: invalid type: string \"http\", expected i32",
                "x.ports[0].hostPort: invalid type: boolean `true`, expected i32",
                "x.tty: invalid type: string \"yes\", expected a boolean",
            ]
        );
    }

    #[test]
    fn what_is_wrong_a_thousand_times_is_told_twenty_times() {
        let variables = vec![json!({"name": 5}); 1000];

        assert_eq!(violations::<Container>(&json!({"name": "a", "env": variables})).len(), 20);
    }

    #[test]
    fn a_quantity_may_be_a_number() {
        let reference = json!({"resource": "limits.cpu", "divisor": 1});
        let container = json!({"name": "a", "env": [{"name": "A", "valueFrom": {"resourceFieldRef": reference}}]});

        assert_eq!(violations::<Container>(&container), [""; 0]);
        assert_eq!(violations::<Volume>(&json!({"name": "a", "emptyDir": {"sizeLimit": 1}})), [""; 0]);
    }

    #[test]
    fn members_that_nobody_knows_may_be_anything() {
        assert_eq!(violations::<Container>(&json!({"name": "a", "ofTheFuture": [{}, 1]})), [""; 0]);
    }
}
