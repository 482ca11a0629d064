//! What a revision of the present definition is made of.

use super::hash::ALPHABET;
use super::{encoding, fingerprint, hash};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSet, SidecarSetSpec};
use std::sync::Arc;

/// How much of a set's name is in the names of its revisions.
const LONGEST_PREFIX: usize = 223;

/// What a revision of the present definition is made of.
///
/// Its name depends on nothing but the definition and the number of collisions. So it is known before the object is
/// there, and a Pod that is created in between records the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The name.
    pub name: Arc<str>,
    /// The definition, byte for byte as Go writes it.
    pub data: Arc<str>,
    /// The version that the author of the set gives the definition.
    pub custom_version: Option<Arc<str>>,
    /// How often the name of a revision of the set was another object's.
    pub collisions: u32,
    /// How many revisions the set keeps, the newest one included.
    pub limit: usize,
}

impl Draft {
    /// Returns that of a set, given its spec with its defaults.
    #[must_use]
    pub fn of(set: &SidecarSet, spec: &SidecarSetSpec, custom_version: Option<&str>) -> Self {
        let collisions = set.status.as_ref().and_then(|status| status.collision_count);
        let limit = spec.revision_history_limit.and_then(|limit| usize::try_from(limit).ok());
        let draft = Self {
            name: Arc::default(),
            data: data(spec).into(),
            custom_version: custom_version.map(Arc::from),
            collisions: collisions.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
            limit: limit.unwrap_or_default().max(1),
        };
        draft.named(set.metadata.name.as_deref().unwrap_or_default())
    }

    /// Returns the same with the next name, because this one is another object's.
    #[must_use]
    pub fn after_collision(&self, set: &str) -> Self {
        Self { collisions: self.collisions.saturating_add(1), ..self.clone() }.named(set)
    }

    /// Returns the end of the name, which tells the definition from others.
    #[must_use]
    pub fn suffix(&self) -> String {
        suffix(&self.data, self.collisions)
    }

    /// Returns a spec with the containers, and nothing else.
    pub(super) fn containers(&self) -> SidecarSetSpec {
        let data: Value = serde_json::from_str(&self.data).expect("the data was written as JSON");
        let list = |list: &str| serde_json::from_value(data["spec"][list].clone()).unwrap_or_default();
        SidecarSetSpec {
            containers: list("containers"),
            init_containers: list("initContainers"),
            ..SidecarSetSpec::default()
        }
    }

    fn named(self, set: &str) -> Self {
        let prefix = set.get(..LONGEST_PREFIX).unwrap_or(set);
        Self { name: format!("{prefix}-{}", self.suffix()).into(), ..self }
    }
}

/// Returns the definition in a spec, as Kruise writes it: as Go writes the typed structs, then with all keys sorted, and null
/// for what the set does not have.
fn data(spec: &SidecarSetSpec) -> String {
    let containers = |list: &Option<Vec<SidecarContainer>>| hash::list_text(list.as_deref().unwrap_or_default());
    encoding::sorted_text(&json!({"spec": {
        "$patch": "replace",
        "containers": read(&containers(&spec.containers)),
        "imagePullSecrets": read(&fingerprint::image_pull_secrets(spec)),
        "initContainers": read(&containers(&spec.init_containers)),
        "patchPodMetadata": read(&fingerprint::patch_pod_metadata(spec)),
        "volumes": read(&fingerprint::volumes(spec)),
    }}))
}

fn read(list: &str) -> Value {
    let list: Value = serde_json::from_str(list).expect("a list was written as JSON");
    if list.as_array().is_some_and(Vec::is_empty) { Value::Null } else { list }
}

/// Returns the 32-bit FNV-1 hash (not 1a) of the data and the number of collisions, spelled with letters that make no
/// words.
fn suffix(data: &str, collisions: u32) -> String {
    let collisions = collisions.to_string();
    let bytes = data.bytes().chain(collisions.bytes());
    let hash = bytes.fold(2_166_136_261_u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(byte));
    hash.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(spec: Value) -> SidecarSetSpec {
        serde_json::from_value(spec).unwrap()
    }

    fn draft(name: &str, collisions: Option<i32>, limit: Option<i32>) -> Draft {
        let mut set = SidecarSet::new(name, spec(json!({"containers": [{"name": "agent", "image": "busybox:1.36"}]})));
        set.status.get_or_insert_default().collision_count = collisions;
        set.spec.revision_history_limit = limit;
        Draft::of(&set, &set.spec, None)
    }

    /// With the defaults that matter to this test written out, and no others.
    const EXAMPLE: &str = r#"{"spec":{"$patch":"replace","containers":[{"image":"busybox:1.36","name":"agent","podInjectPolicy":"BeforeAppContainer","resources":{},"shareVolumePolicy":{"type":"disabled"},"upgradeStrategy":{"upgradeType":"ColdUpgrade"}}],"imagePullSecrets":null,"initContainers":null,"patchPodMetadata":null,"volumes":null}}"#;

    #[test]
    fn the_data_and_the_name_are_those_of_kruise() {
        let container = json!({
            "name": "agent", "image": "busybox:1.36", "podInjectPolicy": "BeforeAppContainer",
            "upgradeStrategy": {"upgradeType": "ColdUpgrade"}, "shareVolumePolicy": {"type": "disabled"},
        });

        assert_eq!(data(&spec(json!({"containers": [container]}))), EXAMPLE);
        assert_eq!(suffix(EXAMPLE, 0), "8ff5f5b5c");
    }

    #[test]
    fn each_member_is_written_with_its_keys_sorted_and_escaped_as_go_escapes() {
        let data = data(&spec(json!({
            "containers": [{"name": "a", "image": "i", "args": ["<b> & c"], "resources": {"limits": {"memory": "1024Ki"}}}],
            "initContainers": [],
            "volumes": [{"name": "v", "hostPath": {"type": "", "path": "/v"}, "emptyDir": null}],
            "imagePullSecrets": [{"name": "s"}],
            "patchPodMetadata": [{"patchPolicy": "Retain", "annotations": {"z": "1", "a": "2"}}],
        })));

        assert_eq!(
            data,
            [
                r#"{"spec":{"$patch":"replace","containers":[{"args":["\u003cb\u003e \u0026 c"],"image":"i","name":"a","#,
                r#""resources":{"limits":{"memory":"1Mi"}},"shareVolumePolicy":{},"upgradeStrategy":{}}],"#,
                r#""imagePullSecrets":[{"name":"s"}],"initContainers":null,"#,
                r#""patchPodMetadata":[{"annotations":{"a":"2","z":"1"},"patchPolicy":"Retain"}],"#,
                r#""volumes":[{"hostPath":{"path":"/v","type":""},"name":"v"}]}}"#,
            ]
            .concat()
        );
    }

    #[test]
    fn a_collision_leads_to_another_name() {
        let first = draft("log-sc", None, None);
        let second = first.after_collision("log-sc");

        assert_ne!(second.name, first.name);
        assert_eq!(second.name, draft("log-sc", Some(1), None).name);
    }

    #[test]
    fn a_long_name_is_cut() {
        let draft = draft(&"a".repeat(253), None, None);

        assert_eq!(draft.name.split_once('-'), Some((&*"a".repeat(223), &*draft.suffix())));
    }

    #[test]
    fn at_least_one_revision_is_kept() {
        assert_eq!([Some(3), Some(1), Some(0)].map(|limit| draft("a", None, limit).limit), [3, 1, 1]);
    }
}
