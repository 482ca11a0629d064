//! Whether the containers of a Pod bear out what its annotations claim. Anybody may have written these: into a Pod that was
//! created while nobody could be asked, or later.

use crate::annotations::SidecarList;
use crate::image::ImageReference;
use crate::normalize::{CanonicalSet, Sidecar, TWINS};
use crate::record::{AilingContainer, Carried, ContainerKind, PodRecord};
use std::sync::Arc;

/// Says whether a Pod has each sidecar of a set that keeps running, in its list.
pub(super) fn has_sidecars(set: &CanonicalSet, pod: &PodRecord) -> bool {
    set.upgradable().all(|sidecar| has_sidecar(sidecar, pod))
}

/// Says whether a Pod has a sidecar that keeps running, in its list.
pub(super) fn has_sidecar(sidecar: &Sidecar, pod: &PodRecord) -> bool {
    let kind = if sidecar.is_native { ContainerKind::Native } else { ContainerKind::Regular };
    let is_there = |name: &Arc<str>| pod.container(name).is_some_and(|container| container.spec.kind == kind);
    sidecar.names_in_pod().iter().all(is_there)
}

/// Says whether a Pod has each sidecar of a set that keeps running, in its list and with its present image, whatever registry
/// serves that.
pub(super) fn are_borne_out(set: &CanonicalSet, pod: &PodRecord) -> bool {
    set.upgradable().all(|sidecar| has_sidecar(sidecar, pod) && has_image(sidecar, pod))
}

/// Says whether a sidecar that keeps running has its present image: of two containers, one of them.
pub(super) fn has_image(sidecar: &Sidecar, pod: &PodRecord) -> bool {
    let is_it = |image: &str| {
        *image == *sidecar.image
            || ImageReference::split(image).is_same_but_for_registry(&ImageReference::split(&sidecar.image))
    };
    sidecar.names_in_pod().iter().filter_map(|name| pod.container(name)).any(|container| is_it(&container.spec.image))
}

/// Says whether a Pod has each container that it claims to have of a set. The form of old releases claims none.
pub(super) fn has_what_it_lists(set: &CanonicalSet, pod: &PodRecord) -> bool {
    match list(set, pod) {
        // Most Pods list what the set has: the text need not be read.
        Some(list) if *list == set.listed => set.upgradable().all(|sidecar| runs(pod, &sidecar.name)),
        Some(list) => list.names().all(|sidecar| runs(pod, &sidecar)),
        None => true,
    }
}

/// Returns the container of a Pod that was injected as a native sidecar of a set and lacks `restartPolicy` now: no container
/// after it starts before it ends, and it never does.
// As it is recorded: of init containers only native sidecars are listed.
#[must_use]
pub fn stripped<'a>(set: &CanonicalSet, pod: &'a PodRecord) -> Option<&'a AilingContainer> {
    let is_it = |container: &&AilingContainer| {
        let mut listed = list(set, pod).into_iter().flat_map(SidecarList::names);
        listed.any(|sidecar| stands_for(&container.name, &sidecar) && !runs(pod, &sidecar))
    };
    pod.ailing_init.iter().find(is_it)
}

/// Returns what a Pod claims to have of a set.
fn list<'a>(set: &CanonicalSet, pod: &'a PodRecord) -> Option<&'a SidecarList> {
    pod.carried.get(&set.name).and_then(Carried::listed)
}

fn runs(pod: &PodRecord, sidecar: &str) -> bool {
    pod.containers.iter().any(|container| stands_for(&container.spec.name, sidecar))
}

/// Says whether a container of a Pod stands for a sidecar: alone, or as one of two.
fn stands_for(container: &str, sidecar: &str) -> bool {
    container.strip_prefix(sidecar).is_some_and(|rest| rest.is_empty() || TWINS.contains(&rest))
}
