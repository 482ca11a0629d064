//! The changes by which an object gets the members of another, and keeps all of its own.

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, PatchOperation, ReplaceOperation};
use serde_json::{Map, Value};
use sidecarset_core::injection::Patch;

/// Returns the patch after which `object` has every member of `overlay`.
pub(super) fn patch(object: &Value, overlay: &Value) -> Patch {
    Patch::from(&json_patch::Patch(operations(object, overlay)))
}

/// Returns the operations after which `object` has every member of `overlay`. What is only in `object` stays, and so
/// does every item of a list that is as long in both.
fn operations(object: &Value, overlay: &Value) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    compare(Pointer::root(), object, overlay, &mut operations);
    operations
}

fn compare(path: &Pointer, present: &Value, wanted: &Value, operations: &mut Vec<PatchOperation>) {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => compare_members(path, present, wanted, operations),
        (Value::Array(present), Value::Array(wanted)) if present.len() == wanted.len() => {
            for (at, (present, wanted)) in present.iter().zip(wanted).enumerate() {
                compare(&child(path, &at.to_string()), present, wanted, operations);
            }
        }
        _ if present == wanted => {}
        // A member of another type than the API says. The API server refuses it, and with a better message, if it stays.
        (present, Value::Object(_)) if !present.is_null() => {}
        (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_), Value::Array(_)) => {}
        _ => operations.push(PatchOperation::Replace(ReplaceOperation { path: path.to_buf(), value: wanted.clone() })),
    }
}

fn compare_members(
    path: &Pointer,
    present: &Map<String, Value>,
    wanted: &Map<String, Value>,
    operations: &mut Vec<PatchOperation>,
) {
    for (key, value) in wanted {
        match present.get(key) {
            Some(present) => compare(&child(path, key), present, value, operations),
            None => operations.push(PatchOperation::Add(AddOperation { path: child(path, key), value: value.clone() })),
        }
    }
}

fn child(path: &Pointer, token: &str) -> PointerBuf {
    path.with_trailing_token(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn laid(object: &Value, overlay: &Value) -> Value {
        serde_json::to_value(operations(object, overlay)).unwrap()
    }

    #[test]
    fn a_member_that_is_missing_is_added_and_one_that_differs_is_replaced() {
        let operations = laid(&json!({"a": 1, "b": null}), &json!({"a": 2, "b": 3, "c": 4}));

        assert_eq!(
            operations,
            json!([
                {"op": "replace", "path": "/a", "value": 2},
                {"op": "replace", "path": "/b", "value": 3},
                {"op": "add", "path": "/c", "value": 4},
            ])
        );
    }

    #[test]
    fn a_member_that_only_the_object_has_stays() {
        assert_eq!(
            laid(&json!({"a": {"mine": 1}}), &json!({"a": {"yours": 2}})),
            json!([{"op": "add", "path": "/a/yours", "value": 2}])
        );
    }

    #[test]
    fn the_items_of_a_list_are_changed_where_they_stand() {
        let operations = laid(&json!({"list": [{"new": true}, {"x": 1}]}), &json!({"list": [{}, {"x": 2}]}));

        assert_eq!(operations, json!([{"op": "replace", "path": "/list/1/x", "value": 2}]));
    }

    #[test]
    fn a_list_of_another_length_is_replaced() {
        let operations = laid(&json!({"list": [1]}), &json!({"list": [1, 2]}));

        assert_eq!(operations, json!([{"op": "replace", "path": "/list", "value": [1, 2]}]));
    }

    #[test]
    fn a_member_of_another_type_stays_as_it_is_and_is_refused_by_the_api_server() {
        let operations = laid(&json!({"a": [], "b": "x", "c": {}}), &json!({"a": {"x": 1}, "b": {"x": 1}, "c": [1]}));

        assert_eq!(operations, json!([]));
    }

    #[test]
    fn a_slash_in_a_key_is_escaped() {
        let operations = laid(&json!({"annotations": {}}), &json!({"annotations": {"kruise.io/a~b": "c"}}));

        assert_eq!(operations, json!([{"op": "add", "path": "/annotations/kruise.io~1a~0b", "value": "c"}]));
    }
}
