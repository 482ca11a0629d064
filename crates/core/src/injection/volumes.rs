//! The volumes that sidecars mount.

use super::edit::PodEdit;
use super::{Clash, ClashKind};
use crate::json::Json;
use crate::normalize::{CanonicalSet, MountedVolume};
use std::collections::{BTreeMap, BTreeSet};

/// A volume that comes to a Pod, with the set that brings it.
pub(super) type Added<'a> = (&'a CanonicalSet, &'a MountedVolume);

/// Merges the volumes that some sidecar mounts into those of the Pod. A volume that the Pod has already wins. Returns those that
/// come to it.
pub(super) fn merge<'a>(own: Json<'_>, sets: &[&'a CanonicalSet], edit: &mut PodEdit<'_>) -> Vec<Added<'a>> {
    let wanted: BTreeSet<&str> = sets.iter().flat_map(|set| &set.mounted).map(|volume| &*volume.name).collect();
    // Only those that are asked for: there may be as many as a Pod has room for.
    let of_volume = |volume: Json<'_>| {
        let name = volume.at("name");
        wanted.iter().copied().find(|wanted| name.is(wanted))
    };
    let own: BTreeMap<&str, Json<'_>> = own.items().filter_map(|volume| Some((of_volume(volume)?, volume))).collect();
    let mut merged: BTreeMap<&str, &MountedVolume> = BTreeMap::new();
    let mut added = Vec::new();
    for set in sets {
        for volume in &set.mounted {
            let name = &*volume.name;
            match (own.get(name), merged.get(name)) {
                (Some(own), _) if !volume.is_like(&own.to_map()) => edit.warn_of(shadowed(name, set, "the Pod")),
                (None, Some(first)) if !volume.is_like(&first.definition) => {
                    edit.warn_of(shadowed(name, set, "another SidecarSet"));
                }
                (Some(_), _) | (None, Some(_)) => {}
                (None, None) => {
                    merged.insert(name, volume);
                    added.push((*set, volume));
                }
            }
        }
    }
    edit.append("volumes", &added.iter().map(|(_, volume)| &*volume.text).collect::<Vec<_>>());
    added
}

fn shadowed(name: &str, set: &CanonicalSet, winner: &str) -> Clash {
    let message =
        format!("spec.volumes: volume {name} of SidecarSet {} is not used: {winner} has one of that name", set.name);
    let field = (format!("spec.volumes[{name}]"), format!("is not used: {winner} has a volume of that name"));
    Clash::of(set, ClashKind::Volume, field).saying(message)
}
