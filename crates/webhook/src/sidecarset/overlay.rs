//! The changes by which an object gets the members of another, and keeps all of its own.

use sidecarset_core::injection::{Operation, Operations, Patch};
use sidecarset_core::json::Json;
use std::borrow::Cow;

/// Returns the patch after which `object` has every member of the overlays, and none that is null there. What is only in `object`
/// stays, and so does every item of a list that is as long in both.
pub(super) fn patch<'a>(object: Json<'_>, overlays: impl IntoIterator<Item = Json<'a>>) -> Patch {
    let mut comparison = Comparison { path: Vec::new(), operations: Operations::default() };
    overlays.into_iter().for_each(|overlay| comparison.compare(object, overlay));
    comparison.operations.finish()
}

/// Goes over two objects at once.
struct Comparison<'a> {
    path: Vec<Cow<'a, str>>,
    operations: Operations,
}

impl<'a> Comparison<'a> {
    fn compare(&mut self, present: Json<'_>, wanted: Json<'a>) {
        if present.is_object() && wanted.is_object() {
            self.compare_members(present, wanted);
        } else if is_list_as_long(present, wanted) {
            for (at, (present, wanted)) in present.items().zip(wanted.items()).enumerate() {
                self.within(at.to_string().into(), |within| within.compare(present, wanted));
            }
        } else if !present.means(wanted) && !is_of_another_type(present, wanted) {
            self.write(Operation::Replace, wanted);
        }
    }

    fn compare_members(&mut self, present: Json<'_>, wanted: Json<'a>) {
        // Both are mostly in the same order.
        let mut next = present.members().peekable();
        for (name, wanted) in wanted.members() {
            while next.next_if(|(other, _)| *other < name).is_some() {}
            let found = next.next_if(|(other, _)| *other == name).map(|(_, member)| member);
            let found = found.or_else(|| present.get(name));
            self.within(name.into(), |within| match found {
                Some(present) if wanted.is_null() && !present.is_null() => within.remove(),
                Some(present) => within.compare(present, wanted),
                None if wanted.is_null() => {}
                None => within.write(Operation::Add, wanted),
            });
        }
    }

    fn within(&mut self, token: Cow<'a, str>, then: impl FnOnce(&mut Self)) {
        self.path.push(token);
        then(self);
        self.path.pop();
    }

    fn write(&mut self, operation: Operation, value: Json<'_>) {
        self.operations.write(operation, &tokens(&self.path), value.raw());
    }

    fn remove(&mut self) {
        self.operations.remove(&tokens(&self.path));
    }
}

fn tokens<'a>(path: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    path.iter().map(AsRef::as_ref).collect()
}

fn is_list_as_long(present: Json<'_>, wanted: Json<'_>) -> bool {
    present.is_list() && wanted.is_list() && present.items().count() == wanted.items().count()
}

/// Says whether a member is of another type than the API says. The API server refuses it, and with a better message, if it stays.
fn is_of_another_type(present: Json<'_>, wanted: Json<'_>) -> bool {
    (wanted.is_object() && !present.is_null()) || (wanted.is_list() && !present.is_null() && !present.is_list())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use sidecarset_core::json::Document;

    fn laid(object: &Value, overlay: &Value) -> Value {
        let patch = patch(Document::of(object).root(), [Document::of(overlay).root()]);
        serde_json::from_str(patch.as_str()).unwrap()
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
    fn what_is_null_in_the_overlay_is_taken_away() {
        let operations = laid(&json!({"a": 1, "b": null}), &json!({"a": null, "b": null, "c": null}));

        assert_eq!(operations, json!([{"op": "remove", "path": "/a"}]));
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

    #[test]
    fn members_are_found_in_whatever_order_they_stand_and_however_they_are_written() {
        let object = Document::parse(r#"{"b": 1, "\u0061": 1.0, "c": "\u0031", "d": {"y": [], "x": 0}}"#).unwrap();
        let overlay = Document::parse(r#"{"d": {"x": 0, "y": []}, "a": 1.0, "c": "1", "b": 1, "e": 2}"#).unwrap();

        let patch = patch(object.root(), [overlay.root()]);

        assert_eq!(patch.as_str(), r#"[{"op":"add","path":"/e","value":2}]"#);
    }
}
