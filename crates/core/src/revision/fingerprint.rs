//! Which definitions mean the same.

use super::encoding::encoded_list;
use super::hash;
use crate::schema::{LOCAL_REFERENCE, PATCH_POD_METADATA, VOLUME};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sidecarset_api::v1beta1::SidecarSetSpec;

/// Equal for two definitions that mean the same: the containers, volumes and Secrets of a set, and the annotations
/// that it gives to Pods, whoever has written them and with how many members left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns that of a spec that has its defaults. The members of a spec that are no part of its history do not
    /// count.
    // Not a comparison of the stored bytes: the API server may return the data of a revision in another form, and Go
    // writes members that nobody set.
    #[must_use]
    pub fn of(spec: &SidecarSetSpec) -> Self {
        let text = json!([
            hash::list_text(spec.containers.as_deref().unwrap_or_default()),
            hash::list_text(spec.init_containers.as_deref().unwrap_or_default()),
            volumes(spec),
            image_pull_secrets(spec),
            patch_pod_metadata(spec),
        ]);
        Self(Sha256::digest(text.to_string()).into())
    }
}

/// Returns the volumes as Go writes them.
pub(super) fn volumes(spec: &SidecarSetSpec) -> String {
    encoded_list(VOLUME, spec.volumes.as_deref().unwrap_or_default())
}

/// Returns the references to Secrets as Go writes them.
pub(super) fn image_pull_secrets(spec: &SidecarSetSpec) -> String {
    encoded_list(LOCAL_REFERENCE, &objects(spec.image_pull_secrets.as_deref()))
}

/// Returns the annotations for Pods as Go writes them.
pub(super) fn patch_pod_metadata(spec: &SidecarSetSpec) -> String {
    encoded_list(PATCH_POD_METADATA, &objects(spec.patch_pod_metadata.as_deref()))
}

fn objects<T: Serialize>(list: Option<&[T]>) -> Vec<Map<String, Value>> {
    let object = |item: &T| match serde_json::to_value(item) {
        Ok(Value::Object(object)) => object,
        Ok(_) | Err(_) => Map::new(),
    };
    list.unwrap_or_default().iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::defaults::defaulted;

    fn fingerprint(spec: Value) -> Fingerprint {
        Fingerprint::of(&defaulted(&serde_json::from_value(spec).unwrap()))
    }

    #[test]
    fn what_is_left_out_and_what_is_written_out_as_nothing_are_the_same() {
        let short = fingerprint(json!({"containers": [{"name": "a", "image": "i:1"}], "volumes": [{"name": "v"}]}));
        let long = fingerprint(json!({
            "containers": [{
                "name": "a", "image": "i:1", "resources": {}, "podInjectPolicy": "BeforeAppContainer",
                "shareVolumePolicy": {"type": "disabled"}, "upgradeStrategy": {"upgradeType": "ColdUpgrade"},
            }],
            "initContainers": null, "imagePullSecrets": [], "patchPodMetadata": null,
            "volumes": [{"name": "v", "emptyDir": null}],
        }));

        assert_eq!(short, long);
    }

    #[test]
    fn each_member_of_the_history_counts_and_no_other() {
        let base = || json!({"containers": [{"name": "a", "image": "i:1"}]});
        let with = |member: &str, value: Value| {
            let mut spec = base();
            spec[member] = value;
            fingerprint(spec)
        };

        for (member, value) in [
            ("containers", json!([{"name": "a", "image": "i:2"}])),
            ("initContainers", json!([{"name": "b", "image": "i:1"}])),
            ("volumes", json!([{"name": "v"}])),
            ("imagePullSecrets", json!([{"name": "s"}])),
            ("patchPodMetadata", json!([{"annotations": {"a": "b"}}])),
        ] {
            assert_ne!(with(member, value), fingerprint(base()), "{member}");
        }
        assert_eq!(with("updateStrategy", json!({"paused": true})), fingerprint(base()));
    }
}
