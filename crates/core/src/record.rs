//! What is remembered of a Pod: bytes, where the whole Pod takes tens of kilobytes.

mod ailment;
mod carried;
mod container;
mod identity;
mod interner;
mod labels;
mod observed;
mod own;
mod raw;

pub use ailment::{Ailment, Failure, ShortRun};
pub use carried::{Carried, CarriedSets};
pub use container::{
    AilingContainer, ContainerKind, ContainerObservation, ContainerRecord, ContainerSpec, RunningImage,
};
pub use identity::{PodKey, ResourceVersion, Uid};
pub use interner::{Interner, Names};
pub use labels::PodLabels;
pub use observed::{ObservedPhase, ObservedPod, ObservedSpec, ObservedStatus};
pub use own::{OwnContainer, OwnContainers, OwnKind, OwnPort};

use crate::annotations::{HotAnnotations, Seconds};
use crate::upgradable::Upgradable;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::Arc;

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
    pub uid: Uid,
    /// The version of the object that this record was read from.
    pub resource_version: ResourceVersion,
    /// Its labels.
    pub labels: Arc<PodLabels>,
    /// Its own containers, those that were not injected.
    pub own: Arc<OwnContainers>,
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
    /// Its ordinary init containers that do not do their work, or are still at it. Nothing where there are none, as in most Pods.
    pub ailing_init: Box<[AilingContainer]>,
    /// Whether the kubelet has told of each regular container.
    pub is_fully_observed: bool,
    /// Whether it lists the sets that were injected into it. Pods from before Kruise 0.9 do not.
    pub is_listed: bool,
    /// What it carries of each set.
    pub carried: CarriedSets,
    /// Which containers are at work of those that are upgraded hot. Nothing where there are none, as in most Pods.
    pub hot: Option<Box<HotAnnotations>>,
    /// What its condition says of the sets that can be upgraded in it, where it has that condition.
    pub upgradable: Option<Arc<Upgradable>>,
}

/// What is remembered of a Pod that no SidecarSet was injected into. Kept once for all Pods in which it is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainPod {
    /// Its labels.
    pub labels: Arc<PodLabels>,
    /// Its containers.
    pub own: Arc<OwnContainers>,
}

impl PlainPod {
    /// Reads it.
    pub fn read(pod: ObservedPod<'_>, interner: &mut Interner) -> Arc<Self> {
        let labels = interner.labels(pod.metadata.labels.as_ref());
        let own = interner.own(OwnContainers::of(pod.spec));
        interner.plain(Self { labels, own })
    }
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
        self.carried.get(set).is_some_and(Carried::is_injected)
    }

    /// Returns the names of the sets that were injected into it, and of which it is read what it carries, sorted.
    pub fn injected(&self) -> impl Iterator<Item = &Arc<str>> {
        self.carried.iter().filter(|carried| carried.is_injected()).map(Carried::set)
    }

    /// Returns the names of the sets that it has to do with: those injected into it, and those that its condition still speaks
    /// of. A name may come twice.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.injected().chain(self.told())
    }

    /// Returns the names of the sets of which its condition speaks, sorted.
    pub fn told(&self) -> impl Iterator<Item = &Arc<str>> {
        self.upgradable.iter().flat_map(|told| told.sets.iter().map(|(name, _)| name))
    }

    /// Returns the same Pod with what it says of a set that was not known when it was read; nothing where it says nothing of it.
    #[must_use]
    pub fn adopting(&self, set: &str, interner: &mut Interner) -> Option<Self> {
        let carried = self.carried.adopting(set, |name| self.container(name).is_some(), interner)?;
        Some(Self { carried, ..self.clone() })
    }

    /// Says whether this was read from the very version of a Pod that has this metadata.
    #[must_use]
    pub fn is_of(&self, metadata: &ObjectMeta) -> bool {
        let version = metadata.resource_version.as_deref().map(ResourceVersion::from);
        version.as_ref() == Some(&self.resource_version)
            && metadata.uid.as_deref().map(Uid::from).as_ref() == Some(&self.uid)
    }

    /// Returns the container of this name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerRecord> {
        self.containers.iter().find(|container| &*container.spec.name == name)
    }
}
