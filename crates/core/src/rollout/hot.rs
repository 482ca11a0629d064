//! The upgrade of a sidecar for which two containers stand. The one that waits gets the new image and takes over; once
//! it is ready, the one before gets the empty image, and waits in its turn. Each step is decided from the Pod alone.

use super::consistency::is_healthy;
use super::eligibility::has_present_shape;
use crate::normalize::{CanonicalSet, Sidecar};
use crate::record::{ContainerRecord, PodRecord};
use sidecarset_api::markers;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one step does to a pair: another image for one of its containers, never for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What becomes of the container that changes.
    pub kind: MoveKind,
    /// The name of the sidecar.
    pub sidecar: Arc<str>,
    /// The name of the container that changes.
    pub container: Arc<str>,
    /// The name of the other one of the pair.
    pub sibling: Arc<str>,
    /// The image that the container gets.
    pub image: Arc<str>,
}

/// What becomes of the container that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {
    /// It gets the desired image, and is at work from then on.
    TakeOver,
    /// It gets the empty image, and waits; the other one is at work.
    Empty,
}

/// The two containers that stand for a sidecar in a Pod.
struct Pair<'a> {
    sidecar: &'a Sidecar,
    empty: &'a Arc<str>,
    working: &'a ContainerRecord,
    other: &'a ContainerRecord,
}

/// Says whether a Pod has both containers of each pair, and says which one is at work.
pub(super) fn fits(set: &CanonicalSet, pod: &PodRecord) -> bool {
    hot_sidecars(set).all(|sidecar| Pair::of(sidecar, pod).is_some())
}

/// Says whether in some pair both containers have an image to work with: a hand-over is not over.
pub(super) fn is_handing_over(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pairs(set, pod).any(|pair| !pair.is_settled())
}

/// Says whether a Pod's pairs are as they should be, and the kubelet has finished with those that wait.
pub(super) fn is_at_rest(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pairs(set, pod).all(|pair| pair.is_settled() && is_healthy(set, pod, pair.other))
}

/// Says whether a container has the image with which it waits.
pub(super) fn is_emptied(set: &CanonicalSet, container: &ContainerRecord) -> bool {
    let is_its = |sidecar: &Sidecar| sidecar.names_in_pod().contains(&container.spec.name);
    hot_sidecars(set).any(|sidecar| is_its(sidecar) && sidecar.empty_image.as_ref() == Some(&container.spec.image))
}

/// Says whether in each pair one container waits.
pub(super) fn has_waiting_containers(set: &CanonicalSet, pod: &PodRecord) -> bool {
    // The image that it waits with may be another one by now, which only a new Pod can take. What waits has version 0.
    let waits = |pair: &Pair<'_>| version(pod, &pair.other.spec.name) == 0 && !has_present_shape(set, pod);
    pairs(set, pod).all(|pair| pair.is_settled() || waits(&pair))
}

/// Returns the moves that end hand-overs in a Pod that carries the present shape: each container that was taken over
/// from waits from now on.
pub(super) fn completing(set: &CanonicalSet, pod: &PodRecord, is_updated: bool) -> Vec<Move> {
    let all = pairs(set, pod).filter_map(|pair| {
        let has_taken_over = is_healthy(set, pod, pair.working);
        // A Pod may count as updated although a container that never became ready is at work: Kruise leaves such Pods
        // behind.
        pair.next(has_taken_over).filter(|next| next.kind == MoveKind::Empty && (has_taken_over || is_updated))
    });
    all.collect()
}

/// Returns the moves that bring the desired images to a Pod in which no hand-over can be ended.
pub(super) fn beginning(set: &CanonicalSet, pod: &PodRecord) -> Vec<Move> {
    pairs(set, pod).filter_map(|pair| pair.next(false)).collect()
}

