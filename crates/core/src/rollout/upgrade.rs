//! The one write that upgrades a Pod.

use super::availability::unavailable_since;
use super::consistency;
use super::crash::BEHIND;
use super::eligibility::{has_present_shape, is_updated};
use super::hot::{self, Move};
use super::resize::{self, ResourceChange};
use crate::annotations::{InPlaceState, InjectedSet, LastStatus, Seconds};
use crate::normalize::{CanonicalSet, MetadataError};
use crate::record::{Carried, ContainerKind, PodKey, PodRecord, Readiness};
use crate::sorted::SortedMap;
use crate::validation::is_fixed_at_creation;
use serde_json::{Map, Value, json};
use sidecarset_api::markers;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Which step of an upgrade is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The Pod gets the present cpu and memory, and nothing else. It carries the definition that it carried.
    Resize,
    /// The Pod gets the present definition.
    Definition,
    /// A hot upgrade ends: of each pair one container waits. The Pod carries the definition that it carried.
    Flip,
}

/// The upgrade of one Pod, or the second step of a hot one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The Pod.
    pub pod: PodKey,
    /// Which step this is.
    pub step: Step,
    /// The containers that get other cpu and memory.
    pub resizes: Vec<ResourceChange>,
    /// What happens to pairs of containers that are upgraded hot.
    pub moves: Vec<Move>,
    /// The containers that get another image; none where the Pod runs the right ones already.
    pub changes: Vec<ImageChange>,
    /// The annotations that `spec.patchPodMetadata` changes with it; none before [`Self::annotate`].
    pub annotations: BTreeMap<String, String>,
}

/// Another image for a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChange {
    /// The name of the container.
    pub container: Arc<str>,
    /// The list it stands in.
    pub kind: ContainerKind,
    /// The image before.
    pub from: Arc<str>,
    /// The image from now on.
    pub to: Arc<str>,
}

impl ImageChange {
    /// Returns the change of a container of the Pod, where it has another image.
    fn of(pod: &PodRecord, container: &str, image: &Arc<str>) -> Option<Self> {
        let container = pod.container(container).filter(|container| container.spec.image != *image)?;
        Some(Self {
            container: Arc::clone(&container.spec.name),
            kind: container.spec.kind,
            from: Arc::clone(&container.spec.image),
            to: Arc::clone(image),
        })
    }
}

impl Upgrade {
    /// Decides what changes in a Pod.
    pub(super) fn of(set: &CanonicalSet, pod: &PodRecord) -> Self {
        let resizes = resize::changes(set, pod);
        if !resizes.is_empty() {
            return Self { resizes, ..Self::new(pod, Step::Resize, Vec::new(), Vec::new()) };
        }
        let moves = hot::beginning(set, pod);
        let changes = cold_changes(set, pod).chain(hot_changes(pod, &moves)).collect();
        Self::new(pod, Step::Definition, moves, changes)
    }

    /// Decides what changes in a Pod in which a container has taken over from another one.
    pub(super) fn flip(set: &CanonicalSet, pod: &PodRecord) -> Self {
        let moves = hot::completing(set, pod, is_updated(set, pod));
        let changes = hot_changes(pod, &moves).collect();
        Self::new(pod, Step::Flip, moves, changes)
    }

    fn new(pod: &PodRecord, step: Step, moves: Vec<Move>, changes: Vec<ImageChange>) -> Self {
        Self { pod: pod.key.clone(), step, resizes: Vec::new(), moves, changes, annotations: BTreeMap::new() }
    }

    /// Says whether the annotations of the Pod have to be known before this is written.
    #[must_use]
    pub fn reads_annotations(&self, set: &CanonicalSet) -> bool {
        match self.step {
            Step::Definition => set.reads_annotations(),
            Step::Resize | Step::Flip => false,
        }
    }

    /// Decides which annotations of others change, given those that the Pod has. They are asked for only where
    /// [`Self::reads_annotations`] says so.
    ///
    /// # Errors
    /// A value has to be merged into one that is not JSON.
    // Decided for each write, not with the plan: nobody remembers the annotations of others.
    pub fn annotate(&mut self, set: &CanonicalSet, present: &BTreeMap<String, String>) -> Result<(), MetadataError> {
        if self.step == Step::Definition {
            self.annotations = set.annotations_over(|key| present.get(key).map(String::as_str))?;
            // The API server would reject the whole write, each time.
            self.annotations.retain(|key, _| !is_fixed_at_creation(key));
        }
        Ok(())
    }

