//! Whether the kubelet has caught up: a container runs the image that the Pod's spec asks for.

use super::{claims, hot};
use crate::annotations::{LastStatus, Seconds};
use crate::image::ImageReference;
use crate::normalize::CanonicalSet;
use crate::record::{Carried, ContainerObservation, ContainerRecord, PodRecord};

/// Says whether every sidecar of the set runs the image that the Pod asks for.
#[must_use]
pub fn is_consistent(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pod.is_fully_observed && sidecars(set, pod).all(|container| has_caught_up(set, pod, container))
}

/// Says whether a Pod is ready, its sidecars are there and run what they should, and of each pair one waits.
#[must_use]
pub fn is_ready(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pod.is_ready()
        && claims::has_what_it_lists(set, pod)
        && is_consistent(set, pod)
        && hot::has_waiting_containers(set, pod)
}

/// Says whether a container is ready, with the image that the Pod asks for.
pub(super) fn is_healthy(set: &CanonicalSet, pod: &PodRecord, container: &ContainerRecord) -> bool {
    container.status.as_ref().is_some_and(|status| status.is_ready) && has_caught_up(set, pod, container)
}

/// Says whether an earlier upgrade is still on its way: a sidecar is ready, but with the image before.
///
/// A sidecar that is not ready may have an image that never starts, which only another image can mend: that is
/// not on its way to anywhere.
pub(super) fn is_in_flight(set: &CanonicalSet, pod: &PodRecord) -> bool {
    sidecars(set, pod).any(|container| {
        container.status.as_ref().is_some_and(|status| status.is_ready) && !has_caught_up(set, pod, container)
    })
}

/// Says whether a sidecar that was upgraded in this Pod is not ready with its image, or not yet.
pub(super) fn is_unfinished(set: &CanonicalSet, pod: &PodRecord) -> bool {
    sidecars(set, pod).any(|container| last(set, pod, container).is_some() && !is_healthy(set, pod, container))
}

pub(super) fn sidecars<'a>(set: &'a CanonicalSet, pod: &'a PodRecord) -> impl Iterator<Item = &'a ContainerRecord> {
    set.names_in_pod.iter().filter_map(|name| pod.container(name))
}

fn has_caught_up(set: &CanonicalSet, pod: &PodRecord, container: &ContainerRecord) -> bool {
    let Some(status) = &container.status else {
        return false;
    };
    if container.spec.image.contains('@') {
        return runs_digest(ImageReference::split(&container.spec.image), status);
    }
    has_left_last_image(set, pod, container, status)
}

fn runs_digest(wanted: ImageReference<'_>, status: &ContainerObservation) -> bool {
    // Some runtimes put a scheme such as docker-pullable:// in front.
    let id = status.runs.id.split_once("://").map_or(&*status.runs.id, |(_, id)| id);
    let running = ImageReference::split(id);
    running.digest() == wanted.digest() && running.is_same_repository(&wanted)
}

/// A tag says nothing about what runs, so it is compared with what ran before the upgrade.
fn has_left_last_image(
    set: &CanonicalSet,
    pod: &PodRecord,
    container: &ContainerRecord,
    status: &ContainerObservation,
) -> bool {
    let Some(last) = last(set, pod, container) else {
        // As in Kruise: a container that was never upgraded runs what it was created with.
        return true;
    };
    last.image_id != status.runs.id
        || ImageReference::split(&status.runs.name) == ImageReference::split(&container.spec.image)
        || (!hot::is_emptied(set, container) && is_started_since(set, pod, status))
}

/// Two tags of one image: the runtime may report either for ever, but a start after the upgrade is a start with the image of
/// the upgrade. One within its second may be that, too: it would be waited for in vain.
// An empty image is no tag of the one before. And it comes in a second step, whose time is not recorded.
fn is_started_since(set: &CanonicalSet, pod: &PodRecord, status: &ContainerObservation) -> bool {
    status.started_at >= upgraded_at(set, pod)
}

/// Returns what a container ran before its last upgrade, where it had one.
fn last<'a>(set: &CanonicalSet, pod: &'a PodRecord, container: &ContainerRecord) -> Option<&'a LastStatus> {
    pod.carried.get(&set.name)?.last_status(&container.spec.name)
}

/// Returns when a Pod got the definition that it carries, where that is recorded.
pub(crate) fn upgraded_at(set: &CanonicalSet, pod: &PodRecord) -> Option<Seconds> {
    // None, where no time is recorded, is smaller than any moment: then any start counts.
    pod.carried.get(&set.name).and_then(Carried::updated_at)
}