/// Returns the annotations that change with the moves.
pub(super) fn annotations(set: &CanonicalSet, pod: &PodRecord, moves: &[Move]) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    let mut set_version = |prefix: &str, container: &str, version: u64| {
        annotations.insert(format!("{prefix}{container}"), version.to_string());
    };
    let before = pod.hot.as_deref().cloned().unwrap_or_default();
    let mut after = before.clone();
    for change in moves {
        let (container, sibling) = (&*change.container, &*change.sibling);
        let (version, at_work) = match change.kind {
            MoveKind::TakeOver => (next_version(set, pod, change), &change.container),
            MoveKind::Empty => (0, &change.sibling),
        };
        set_version(markers::VERSION_PREFIX, container, version);
        set_version(markers::VERSION_ALT_PREFIX, sibling, version);
        if change.kind == MoveKind::TakeOver {
            set_version(markers::VERSION_ALT_PREFIX, container, before.version(sibling));
        }
        after.working.insert(Arc::clone(&change.sidecar), Arc::clone(at_work));
    }
    if after.working != before.working {
        annotations.insert(markers::WORKING_CONTAINER.to_owned(), after.working_text());
    }
    annotations
}

impl<'a> Pair<'a> {
    /// Finds the containers that stand for a sidecar. There is nothing to find where one is missing, or where nobody
    /// knows which one is at work: emptying the wrong one would stop the sidecar.
    fn of(sidecar: &'a Sidecar, pod: &'a PodRecord) -> Option<Self> {
        let empty = sidecar.empty_image.as_ref()?;
        let at_work = pod.hot.as_ref()?.working.get(&sidecar.name)?;
        let names = sidecar.names_in_pod();
        let other = names.iter().find(|name| *name != at_work).filter(|_| names.contains(at_work))?;
        Some(Self { sidecar, empty, working: pod.container(at_work)?, other: pod.container(other)? })
    }

    fn is_settled(&self) -> bool {
        self.other.spec.image == *self.empty
    }

    fn next(&self, has_taken_over: bool) -> Option<Move> {
        let desired = &self.sidecar.image;
        if self.is_settled() {
            return (self.working.spec.image != *desired).then(|| self.take_over(self.other, self.working));
        }
        if has_taken_over {
            // Also where a further image is desired: from a pair that is settled every way is open.
            return Some(self.empty(self.other, self.working));
        }
        if self.working.spec.image == *desired {
            return None;
        }
        // What has not taken over gives way. The other one has never stopped, so where that has the desired image
        // the way back is short.
        Some(if self.other.spec.image == *desired {
            self.empty(self.working, self.other)
        } else {
            self.take_over(self.working, self.other)
        })
    }

    fn take_over(&self, container: &ContainerRecord, sibling: &ContainerRecord) -> Move {
        self.change(MoveKind::TakeOver, container, sibling, &self.sidecar.image)
    }

    fn empty(&self, container: &ContainerRecord, sibling: &ContainerRecord) -> Move {
        self.change(MoveKind::Empty, container, sibling, self.empty)
    }

    fn change(&self, kind: MoveKind, container: &ContainerRecord, sibling: &ContainerRecord, image: &Arc<str>) -> Move {
        Move {
            kind,
            sidecar: Arc::clone(&self.sidecar.name),
            container: Arc::clone(&container.spec.name),
            sibling: Arc::clone(&sibling.spec.name),
            image: Arc::clone(image),
        }
    }
}

fn pairs<'a>(set: &'a CanonicalSet, pod: &'a PodRecord) -> impl Iterator<Item = Pair<'a>> {
    hot_sidecars(set).filter_map(|sidecar| Pair::of(sidecar, pod))
}

fn hot_sidecars(set: &CanonicalSet) -> impl Iterator<Item = &Sidecar> {
    set.upgradable().filter(|sidecar| sidecar.empty_image.is_some())
}

/// Returns a version above both of the pair. As in Kruise it is that of the set; but the containers rely on it to grow,
/// and a cluster that was restored from a backup counts from a lower number.
fn next_version(set: &CanonicalSet, pod: &PodRecord, change: &Move) -> u64 {
    let highest = version(pod, &change.container).max(version(pod, &change.sibling));
    set.version.max(highest.saturating_add(1))
}

fn version(pod: &PodRecord, container: &str) -> u64 {
    pod.hot.as_ref().map(|hot| hot.version(container)).unwrap_or_default()
}
