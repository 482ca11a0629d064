//! Where sidecars stand among the Pod's own containers.

use super::edit::PodEdit;
use super::{Refusal, carries_mark, sharing};
use crate::normalize::{CanonicalSet, Placement, Sidecar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Places init containers and containers of the sets, given by name.
pub(super) fn place(pod: &Value, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) -> Result<(), Refusal> {
    refuse_same_names(sets)?;
    // As in Kruise: init containers of all sets are sorted together, containers keep the order of their sets.
    let mut init: Vec<(&CanonicalSet, &Sidecar)> = all(sets, |set| &set.init_containers).collect();
    init.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    place_list(pod, "initContainers", init, edit);
    place_list(pod, "containers", all(sets, |set| &set.containers).collect(), edit);
    Ok(())
}

/// Says whether a list of the Pod has a container of this name that was injected.
pub(super) fn is_present(pod: &Value, list: &str, name: &str) -> bool {
    find(pod, list, name).is_some_and(|(_, container)| carries_mark(container))
}

fn all<'a>(
    sets: &[&'a CanonicalSet],
    list: impl Fn(&'a CanonicalSet) -> &'a Vec<Sidecar>,
) -> impl Iterator<Item = (&'a CanonicalSet, &'a Sidecar)> {
    sets.iter().flat_map(move |set| list(set).iter().map(|sidecar| (*set, sidecar)))
}

fn place_list(pod: &Value, list: &'static str, sidecars: Vec<(&CanonicalSet, &Sidecar)>, edit: &mut PodEdit<'_>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (set, sidecar) in sidecars {
        let definition = sharing::definition(pod, sidecar);
        match find(pod, list, &sidecar.name) {
            Some((at, own)) => {
                // As in Kruise: the sidecar takes the place of the Pod's container. Its author should know.
                if !carries_mark(own) {
                    edit.warnings.push(format!(
                        "spec.{list}[{at}]: container {} is replaced by the one of SidecarSet {}",
                        sidecar.name, set.name
                    ));
                }
                edit.replace(list, at, definition);
            }
            None if sidecar.placement == Placement::BeforeApp => before.push(definition),
            None => after.push(definition),
        }
    }
    if pod["spec"][list].is_array() {
        edit.prepend(list, before);
        edit.append(list, after);
    } else {
        before.append(&mut after);
        edit.append(list, before);
    }
}

fn refuse_same_names(sets: &[&CanonicalSet]) -> Result<(), Refusal> {
    let mut seen: BTreeMap<&str, &CanonicalSet> = BTreeMap::new();
    for set in sets {
        for sidecar in set.init_containers.iter().chain(&set.containers) {
            if let Some(first) = seen.insert(&sidecar.name, set) {
                return Err(Refusal::SameContainer {
                    one: Arc::clone(&first.name),
                    other: Arc::clone(&set.name),
                    container: Arc::clone(&sidecar.name),
                });
            }
        }
    }
    Ok(())
}

fn find<'a>(pod: &'a Value, list: &str, name: &str) -> Option<(usize, &'a Value)> {
    pod["spec"][list].as_array()?.iter().enumerate().find(|(_, container)| container["name"] == name)
}
