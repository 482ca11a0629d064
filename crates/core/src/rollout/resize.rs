//! The cpu and memory of sidecars in running Pods, where a set asks for that. They are changed before the image and what is
//! recorded on the Pod, so that no Pod counts as updated which the kubelet has not given what the set says.

use super::Hold;
use super::eligibility::has_present_shape;
use crate::amounts::Amounts;
use crate::normalize::{CanonicalSet, ResourceUpdates, Sidecar};
use crate::record::{ContainerKind, ContainerRecord, PodRecord, Resize};
use std::sync::Arc;

/// Other cpu and memory for a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// The name of the container.
    pub container: Arc<str>,
    /// The list it stands in.
    pub kind: ContainerKind,
    /// What it gets from now on; what is not mentioned stays.
    pub to: Amounts,
}

impl ResourceChange {
    /// Says whether the container has the amounts in this Pod.
    #[must_use]
    pub fn is_in(&self, pod: &PodRecord) -> bool {
        pod.container(&self.container).is_some_and(|container| self.to.are_in(&container.spec.amounts))
    }
}

/// Returns the changes that a Pod needs.
pub(super) fn changes(set: &CanonicalSet, pod: &PodRecord) -> Vec<ResourceChange> {
    let changes = outdated(set, pod).map(|(sidecar, container)| ResourceChange {
        container: Arc::clone(&container.spec.name),
        kind: container.spec.kind,
        to: sidecar.amounts.clone(),
    });
    changes.collect()
}

/// Gives a Pod the present amounts, as a write may have done of which nobody knows what became.
pub(super) fn assume_amounts(set: &CanonicalSet, pod: &mut PodRecord) {
    for change in changes(set, pod) {
        let containers = pod.containers.iter_mut().filter(|container| container.spec.name == change.container);
        containers.for_each(|container| Arc::make_mut(&mut container.spec).amounts = change.to.clone());
    }
}

/// Says whether a Pod's spec gives the sidecars what the set says, or the set leaves them as they are.
pub(super) fn fits(set: &CanonicalSet, pod: &PodRecord) -> bool {
    outdated(set, pod).next().is_none()
}

fn outdated<'a>(set: &'a CanonicalSet, pod: &'a PodRecord) -> impl Iterator<Item = (&'a Sidecar, &'a ContainerRecord)> {
    let sidecars = is_asked_for(set).then(|| set.upgradable()).into_iter().flatten();
    let containers = sidecars.flat_map(move |sidecar| {
        sidecar.names_in_pod().iter().filter_map(move |name| Some((sidecar, pod.container(name)?)))
    });
    containers.filter(|(sidecar, container)| !sidecar.amounts.are_in(&container.spec.amounts))
}

/// Returns why a Pod has to wait whose spec was changed already.
pub(super) fn hold(set: &CanonicalSet, pod: &PodRecord) -> Option<Hold> {
    // The kubelet speaks of all containers of a Pod. What it says of one that we did not touch is not asked about.
    if !is_asked_for(set) || has_present_shape(set, pod) || !fits(set, pod) {
        return None;
    }
    match pod.resize {
        Resize::Done => None,
        Resize::Unseen | Resize::InProgress => Some(Hold::Resizing),
        Resize::Deferred => Some(Hold::ResizeDeferred),
        Resize::Infeasible => Some(Hold::ResizeInfeasible),
        Resize::Failing => Some(Hold::ResizeFailing),
    }
}

/// Says whether a Pod spends the budget: a resize may restart its containers. One that the node cannot give spends it too,
/// as an image does that never starts, or every Pod would be asked for it. One that waits for room on its node does not.
pub(super) fn counts_as_unavailable(set: &CanonicalSet, pod: &PodRecord) -> bool {
    matches!(hold(set, pod), Some(Hold::Resizing | Hold::ResizeInfeasible | Hold::ResizeFailing))
}

pub(super) fn is_asked_for(set: &CanonicalSet) -> bool {
    set.rollout.resources == ResourceUpdates::InPlace
}
