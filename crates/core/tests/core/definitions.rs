//! Definitions, compared with what Kruise records of them.

use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::defaults::defaulted;
use sidecarset_core::revision::{Draft, hashes};

/// Each line is the end of the name of the ControllerRevision, which is a hash of its data, the beginnings of both hashes, and
/// the spec of a SidecarSet, as the webhook and the controller of Kruise v1.8.3 made them of it. The specs are random: every
/// member that Kubernetes knows, in every spelling that it reads, whether the set is valid or not.
const VECTORS: &str = include_str!("../vectors/definitions.tsv");

/// Returns what is ours of a spec.
fn recorded(spec: &str) -> (String, [String; 2], String) {
    let set = format!(r#"{{"metadata":{{"name":"s"}},"spec":{spec}}}"#);
    let set: SidecarSet = serde_json::from_str(&set).unwrap();
    let spec = defaulted(&set.spec);
    let draft = Draft::of(&set, &spec, None);
    let hashes = hashes(spec.containers.as_deref(), spec.init_containers.as_deref());
    (draft.suffix(), [&hashes.full, &hashes.without_image].map(|hash| hash[..12].to_owned()), draft.data.to_string())
}

#[test]
fn hashes_and_revisions_are_those_of_kruise() {
    let mut others = Vec::new();
    for line in VECTORS.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, full, without_image, spec] = columns.try_into().unwrap();

        let (suffix, hashes, data) = recorded(spec);

        if suffix != name || hashes != [full, without_image] {
            others.push(format!("{line}\n{suffix} {hashes:?} {data}"));
        }
    }
    let count = VECTORS.lines().count();
    assert!(others.is_empty(), "{} of {count}, such as\n{}", others.len(), others[..others.len().min(3)].join("\n"));
    assert!(count >= 1800);
}
