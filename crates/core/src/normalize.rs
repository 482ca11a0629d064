//! One canonical form of a SidecarSet, whatever version and spelling it was written in.

pub mod custom_version;
pub mod defaults;
mod failure_limit;
mod metadata;
mod ordering;
mod os;
mod resources;
mod salvage;
mod sidecar;
pub mod spelling;
mod strategy;
mod template;
mod transfer;
mod volume;

pub(crate) use failure_limit::{DEADLINE_PATH, ON_FAILURE_PATH, THRESHOLD_PATH};
pub use failure_limit::{FailureLimit, OnFailure};
pub(crate) use metadata::warnings as metadata_warnings;
pub use metadata::{MetadataError, MetadataPatch, PatchPolicy};
pub use ordering::{Priority, ScatteredLabel, ScatteredValue, UpgradeOrder, Weight};
pub use resources::{Aggregation, ContainerNames, ParseContainerNamesError, ResourcesPolicy};
pub use salvage::salvage;
pub use sidecar::{Placement, Shares, Sidecar};
pub(crate) use sidecar::{TWINS, asks_for_hot_upgrade};
pub use strategy::{ResourceUpdates, RolloutStrategy, UpdateKind};
pub use template::Template;
pub(crate) use template::{DEVICES, ENV, MOUNTS, Part};
pub use transfer::{EnvSource, EnvTransfer, ParseFieldPathError};
pub use volume::MountedVolume;
pub(crate) use volume::are_alike;

use crate::annotations::SidecarList;
use crate::os::OperatingSystems;
use crate::registration::FailurePolicy;
use crate::revision::{self, Difference, Draft, Failure, Fingerprint, Hashes, Pin};
use crate::selection::{Namespaces, Selector};
use crate::sorted::SortedMap;
use crate::validation::{self, Violations};
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A SidecarSet that is valid, with its defaults filled in and everything parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalSet {
    /// The name of the set.
    pub name: Arc<str>,
    /// The identity of the object: a set of the same name that comes after it has another one.
    pub uid: Option<Arc<str>>,
    /// The version of the object that this was read from, as the number that it is; 0 where it is none.
    pub version: u64,
    /// The generation of the spec.
    pub generation: i64,
    /// The name of the set whose place this one takes in the Pods that both select, if it is a canary.
    pub canary_of: Option<Arc<str>>,
    /// The labels of the Pods it selects.
    pub selector: Selector,
    /// The namespaces of the Pods it selects.
    pub namespaces: Namespaces,
    /// The containers, in the order in which they were written.
    pub containers: Vec<Sidecar>,
    /// The init containers, sorted by name.
    pub init_containers: Vec<Sidecar>,
    /// The names in a Pod of the sidecars that keep running, in the order of [`Self::upgradable`].
    // Listed once: each round of a rollout asks for them, Pod by Pod.
    pub names_in_pod: Box<[Arc<str>]>,
    /// The names of these sidecars, sorted, as a Pod's record lists them.
    pub listed: SidecarList,
    /// The volumes that the sidecars may mount.
    pub volumes: Vec<Map<String, Value>>,
    /// Those that they mount, in the order of the mounts, each once.
    pub mounted: Vec<MountedVolume>,
    /// The names of the Secrets that are added to a Pod's imagePullSecrets.
    pub image_pull_secrets: Vec<String>,
    /// The annotations that its Pods get.
    pub metadata: Vec<MetadataPatch>,
    /// Its own labels, by which the white list of the cluster finds it. Nothing where it writes no annotations.
    pub labels: BTreeMap<String, String>,
    /// Why the cluster does not allow it to write its annotations, where it does not. The catalog fills it in.
    pub forbidden: Option<Arc<str>>,
    /// Whether new Pods are injected: not while `injectionStrategy.paused`.
    pub is_injecting: bool,
    /// What becomes of a new Pod while the operator cannot be asked, where the set says so.
    pub failure_policy: Option<FailurePolicy>,
    /// The operating systems whose Pods get the sidecars.
    pub operating_systems: OperatingSystems,
    /// How a new image reaches running Pods.
    pub rollout: RolloutStrategy,
    /// The hashes by which its Pods are known.
    pub hashes: Hashes,
    /// Tells the definition from others.
    pub fingerprint: Fingerprint,
    /// What a ControllerRevision of this definition is made of.
    pub draft: Draft,
    /// The name of the ControllerRevision that holds this definition, or will. The catalog fills it in.
    pub revision: Option<Arc<str>>,
    /// What separates past definitions from this one, by their hash without images. The catalog fills it in.
    pub differences: Arc<SortedMap<Difference>>,
    /// The past revision that new Pods get in place of this definition.
    pub pin: Option<Pin>,
    /// How the rollout of this generation failed, if it did.
    pub failure: Option<Failure>,
    /// The hash of the definition that failed, where this is the past one to which its Pods return.
    pub returns_from: Option<Arc<str>>,
}

