//! What a new Pod gets: a patch of exact operations, so that nothing else of the Pod is touched.

mod clash;
mod containers;
mod decision;
mod definition;
mod edit;
mod hot;
mod index;
mod layout;
mod likeness;
mod metadata;
mod own;
mod patch;
mod presence;
mod pull_secrets;
mod resources;
pub(crate) mod rules;
mod sharing;
mod spec;
mod submitted;
mod survey;
mod volumes;

pub use clash::{Clash, ClashKind};
pub use decision::{Rejection, decide, os_of};
pub use patch::{Operation, Operations, Patch};
pub use rules::{Misfit, Misfits};
pub use survey::Survey;

use crate::annotations::{ParseAnnotationError, Seconds};
use crate::expression::Resource;
use crate::json::{AsJson, Json};
use crate::normalize::{CanonicalSet, MetadataError};
use crate::quantity::ParseQuantityError;
use crate::revision::{self, Unusable};
use definition::PodContext;
use edit::PodEdit;
use layout::Layout;
use memchr::memmem::Finder;
use metadata::InjectionAnnotations;
use presence::Presence;
use rules::Whole;
use sidecarset_api::markers;
use spec::{Containers, Spec};
use std::sync::{Arc, LazyLock};

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
    /// The cluster does not allow the annotations that a set writes onto its Pods.
    #[error("SidecarSet {set} may not write its annotations: {why}")]
    NotAllowed {
        /// The set.
        set: Arc<str>,
        /// What is not allowed.
        why: Arc<str>,
    },
    /// With the sidecars the API server would reject the Pod.
    #[error("{0}")]
    Misfits(Misfits),
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

/// Says whether nothing is injected into a Pod that is about to be created: it mirrors a file of a kubelet, which runs the
/// file and never the Pod.
// A submitted Pod may also claim a status or a deletionTimestamp: it is the manifest of a Pod that had failed, or was being
// deleted. The API server resets both on creation, so that such a Pod runs like any other.
#[must_use]
pub fn is_mirror_pod(pod: &impl AsJson) -> bool {
    pod.look(|pod| !pod.at("metadata").at("annotations").at(markers::MIRROR_POD).is_null())
}

/// Says whether nothing is injected into a Pod that exists, nor upgraded in it: it has ended, is being deleted, or mirrors a
/// file of a kubelet.
#[must_use]
pub fn is_left_alone(pod: &impl AsJson) -> bool {
    pod.look(|pod| {
        let has_ended = matches!(pod.at("status").at("phase").as_str(), Some("Succeeded" | "Failed"));
        has_ended || !pod.at("metadata").at("deletionTimestamp").is_null() || is_mirror_pod(&pod)
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
        let marks = InjectionAnnotations::of(pod)?;
        let labels = pod.at("metadata").at("labels");
        let choose_one = |set: &Arc<CanonicalSet>| {
            let by = |draw| revision::choose(set, &labels, draw);
            let unusable = |it: &Unusable| Refusal::Pin { set: Arc::clone(&set.name), unusable: it.clone() };
            let possible = [by(0.0).map_err(unusable)?, by(1.0_f64.next_down()).map_err(unusable)?];
            if Arc::ptr_eq(possible[0], possible[1]) {
                return Ok(Arc::clone(possible[0]));
            }
            // What an earlier call has drawn stays, whatever is drawn when the API server asks again.
            let drawn = possible.into_iter().find(|candidate| marks.records(candidate));
            drawn.map_or_else(|| by(draw(&set.name)).map_err(unusable), Ok).cloned()
        };
        sets.iter().map(choose_one).collect()
    })
}

/// Decides what a Pod gets from the sets that select it, given by name. A set that an earlier call of the same request has
/// injected is not injected again.
///
/// # Errors
/// The Pod cannot be injected whole.
pub fn inject(pod: &impl AsJson, sets: &[Arc<CanonicalSet>], now: Seconds) -> Result<Injection, Refusal> {
    let (injection, misfits) = pod.look(|pod| injection_of(pod, sets, now))?;
    if misfits.is_empty() { Ok(injection) } else { Err(Refusal::Misfits(misfits)) }
}

