//! The volumes that sidecars mount.

use super::edit::PodEdit;
use super::{Clash, ClashKind};
use crate::json::Json;
use crate::normalize::{CanonicalSet, MountedVolume};
use std::collections::BTreeMap;

/// Merges the volumes that some sidecar mounts into those of the Pod. A volume that the Pod has already wins.
pub(super) fn merge(pod: Json<'_>, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) {
    let own = pod.at("spec").at("volumes").items();
    let own: BTreeMap<&str, Json<'_>> = own.filter_map(|volume| Some((volume.at("name").as_str()?, volume))).collect();
    let mut merged: BTreeMap<&str, &MountedVolume> = BTreeMap::new();
    let mut order = Vec::new();
    for set in sets {
        for volume in &set.mounted {
            let name = &*volume.name;
            match (own.get(name), merged.get(name)) {
                (Some(own), _) if own.to_map() != volume.definition => edit.warn(shadowed(name, set, "the Pod")),
                (None, Some(first)) if first.definition != volume.definition => {
                    edit.warn(shadowed(name, set, "another SidecarSet"));
                }
                (Some(_), _) | (None, Some(_)) => {}
                (None, None) => {
                    merged.insert(name, volume);
                    order.push(&*volume.text);
                }
            }
        }
    }
    edit.append("volumes", &order);
}

fn shadowed(name: &str, set: &CanonicalSet, winner: &str) -> Clash {
    let message =
        format!("spec.volumes: volume {name} of SidecarSet {} is not used: {winner} has one of that name", set.name);
    Clash::of(set, ClashKind::Volume, message)
}
