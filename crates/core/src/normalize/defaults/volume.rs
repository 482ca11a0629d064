//! The defaults of a volume.

use super::{Object, fill_field_reference, fill_text, member, members};
use serde_json::{Value, json};

/// The mode of a file that nobody gave one: read by all, written by its owner.
const FILE_MODE: i64 = 0o644;

/// Texts that an author may leave out; an empty one was written on purpose.
const ABSENT: [(&str, &str, &str); 4] = [
    ("hostPath", "type", ""),
    ("azureDisk", "cachingMode", "ReadWrite"),
    ("azureDisk", "kind", "Shared"),
    ("azureDisk", "fsType", "ext4"),
];

/// Texts that an author may leave out or leave empty: Go's defaults do not tell the two apart.
const EMPTY: [(&str, &str, &str); 6] = [
    ("iscsi", "iscsiInterface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];

pub(in crate::normalize) fn fill_volume(volume: &mut Object) {
    if volume.iter().all(|(key, value)| key == "name" || value.is_null()) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for (source, key, default) in ABSENT {
        if let Some(source) = member(volume, source) {
            fill_absent(source, key, default);
        }
    }
    for (source, key, default) in EMPTY {
        if let Some(source) = member(volume, source) {
            fill_text(source, key, default);
        }
    }
    if let Some(disk) = member(volume, "azureDisk") {
        fill_absent(disk, "readOnly", false);
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
            ("iscsi", json!({"iqn": "a", "iscsiInterface": ""}), json!({"iqn": "a", "iscsiInterface": "default"})),
            (
                "azureDisk",
                json!({"kind": "Managed", "fsType": ""}),
                json!({"kind": "Managed", "fsType": "", "cachingMode": "ReadWrite", "readOnly": false}),
            ),
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
