//! What a new Pod gets: a patch of exact operations, so that nothing else of the Pod is touched.

mod clash;
mod containers;
mod decision;
mod definition;
mod edit;
mod hot;
mod metadata;
mod patch;
mod pull_secrets;
mod resources;
mod sharing;
mod volumes;

pub use clash::{Clash, ClashKind};
pub use decision::{Rejection, decide};
pub use patch::Patch;

use crate::annotations::{ParseAnnotationError, Seconds};
use crate::expression::Resource;
use crate::json::{AsJson, Json};
use crate::normalize::{CanonicalSet, MetadataError, Sidecar};
use crate::quantity::ParseQuantityError;
use crate::revision::{self, Unusable};
use definition::Recipient;
use edit::PodEdit;
use metadata::Marks;
use sidecarset_api::markers;
use std::sync::Arc;

/// What a Pod gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Injection {
    /// The operations; none where the Pod carries everything already.
    pub patch: Patch,
    /// The names of the sets that were injected now.
    pub injected: Vec<Arc<str>>,
    /// How many containers these sets have in the Pod, init containers included.
    pub containers: usize,
    /// What is legal, but may surprise the Pod's author.
    pub warnings: Vec<String>,
    /// Those of the warnings that the author of a set should know too.
    pub clashes: Vec<Clash>,
}

