//! The volumes that sidecars mount.

use super::edit::PodEdit;
use super::{Clash, ClashKind};
use crate::json::Json;
use crate::normalize::CanonicalSet;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Merges the volumes that some sidecar mounts into those of the Pod. A volume that the Pod has already wins.
pub(super) fn merge(pod: &Json<'_>, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) {
    let own = pod.at("spec").at("volumes").items();
    let own: BTreeMap<&str, &Json<'_>> = own.filter_map(|volume| Some((volume.at("name").as_str()?, volume))).collect();
    let mut merged: BTreeMap<&str, &Map<String, Value>> = BTreeMap::new();
    let mut order = Vec::new();
    for set in sets {
        for (name, volume) in mounted(set) {
            match (own.get(name), merged.get(name)) {
                (Some(own), _) if own.to_map() != *volume => edit.warn(shadowed(name, set, "the Pod")),
                (None, Some(first)) if *first != volume => {
                    edit.warn(shadowed(name, set, "another SidecarSet"));
                }
                (Some(_), _) | (None, Some(_)) => {}
                (None, None) => {
                    merged.insert(name, volume);
                    order.push(Value::Object(volume.clone()));
                }
            }
        }
    }
    edit.append("volumes", order);
}

/// Returns the volumes of a set that its sidecars mount, in the order of the mounts, each once.
fn mounted(set: &CanonicalSet) -> Vec<(&str, &Map<String, Value>)> {
    let mut volumes: Vec<(&str, &Map<String, Value>)> = Vec::new();
    for name in set.init_containers.iter().chain(&set.containers).flat_map(|sidecar| &sidecar.volumes) {
        let definition = set.volumes.iter().find(|volume| volume.get("name").is_some_and(|it| it == name.as_str()));
        if let Some(definition) = definition
            && !volumes.iter().any(|(known, _)| known == name)
        {
            volumes.push((name, definition));
        }
    }
    volumes
}

fn shadowed(name: &str, set: &CanonicalSet, winner: &str) -> Clash {
    let message =
        format!("spec.volumes: volume {name} of SidecarSet {} is not used: {winner} has one of that name", set.name);
    Clash::of(set, ClashKind::Volume, message)
}