impl CanonicalSet {
    /// Returns every container that is injected: init containers, then containers.
    pub fn sidecars(&self) -> impl Iterator<Item = &Sidecar> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// Returns the sidecars that keep running, and so can be upgraded in place: containers and native sidecars.
    pub fn upgradable(&self) -> impl Iterator<Item = &Sidecar> {
        upgradable(&self.containers, &self.init_containers)
    }

    /// Returns the set as its Pods are to be: as it is, or as it was at the revision to which a failed rollout returns.
    #[must_use]
    pub fn effective(self: &Arc<Self>) -> &Arc<Self> {
        self.failure.as_ref().and_then(Failure::rollback).unwrap_or(self)
    }
}

/// Brings a SidecarSet into its canonical form.
///
/// # Errors
/// Everything that is wrong with it, each with its path.
pub fn normalize(set: &SidecarSet) -> Result<CanonicalSet, Violations> {
    normalize_with(set, &defaults::defaulted(&set.spec))
}

/// The same, given the spec with its defaults.
pub(crate) fn normalize_with(set: &SidecarSet, spec: &SidecarSetSpec) -> Result<CanonicalSet, Violations> {
    parse(set, spec).map(|parsed| assemble(set, spec, parsed))
}

/// Says whether a set that has its defaults could be brought into its canonical form.
#[must_use]
pub fn is_valid(set: &SidecarSet) -> bool {
    parse(set, &set.spec).is_ok()
}

fn parse(set: &SidecarSet, spec: &SidecarSetSpec) -> Result<Parsed, Violations> {
    let mut violations = Violations::default();
    validation::limits(&set.spec, &mut violations);
    if !violations.is_empty() {
        // Whatever else is wrong with it may take as long to find out as it is large.
        return Err(violations);
    }
    validation::metadata(&set.metadata, &mut violations);
    validation::canary(&set.metadata, &set.spec, &mut violations);
    validation::custom_version(set, &mut violations);
    validation::spellings(&set.spec, &mut violations);
    let selector = selector(spec, &mut violations);
    let namespaces = Namespaces::parse(spec, &mut violations);
    validation::containers(spec, &mut violations);
    validation::resources(spec, &mut violations);
    validation::rest(spec, &mut violations);
    let failure_policy = failure_policy(spec, &mut violations);
    let operating_systems = os::parse(spec, &mut violations);
    let rollout = RolloutStrategy::parse(spec, &mut violations);
    let metadata = metadata::parse(spec, &mut violations);
    let pin = Pin::parse(spec, &mut violations);
    match (selector, namespaces, operating_systems, rollout) {
        (Some(selector), Some(namespaces), Some(operating_systems), Some(rollout)) if violations.is_empty() => {
            Ok(Parsed { selector, namespaces, failure_policy, operating_systems, rollout, metadata, pin })
        }
        _ => Err(violations),
    }
}

