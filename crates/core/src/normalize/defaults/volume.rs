//! The defaults of a volume.

use super::{Object, fill_field_reference, member, members};
use serde_json::{Value, json};

/// The mode of a file that nobody gave one: read by all, written by its owner.
const FILE_MODE: i64 = 0o644;

pub(super) fn fill_volume(volume: &mut Object) {
    if volume.iter().all(|(key, value)| key == "name" || value.is_null()) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    if let Some(path) = member(volume, "hostPath") {
        fill_absent(path, "type", "");
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = member(volume, source) {
            fill_absent(source, "defaultMode", FILE_MODE);
        }
    }
    fill_downward_items(volume);
    if let Some(projected) = member(volume, "projected") {
        for source in members(projected, "sources") {
            fill_downward_items(source);
            if let Some(token) = member(source, "serviceAccountToken") {
                fill_absent(token, "expirationSeconds", 3600);
            }
        }
    }
}

fn fill_downward_items(source: &mut Object) {
    if let Some(downward) = member(source, "downwardAPI") {
        members(downward, "items").for_each(fill_field_reference);
    }
}

/// Fills a member that is absent; an empty one was written on purpose.
fn fill_absent(object: &mut Object, key: &str, default: impl Into<Value>) {
    if object.get(key).is_none_or(Value::is_null) {
        object.insert(key.to_owned(), default.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mut volume: Value) -> Value {
        fill_volume(volume.as_object_mut().unwrap());
        volume
    }

    #[test]
    fn a_volume_without_a_source_is_an_empty_directory() {
        assert_eq!(filled(json!({"name": "a"})), json!({"name": "a", "emptyDir": {}}));
    }

    #[test]
    fn a_source_of_a_newer_kubernetes_is_a_source() {
        let volume = json!({"name": "a", "ofTheFuture": {}});

        assert_eq!(filled(volume.clone()), volume);
    }

    #[test]
    fn each_source_gets_its_defaults() {
        for (source, written, expected) in [
            ("hostPath", json!({"path": "/a"}), json!({"path": "/a", "type": ""})),
            ("secret", json!({"secretName": "a"}), json!({"secretName": "a", "defaultMode": 420})),
            ("configMap", json!({"name": "a"}), json!({"name": "a", "defaultMode": 420})),
            ("configMap", json!({"name": "a", "defaultMode": 0}), json!({"name": "a", "defaultMode": 0})),
            (
                "downwardAPI",
                json!({"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}),
                json!({
                    "items": [{"path": "a", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}],
                    "defaultMode": 420,
                }),
            ),
        ] {
            let volume = filled(json!({"name": "a", source: written}));

            assert_eq!(volume[source], expected, "{source}");
        }
    }

    #[test]
    fn the_sources_of_a_projection_get_theirs() {
        let volume = filled(json!({"name": "a", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ]}}));

        assert_eq!(
            volume["projected"],
            json!({"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                {"downwardAPI": {"items": [
                    {"path": "a", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
                ]}},
            ]})
        );
    }

    #[test]
    fn a_value_of_an_unexpected_type_stays_as_it_is() {
        for volume in [json!({"secret": "a"}), json!({"projected": [], "hostPath": 5})] {
            assert_eq!(filled(volume.clone()), volume);
        }
    }
}
