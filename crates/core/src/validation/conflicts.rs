//! Sets that cannot both be injected into one Pod.

use super::Violations;
use crate::catalog::{Catalog, Entry};
use crate::normalize::{CanonicalSet, PatchPolicy, Sidecar, are_alike};
use crate::selection::is_satisfiable;
use serde_json::Value;
use sidecarset_api::v1beta1::{PatchPodMetadata, SidecarSetSpec};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Adds what a set has in common with another one that may select the same Pod.
pub(super) fn check(source: &SidecarSetSpec, set: &CanonicalSet, catalog: &Catalog, violations: &mut Violations) {
    for (_, entry) in catalog.sets() {
        match entry {
            Entry::Valid(other) if may_meet(set, other) => {
                check_containers(source, set, other, violations);
                check_volumes(set, other, violations);
                check_metadata(source, set, other, violations);
            }
            // What an invalid set would inject is not known, and its Pods are refused as it is.
            Entry::Valid(_) | Entry::Invalid(_) => {}
        }
    }
}

/// Says whether both can be injected into one Pod. A canary and its base never are: the one takes the place of the
/// other.
fn may_meet(set: &CanonicalSet, other: &CanonicalSet) -> bool {
    let is_canary_of = |one: &CanonicalSet, base: &CanonicalSet| one.canary_of.as_ref() == Some(&base.name);
    set.name != other.name
        && !is_canary_of(set, other)
        && !is_canary_of(other, set)
        && is_satisfiable(&[&set.selector, &other.selector])
        && set.namespaces.overlap(&other.namespaces)
        && set.operating_systems.overlap(other.operating_systems)
}

fn check_containers(source: &SidecarSetSpec, set: &CanonicalSet, other: &CanonicalSet, violations: &mut Violations) {
    // As in a Pod: containers and init containers share one set of names.
    let taken: BTreeSet<&Arc<str>> = other.sidecars().flat_map(Sidecar::names_in_pod).collect();
    let mut tell = |path: String, sidecar: &Sidecar| {
        if let Some(name) = sidecar.names_in_pod().iter().find(|name| taken.contains(name)) {
            let message =
                format!("container {name} already exists in SidecarSet {}, which may select the same pods", other.name);
            violations.add(path, message);
        }
    };
    // The canonical form has them sorted.
    for (at, written) in source.init_containers.iter().flatten().enumerate() {
        let name = written.container.get("name").and_then(Value::as_str).unwrap_or_default();
        if let Some(sidecar) = set.init_containers.iter().find(|sidecar| *sidecar.name == *name) {
            tell(format!("spec.initContainers[{at}].name"), sidecar);
        }
    }
    for (at, sidecar) in set.containers.iter().enumerate() {
        tell(format!("spec.containers[{at}].name"), sidecar);
    }
}

fn check_volumes(set: &CanonicalSet, other: &CanonicalSet, violations: &mut Violations) {
    for (at, volume) in set.volumes.iter().enumerate() {
        let theirs = other.volumes.iter().find(|theirs| theirs.get("name") == volume.get("name"));
        if theirs.is_some_and(|theirs| !are_alike(theirs, volume)) {
            let name = volume.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            violations.add(
                format!("spec.volumes[{at}]"),
                format!("volume {name} is another one in SidecarSet {}, which may select the same pods", other.name),
            );
        }
    }
}

/// Adds annotations that both write, where the one would undo what the other wrote.
fn check_metadata(source: &SidecarSetSpec, set: &CanonicalSet, other: &CanonicalSet, violations: &mut Violations) {
    for patch in &set.metadata {
        let theirs = other.metadata.iter().find(|theirs| theirs.key == patch.key);
        if theirs.is_some_and(|theirs| undo_each_other(&patch.policy, &theirs.policy)) {
            let mut entries = source.patch_pod_metadata.iter().flatten();
            let has_key = |entry: &PatchPodMetadata| entry.annotations.iter().any(|it| it.contains_key(&patch.key));
            let at = entries.position(has_key).unwrap_or_default();
            violations.add(
                format!("spec.patchPodMetadata[{at}].annotations[{}]", patch.key),
                format!("is in conflict with SidecarSet {}, which may select the same pods", other.name),
            );
        }
    }
}

fn undo_each_other(one: &PatchPolicy, other: &PatchPolicy) -> bool {
    match (one, other) {
        (PatchPolicy::Retain, _) | (_, PatchPolicy::Retain) => false,
        (PatchPolicy::MergePatchJson(_), PatchPolicy::MergePatchJson(_)) => false,
        (PatchPolicy::Overwrite, _) | (_, PatchPolicy::Overwrite) => true,
    }
}
