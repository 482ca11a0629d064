//! What is remembered of a Pod: bytes, where the whole Pod takes tens of kilobytes.

mod ailment;
mod interner;
mod observed;

pub use ailment::{Ailment, Failure, ShortRun};
pub use interner::Interner;
pub use observed::{ObservedPhase, ObservedPod, ObservedSpec, ObservedStatus};

use crate::amounts::Amounts;
use crate::annotations::{HashAnnotation, HotAnnotations, InPlaceAnnotation, Seconds};
use crate::sorted::SortedMap;
use crate::upgradable::Upgradable;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The namespace and name of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodKey {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

/// Where a Pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// The node does not answer.
    Unknown,
    /// At least one container runs.
    Running,
    /// It has ended, well or badly.
    Ended,
}

/// Which list of the Pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerKind {
    /// `spec.containers`.
    Regular,
    /// `spec.initContainers`, kept running beside the application.
    Native,
}

/// What is remembered of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRecord {
    /// The name.
    pub name: Arc<str>,
    /// The list it stands in.
    pub kind: ContainerKind,
    /// The image that the spec asks for.
    pub image: Arc<str>,
    /// The cpu and memory that the spec gives it.
    pub amounts: Arc<Amounts>,
    /// What the kubelet last said of it.
    pub status: Option<ContainerObservation>,
}

/// What the kubelet last said of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerObservation {
    /// The image it runs, as the container runtime names it.
    pub image: Arc<str>,
    /// The identity of that image.
    pub image_id: Arc<str>,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Since when it runs, where it does.
    pub started_at: Option<Seconds>,
    /// What keeps it from running, or kept it a moment ago.
    pub ailment: Option<Ailment>,
}

/// What is remembered of an ordinary init container that does not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AilingContainer {
    /// The name.
    pub name: Arc<str>,
    /// The image that the spec asks for.
    pub image: Arc<str>,
    /// What keeps it from running, or kept it a moment ago.
    pub ailment: Ailment,
}

/// How far the kubelet is with cpu and memory that were changed in the spec of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// It has done what it was asked for.
    Done,
    /// It has not seen the newest spec.
    Unseen,
    /// It is at it.
    InProgress,
    /// The node has no room for it now.
    Deferred,
    /// The node never has.
    Infeasible,
    /// It fails to do it, and tries again.
    Failing,
}

/// Whether a Pod is ready, and since when it is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It is, since then.
    Ready(Seconds),
    /// It is not, since then.
    NotReady(Seconds),
    /// The kubelet has not said.
    Unknown,
}

/// How often the container of a Pod that was restarted most often was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restarts {
    /// Of its regular containers.
    pub regular: u32,
    /// Of its native sidecars.
    pub native: u32,
}

/// What is remembered of a Pod that some SidecarSet was injected into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRecord {
    /// Its namespace and name.
    pub key: PodKey,
    /// Its identity: a Pod of the same name that comes after it has another one.
    pub uid: Arc<str>,
    /// The version of the object that this record was read from.
    pub resource_version: Arc<str>,
    /// Its labels.
    pub labels: Arc<SortedMap<Arc<str>>>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// Whether it has a node.
    pub is_scheduled: bool,
    /// Whether it is ready, by its condition.
    pub readiness: Readiness,
    /// When it was created.
    pub created: Seconds,
    /// How often its containers were restarted.
    pub restarts: Restarts,
    /// How far the kubelet is with changed cpu and memory.
    pub resize: Resize,
    /// Its regular containers and native sidecars.
    pub containers: Box<[ContainerRecord]>,
    /// Its ordinary init containers that do not do their work. Nothing where there are none, as in most Pods.
    pub ailing_init: Box<[AilingContainer]>,
    /// Whether the kubelet has told of each regular container.
    pub is_fully_observed: bool,
    /// The sets injected into it, by name.
    pub injected: Box<[Arc<str>]>,
    /// The definition of each set that it carries.
    pub hashes: HashAnnotation,
    /// The same without images.
    pub hashes_without_image: HashAnnotation,
    /// What its containers ran before their last upgrade.
    pub in_place: InPlaceAnnotation,
    /// Which containers are at work of those that are upgraded hot. Nothing where there are none, as in most Pods.
    pub hot: Option<Box<HotAnnotations>>,
    /// What its condition says of the sets that can be upgraded in it, where it has that condition.
    pub upgradable: Option<Arc<Upgradable>>,
}

impl PodRecord {
    /// Says whether the Pod is of this world: neither ended nor on its way out.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.phase != Phase::Ended && !self.is_deleting
    }

    /// Says whether the Pod runs and is ready to serve.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.ready_since().is_some() && !self.is_deleting
    }

    /// Returns since when the condition of the Pod says that it is ready, where it does.
    #[must_use]
    pub fn ready_since(&self) -> Option<Seconds> {
        match self.readiness {
            Readiness::Ready(since) => Some(since),
            Readiness::NotReady(_) | Readiness::Unknown => None,
        }
    }

    /// Says whether a set of this name was injected.
    #[must_use]
    pub fn carries(&self, set: &str) -> bool {
        self.injected.iter().any(|name| &**name == set)
    }

    /// Returns the names of the sets that it has to do with: those injected into it, and those that its condition still speaks
    /// of. A name may come twice.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<str>> {
        let told = self.upgradable.iter().flat_map(|told| told.sets.iter().map(|(name, _)| name));
        self.injected.iter().chain(told)
    }

    /// Returns the container of this name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerRecord> {
        self.containers.iter().find(|container| &*container.name == name)
    }
}

impl Ord for PodKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // The name of a namespace is kept once, so most keys that are compared have the very same.
        let is_same = Arc::ptr_eq(&self.namespace, &other.namespace);
        let namespaces = if is_same { Ordering::Equal } else { self.namespace.cmp(&other.namespace) };
        namespaces.then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for PodKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace, self.name)
    }
}
