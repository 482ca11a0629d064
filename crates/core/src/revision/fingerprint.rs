//! Which definitions mean the same.

use super::hash;
use serde::Serialize;
use serde_json::{Value, json};
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
            meaning(&spec.volumes),
            meaning(&spec.image_pull_secrets),
            meaning(&spec.patch_pod_metadata),
        ]);
        Self(Sha256::digest(text.to_string()).into())
    }
}

/// Returns a list without what says nothing: members that are null, and the list itself where it is empty.
pub(super) fn meaning(list: &impl Serialize) -> Value {
    match without_nulls(serde_json::to_value(list).unwrap_or_default()) {
        Value::Array(items) if items.is_empty() => Value::Null,
        value => value,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        Value::Object(members) => {
            let said = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
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
