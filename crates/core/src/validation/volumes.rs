//! The volumes of a set.

mod claim;
mod files;
mod iscsi;
mod projected;
mod source;

use super::Violations;
use super::member::{Member, REQUIRED, duplicate};
use super::syntax::dns_label;
use super::types;
use k8s_openapi::api::core::v1::Volume;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The volumes that can be mounted, by name.
pub(super) type Volumes<'a> = BTreeMap<&'a str, Member<'a>>;

/// Adds what is wrong with volumes, and returns those that have a name.
pub(super) fn check<'a>(volumes: &'a [Map<String, Value>], violations: &mut Violations) -> Volumes<'a> {
    let mut named = Volumes::new();
    for (at, volume) in volumes.iter().enumerate() {
        let path = format!("spec.volumes[{at}]");
        types::check::<Volume>(volume, &path, violations);
        let volume = Member::new(path, volume);
        volume.check_required("name", dns_label, violations);
        source::check(&volume, violations);
        let Some(name) = volume.text("name") else { continue };
        if named.insert(name, volume.clone()).is_some() {
            violations.add(volume.at("name"), duplicate(name));
        }
    }
    named
}

/// Says whether a volume can be a device.
pub(super) fn is_block_capable(volume: &Member<'_>) -> bool {
    ["persistentVolumeClaim", "ephemeral"].iter().any(|source| volume.has(source))
}

fn require(source: &Member<'_>, keys: &[&str], violations: &mut Violations) {
    for key in keys {
        if source.value(key).is_none_or(|value| value == "" || value.as_array().is_some_and(Vec::is_empty)) {
            violations.add(source.at(key), REQUIRED);
        }
    }
}