/// Returns what a Pod gets, and why the API server would reject it then.
fn injection_of(pod: Json<'_>, sets: &[Arc<CanonicalSet>], now: Seconds) -> Result<(Injection, Misfits), Refusal> {
    let spec = Spec::of(pod);
    let containers = Containers::of(spec);
    let mut edit = PodEdit::of(pod, spec)?;
    let mut marks = InjectionAnnotations::of(pod)?;
    let mut due = Vec::new();
    for set in sets {
        match presence::of((pod, &containers), &marks, set, now) {
            Presence::There(stripped) => stripped.iter().for_each(|stripped| edit.restore(set, stripped)),
            Presence::Missing => due.push(&**set),
        }
    }
    if due.is_empty() {
        record(sets, &mut edit);
    } else {
        add((pod, spec, &containers), (sets, &due), (&mut marks, now), &mut edit)?;
    }
    let misfits = std::mem::take(&mut edit.misfits);
    edit.write_annotations();
    let injected = due.iter().map(|set| Arc::clone(&set.name)).collect();
    let containers = due.iter().map(|set| set.sidecars().map(|it| it.names_in_pod().len()).sum::<usize>()).sum();
    let (warnings, clashes) = (std::mem::take(&mut edit.warnings), std::mem::take(&mut edit.clashes));
    Ok((Injection { patch: edit.into_patch(), injected, containers, warnings, clashes }, misfits))
}

/// Adds what is due of the sets that select a Pod, and looks at the Pod that comes of it.
fn add<'a>(
    (pod, spec, containers): (Json<'a>, Spec<'a>, &Containers<'a>),
    (sets, due): (&[Arc<CanonicalSet>], &[&CanonicalSet]),
    (marks, now): (&mut InjectionAnnotations, Seconds),
    edit: &mut PodEdit<'a>,
) -> Result<(), Refusal> {
    if let Some((set, why)) = due.iter().find_map(|set| Some((set, set.forbidden.as_ref()?))) {
        return Err(Refusal::NotAllowed { set: Arc::clone(&set.name), why: Arc::clone(why) });
    }
    // Of all sets: one that selects the Pod late must not take the place of one that is there already.
    let recipient = PodContext::new((pod, spec), containers, sets)?;
    // As in Kruise: before everything else, so that what reads an annotation sees what the sets make of it.
    for set in due {
        let changed = set.annotations_over(|key| edit.annotation(key))?;
        edit.annotate(changed.into_iter().map(|(key, value)| (key.into(), value)));
    }
    let layout = Layout::of((spec, containers), due, &recipient.sidecars, marks);
    let computed = containers::place(&recipient, (&layout, marks), due, edit)?;
    let added = volumes::merge(spec.volumes, due, edit);
    pull_secrets::merge(spec.image_pull_secrets, due, edit);
    due.iter().for_each(|set| marks.add(set, now));
    marks.write(edit);
    record(sets, edit);
    rules::check(&Whole { pod, spec, sets: due, layout: &layout, volumes: &added, computed: &computed }, edit);
    Ok(())
}

/// Records what is so of every new Pod: it was never upgraded, and of each pair of containers the first is at work.
fn record(sets: &[Arc<CanonicalSet>], edit: &mut PodEdit<'_>) {
    metadata::forget_upgrades(sets, edit);
    hot::annotate(sets, edit);
}

/// Finds the variable that each container has which was injected.
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(markers::IS_INJECTED));

/// Says whether a container was injected.
fn is_injected_container(container: Json<'_>) -> bool {
    is_injected_env(container.at("env"))
}

/// Says whether these are the variables of a container that was injected.
fn is_injected_env(env: Json<'_>) -> bool {
    env.may_contain(&MARK)
        && env.items().any(|variable| variable.at("name").is(markers::IS_INJECTED) && variable.at("value").is("true"))
}