struct Parsed {
    selector: Selector,
    namespaces: Namespaces,
    failure_policy: Option<FailurePolicy>,
    operating_systems: OperatingSystems,
    rollout: RolloutStrategy,
    metadata: Vec<MetadataPatch>,
    pin: Option<Pin>,
}

fn assemble(set: &SidecarSet, spec: &SidecarSetSpec, parsed: Parsed) -> CanonicalSet {
    let containers = spec.containers.as_deref();
    let init_containers = spec.init_containers.as_deref();
    let failure_limit = parsed.rollout.limit_in_force();
    let rendered: Vec<Sidecar> = containers.unwrap_or_default().iter().map(Sidecar::regular).collect();
    let mut sorted: Vec<Sidecar> = init_containers.unwrap_or_default().iter().map(Sidecar::init).collect();
    // As in Kruise: volumes come in the order in which the containers were written that mount them.
    let mounted = volume::mounted(spec, sorted.iter().chain(&rendered));
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    CanonicalSet {
        name: set.metadata.name.as_deref().unwrap_or_default().into(),
        uid: set.metadata.uid.as_deref().map(Into::into),
        version: set.metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or_default(),
        generation: set.metadata.generation.unwrap_or_default(),
        canary_of: validation::canary_base(&set.metadata).map(Arc::from),
        selector: parsed.selector,
        namespaces: parsed.namespaces,
        names_in_pod: upgradable(&rendered, &sorted).flat_map(Sidecar::names_in_pod).cloned().collect(),
        listed: listed(upgradable(&rendered, &sorted)),
        mounted,
        containers: rendered,
        init_containers: sorted,
        volumes: spec.volumes.clone().unwrap_or_default(),
        image_pull_secrets: spec.image_pull_secrets.iter().flatten().map(|secret| secret.name.clone()).collect(),
        labels: if parsed.metadata.is_empty() { BTreeMap::new() } else { validation::permission_labels(&set.metadata) },
        metadata: parsed.metadata,
        forbidden: None,
        is_injecting: is_injecting(spec),
        failure_policy: parsed.failure_policy,
        operating_systems: parsed.operating_systems,
        rollout: parsed.rollout,
        hashes: revision::in_force(&set.metadata, revision::hashes(containers, init_containers)),
        fingerprint: Fingerprint::of(spec),
        draft: Draft::of(set, spec, validation::author_version(set)),
        revision: None,
        differences: Arc::default(),
        pin: parsed.pin,
        failure: Failure::of(set, failure_limit),
        returns_from: None,
    }
}

fn upgradable<'a>(containers: &'a [Sidecar], init_containers: &'a [Sidecar]) -> impl Iterator<Item = &'a Sidecar> {
    containers.iter().chain(init_containers.iter().filter(|sidecar| sidecar.is_native))
}

fn listed<'a>(sidecars: impl Iterator<Item = &'a Sidecar>) -> SidecarList {
    let mut names: Vec<Arc<str>> = sidecars.map(|sidecar| Arc::clone(&sidecar.name)).collect();
    names.sort();
    SidecarList::of(&names)
}

/// Says whether new Pods are injected: not while `injectionStrategy.paused`.
pub(crate) fn is_injecting(spec: &SidecarSetSpec) -> bool {
    spec.injection_strategy.as_ref().is_none_or(|strategy| strategy.paused != Some(true))
}

/// Returns what becomes of a new Pod while the operator cannot be asked, where the set says so.
pub(crate) fn failure_policy(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<FailurePolicy> {
    let text = spec.injection_strategy.as_ref()?.failure_policy.as_deref()?;
    violations.take("spec.injectionStrategy.failurePolicy", text.parse())
}

fn selector(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<Selector> {
    let Some(source) = &spec.selector else {
        violations.add("spec.selector", "is required: no selector defined for SidecarSet");
        return None;
    };
    let selector = Selector::parse(source, "spec.selector", violations)?;
    if selector.is_empty() {
        violations.add("spec.selector", "must not be empty: an empty selector would match every pod");
        return None;
    }
    Some(selector)
}