    /// Returns the strategic merge patch: the images and our annotations, or the cpu and memory, and the version of the Pod
    /// that was decided on, which has to be the `pod` that is given here. That of a [`Step::Resize`] is for the
    /// subresource `resize`.
    // Made for each write, not with the plan: the patches of a large rollout would take megabytes.
    #[must_use]
    pub fn patch(&self, set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Value {
        let mut patch = json!({"metadata": {"uid": pod.uid, "resourceVersion": pod.resource_version}});
        match self.step {
            Step::Resize => {}
            Step::Definition | Step::Flip => {
                patch["metadata"]["annotations"] = self.written_annotations(set, pod, now).into();
            }
        }
        let spec = self.written_spec();
        if !spec.is_empty() {
            patch["spec"] = spec.into();
        }
        patch
    }

    fn written_spec(&self) -> Map<String, Value> {
        let mut spec = Map::new();
        for (list, kind) in [("containers", ContainerKind::Regular), ("initContainers", ContainerKind::Native)] {
            let images = self.changes.iter().filter(|change| change.kind == kind);
            let images = images.map(|change| json!({"name": &*change.container, "image": &*change.to}));
            let resizes = self.resizes.iter().filter(|change| change.kind == kind);
            let resizes = resizes.map(|change| json!({"name": &*change.container, "resources": change.to.to_json()}));
            let containers: Vec<Value> = images.chain(resizes).collect();
            if !containers.is_empty() {
                spec.insert(list.to_owned(), containers.into());
            }
        }
        spec
    }

    // Ours come last: nothing else may stand in their place.
    fn written_annotations(&self, set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Map<String, Value> {
        let foreign = self.annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        let hot = hot::annotations(set, pod, &self.moves).into_iter().map(|(key, value)| (key, Value::from(value)));
        let mut written: Map<String, Value> = foreign.chain(hot).collect();
        if self.step == Step::Definition {
            written.extend(hashes(set, pod, now));
            written.extend(missing_list(pod));
        }
        written.insert(markers::IN_PLACE_STATE.to_owned(), in_place(set, pod, &self.changes, now).into());
        written
    }
}

/// Takes it that a Pod was upgraded, as a write may have done of which nobody knows what became, and is not ready yet.
pub(crate) fn assume_upgraded(set: &CanonicalSet, pod: &PodRecord) -> PodRecord {
    let mut assumed = pod.clone();
    let not_ready_since = unavailable_since(set, pod);
    resize::assume_amounts(set, &mut assumed);
    assume_images(set, &mut assumed);
    assumed.carried.assume(set, not_ready_since);
    if not_ready_since.is_none() {
        assumed.readiness = Readiness::Unknown;
    }
    assumed
}

/// Gives a Pod the present images.
fn assume_images(set: &CanonicalSet, pod: &mut PodRecord) {
    let upgrade = Upgrade::of(set, pod);
    for change in upgrade.changes {
        let containers = pod.containers.iter_mut().filter(|container| container.spec.name == change.container);
        containers.for_each(|container| Arc::make_mut(&mut container.spec).image = Arc::clone(&change.to));
    }
}

fn cold_changes<'a>(set: &'a CanonicalSet, pod: &'a PodRecord) -> impl Iterator<Item = ImageChange> {
    let cold = set.upgradable().filter(|sidecar| sidecar.empty_image.is_none());
    cold.filter_map(|sidecar| ImageChange::of(pod, &sidecar.name, &sidecar.image))
}

fn hot_changes<'a>(pod: &'a PodRecord, moves: &'a [Move]) -> impl Iterator<Item = ImageChange> {
    moves.iter().filter_map(|change| ImageChange::of(pod, &change.container, &change.image))
}

fn hashes(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Map<String, Value> {
    let now = after_all_starts(set, pod, now);
    let is_flat = pod.carried.get(&set.name).is_none_or(Carried::is_flat);
    let hashes = pod.carried.hashes_with(&set.name, InjectedSet::with_image(set, now));
    let mut annotations = Map::new();
    annotations.insert(markers::HASH.to_owned(), hashes.into());
    // As in Kruise: a Pod that carries the form of old releases gets both annotations in today's. Only a resize changes what
    // the other one says.
    if is_flat || !has_present_shape(set, pod) {
        let hashes = pod.carried.hashes_without_image_with(&set.name, InjectedSet::without_image(set, now));
        annotations.insert(markers::HASH_WITHOUT_IMAGE.to_owned(), hashes.into());
    }
    annotations
}

// As in Kruise: the first upgrade of a Pod that an old release injected adds the list.
fn missing_list(pod: &PodRecord) -> Option<(String, Value)> {
    let names = || pod.carried.listed().into_iter().collect::<Vec<&str>>();
    (!pod.is_listed).then(|| (markers::INJECTED_LIST.to_owned(), names().join(",").into()))
}

/// Returns the time of an upgrade. Times are in whole seconds, and a start at that time counts as one after the upgrade: so
/// that of no container that runs already may be one. A start so far in the future that no clock is that much behind is nobody's.
fn after_all_starts(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Seconds {
    let starts = consistency::sidecars(set, pod).filter_map(|container| container.status.as_ref()?.started_at);
    let starts = starts.filter(|start| start.since(now) <= BEHIND);
    starts.map(|start| start.after(Duration::from_secs(1))).fold(now, Seconds::max)
}

fn in_place(set: &CanonicalSet, pod: &PodRecord, changes: &[ImageChange], now: Seconds) -> String {
    // As in Kruise: revision and time are those of the Pod's first upgrade.
    let state = pod.carried.get(&set.name).and_then(Carried::in_place);
    let mut state = state.unwrap_or_else(|| InPlaceState::begun(Arc::clone(&set.hashes.full), now));
    // A container whose upgrade is over needs no record any more. It would be measured by the time of this upgrade, which
    // is none of its own.
    let is_over = |name: &str| pod.container(name).is_some_and(|it| consistency::is_healthy(set, pod, it));
    let before = state.last_container_statuses.take().unwrap_or_default();
    let unfinished = before.iter().filter(|(name, _)| !is_over(name));
    let mut statuses: SortedMap<_> = unfinished.map(|(name, last)| (Arc::clone(name), last.clone())).collect();
    for change in changes {
        let status = pod.container(&change.container).and_then(|container| container.status.as_ref());
        let image_id = status.map(|status| Arc::clone(&status.runs.id)).unwrap_or_default();
        statuses.insert(Arc::clone(&change.container), LastStatus { image_id });
    }
    state.last_container_statuses = Some(statuses);
    state.not_ready_since = unavailable_since(set, pod);
    pod.carried.in_place_with(&set.name, state)
}