/// Why a Pod cannot be injected. It must not be created without its sidecars, so it is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Two sets have a container of one name, and a Pod can have only one.
    #[error("SidecarSets {one} and {other} both inject a container named {container}")]
    SameContainer {
        /// The set that comes first.
        one: Arc<str>,
        /// The other.
        other: Arc<str>,
        /// The name of the container.
        container: Arc<str>,
    },
    /// The resources of a sidecar are computed from those of containers that the Pod does not have.
    #[error(
        "SidecarSet {set} computes the resources of container {container} from those of the Pod's own containers \
         whose names match {regex:?}, and there is none"
    )]
    NoTarget {
        /// The set.
        set: Arc<str>,
        /// The name of the sidecar.
        container: Arc<str>,
        /// The regular expression for the names of the Pod's own containers.
        regex: String,
    },
    /// An amount that resources are computed from cannot be read.
    #[error("failed to read resources.{list}.{resource} of container {container}")]
    Amount {
        /// The name of the Pod's container.
        container: String,
        /// `limits` or `requests`.
        list: &'static str,
        /// The resource.
        resource: Resource,
        /// What is wrong with it.
        source: ParseQuantityError,
    },
    /// The revision that a set is pinned to cannot be injected.
    #[error("SidecarSet {set} is pinned to {unusable}")]
    Pin {
        /// The set.
        set: Arc<str>,
        /// The revision, and why it cannot be injected.
        unusable: Unusable,
    },
    /// What the Pod says about sets injected before cannot be read.
    #[error(transparent)]
    Annotation(#[from] ParseAnnotationError),
    /// An annotation of the Pod cannot be merged into.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A member of the Pod has an unexpected type.
    #[error("{path} is not {expected}")]
    Shape {
        /// The member.
        path: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// Says whether nothing is ever injected into such a Pod: it has ended, is being deleted, or mirrors a file of the
/// kubelet.
#[must_use]
pub fn is_left_alone(pod: &impl AsJson) -> bool {
    pod.look(|pod| {
        let metadata = pod.at("metadata");
        let has_ended = matches!(pod.at("status").at("phase").as_str(), Some("Succeeded" | "Failed"));
        let is_mirror = || !metadata.at("annotations").at(markers::MIRROR_POD).is_null();
        has_ended || !metadata.at("deletionTimestamp").is_null() || is_mirror()
    })
}

/// Chooses the definition of each set that a Pod gets: the present one, or the past one that the set is pinned to, or to
/// which its failed rollout returns.
/// `draw` answers with a number from 0 to below 1 for a set.
///
/// # Errors
/// A set is pinned to a revision that cannot be injected.
pub fn choose(
    pod: &impl AsJson,
    sets: &[Arc<CanonicalSet>],
    draw: impl Fn(&str) -> f64,
) -> Result<Vec<Arc<CanonicalSet>>, Refusal> {
    if sets.iter().all(|set| set.pin.is_none() && set.failure.is_none()) {
        return Ok(sets.to_vec());
    }
    pod.look(|pod| {
        let marks = Marks::of(pod)?;
        let labels = pod.at("metadata").at("labels");
        let choose_one = |set: &Arc<CanonicalSet>| {
            // What is there already stays, whatever is drawn when the API server asks again.
            let there = candidates(set).find(|candidate| is_injected(pod, &marks, candidate));
            let chosen = there.map_or_else(|| revision::choose(set, &labels, draw(&set.name)), Ok);
            chosen.cloned().map_err(|unusable| Refusal::Pin { set: Arc::clone(&set.name), unusable: unusable.clone() })
        };
        sets.iter().map(choose_one).collect()
    })
}

/// Decides what a Pod gets from the sets that select it, given by name. A set that was injected already, in its
/// present form, is not injected again.
///
/// # Errors
/// The Pod cannot be injected whole.
pub fn inject(pod: &impl AsJson, sets: &[Arc<CanonicalSet>], now: Seconds) -> Result<Injection, Refusal> {
    pod.look(|pod| inject_into(pod, sets, now))
}

fn inject_into(pod: Json<'_>, sets: &[Arc<CanonicalSet>], now: Seconds) -> Result<Injection, Refusal> {
    let mut edit = PodEdit::of(pod)?;
    let mut marks = Marks::of(pod)?;
    let due: Vec<&CanonicalSet> = sets.iter().map(AsRef::as_ref).filter(|set| !is_injected(pod, &marks, set)).collect();
    if due.is_empty() {
        return Ok(Injection::default());
    }
    // Of all sets: one that selects the Pod late must not take the place of one that is there already.
    let recipient = Recipient::new(pod, sets)?;
    // As in Kruise: before everything else, so that what reads an annotation sees what the sets make of it.
    for set in &due {
        let changed = set.annotations_over(|key| edit.annotation(key))?;
        edit.annotate(changed.into_iter().map(|(key, value)| (key.into(), value)));
    }
    containers::place(&recipient, &due, &mut edit)?;
    volumes::merge(pod, &due, &mut edit);
    pull_secrets::merge(pod, &due, &mut edit);
    for set in &due {
        marks.add(set, now);
    }
    marks.write(&mut edit);
    hot::annotate(&due, &mut edit);
    edit.write_annotations();
    let injected = due.iter().map(|set| Arc::clone(&set.name)).collect();
    let containers = due.iter().map(|set| set.sidecars().map(|it| it.names_in_pod().len()).sum::<usize>()).sum();
    let (warnings, clashes) = (std::mem::take(&mut edit.warnings), std::mem::take(&mut edit.clashes));
    Ok(Injection { patch: edit.into_patch(), injected, containers, warnings, clashes })
}

fn candidates(set: &Arc<CanonicalSet>) -> impl Iterator<Item = &Arc<CanonicalSet>> {
    let past = set.pin.as_ref().and_then(|pin| pin.past.as_ref().ok());
    [set, set.effective()].into_iter().chain(past)
}

/// Says whether a container was injected.
fn carries_mark(container: Json<'_>) -> bool {
    let env = container.at("env");
    env.may_mention(markers::IS_INJECTED)
        && env.items().any(|variable| variable.at("name").is(markers::IS_INJECTED) && variable.at("value").is("true"))
}

// The API server may ask again after another webhook changed the Pod: what is there already must stay as it is.
fn is_injected(pod: Json<'_>, marks: &Marks, set: &CanonicalSet) -> bool {
    let are_present = |list, sidecars: &[Sidecar]| {
        sidecars.iter().flat_map(Sidecar::names_in_pod).all(|name| containers::is_present(pod, list, name))
    };
    marks.records(set)
        && are_present("containers", &set.containers)
        && are_present("initContainers", &set.init_containers)
}
