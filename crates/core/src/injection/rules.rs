//! The rules of a whole Pod: a sidecar that is valid, in a Pod that is valid, may make one that is not. Whatever the API server
//! would reject then is rejected here, where it is known which set is to blame, before anything is created.
//!
//! Most sidecars ask for nothing that depends on the Pod. So each is asked once, when its set is read, which rules concern it, and
//! a review looks at those alone.

mod annotations;
mod claims;
mod computed;
mod lifecycle;
mod names;
mod ports;
mod qos;
mod resources;
mod security;
mod volumes;
mod windows;

use super::edit::PodEdit;
use super::layout::Layout;
use super::spec::{List, Spec};
use super::volumes::Added;
use super::{Clash, ClashKind};
use crate::json::{Document, Json};
use crate::normalize::{CanonicalSet, Sidecar};
use std::fmt::{self, Display};
use std::sync::Arc;

/// A rule of the API server that a Pod would break with a sidecar in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The name of the set.
    pub set: Arc<str>,
    /// The field of the set, with the name of a container in the place of its number.
    pub path: String,
    /// What does not fit.
    pub message: String,
}

/// Every rule that a Pod would break.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits(Vec<Misfit>);

/// A rule that concerns only some sidecars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Claims,
    Lifecycle,
    Ports,
    Qos,
    Security,
    Volumes,
    Windows,
}

/// The rules that concern a sidecar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules(u8);

/// A Pod with its sidecars, before it is created.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    pub(super) pod: Json<'a>,
    pub(super) spec: Spec<'a>,
    /// The sets that are injected now.
    pub(super) sets: &'a [&'a CanonicalSet],
    pub(super) layout: &'a Layout<'a>,
    /// The volumes that come to the Pod.
    pub(super) volumes: &'a [Added<'a>],
    /// The resources that were computed for this Pod, by the name of the sidecar.
    pub(super) computed: &'a [(&'a str, Document<'static>)],
}

/// A sidecar in a Pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest<'a> {
    pub(super) set: &'a CanonicalSet,
    pub(super) list: List,
    pub(super) sidecar: &'a Sidecar,
}

/// Adds everything that the API server would reject in a Pod with its sidecars, and warns of what is legal but surprising.
pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let concerned = whole.guests().fold(Rules::default(), |all, guest| all.and(guest.sidecar.rules));
    names::check(whole, edit);
    resources::check(whole, edit);
    computed::check(whole, edit);
    windows::check_host_processes(whole, edit);
    annotations::check(whole, edit);
    volumes::check_claims(whole, edit);
    for rule in Rule::ALL.into_iter().filter(|rule| concerned.has(*rule)) {
        rule.check(whole, edit);
    }
}

impl Rule {
    const ALL: [Self; 7] =
        [Self::Claims, Self::Lifecycle, Self::Ports, Self::Qos, Self::Security, Self::Volumes, Self::Windows];

    /// Says whether it depends on the Pod whether a container fits into it.
    fn concerns(self, container: Json<'_>) -> bool {
        match self {
            Self::Claims => claims::concern(container),
            Self::Lifecycle => lifecycle::concerns(container),
            Self::Ports => ports::concern(container),
            Self::Qos => qos::concerns(container),
            Self::Security => security::concerns(container),
            Self::Volumes => volumes::concern(container),
            Self::Windows => windows::concerns(container),
        }
    }

    fn check(self, whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
        match self {
            Self::Claims => claims::check(whole, edit),
            Self::Lifecycle => lifecycle::check(whole, edit),
            Self::Ports => ports::check(whole, edit),
            Self::Qos => qos::check(whole, edit),
            Self::Security => security::check(whole, edit),
            Self::Volumes => volumes::check(whole, edit),
            Self::Windows => windows::check(whole, edit),
        }
    }
}

impl Rules {
    /// Returns the rules that concern a container.
    pub(crate) fn of(container: Json<'_>) -> Self {
        let concerned = Rule::ALL.into_iter().filter(|rule| rule.concerns(container));
        Self(concerned.fold(0, |rules, rule| rules | rule.bit()))
    }

    fn has(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }
}

impl Rule {
    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl<'a> Whole<'a> {
    /// Returns the sidecars that are put into the Pod now.
    fn guests(&self) -> impl Iterator<Item = Guest<'a>> {
        self.sets.iter().flat_map(|set| {
            let of = move |list: List, sidecars: &'a [Sidecar]| {
                sidecars.iter().map(move |sidecar| Guest { set, list, sidecar })
            };
            of(List::Init, &set.init_containers).chain(of(List::Regular, &set.containers))
        })
    }

    /// Returns those that a rule concerns.
    fn concerned(&self, rule: Rule) -> impl Iterator<Item = Guest<'a>> {
        self.guests().filter(move |guest| guest.sidecar.rules.has(rule))
    }

    /// Returns the containers that stay as they are, those that are left once the Pod runs.
    fn companions(&self) -> impl Iterator<Item = Json<'a>> {
        let native = self.layout.staying(List::Init).filter(|container| container.at("restartPolicy").is("Always"));
        native.chain(self.layout.staying(List::Regular))
    }

    /// Returns the resources of a sidecar in this Pod.
    fn resources_of(&self, guest: Guest<'a>) -> Json<'a> {
        let mut computed = self.computed.iter();
        let computed = computed.find(|(name, _)| *name == &*guest.sidecar.name);
        computed.map_or_else(|| guest.container().at("resources"), |(_, resources)| resources.root())
    }

    fn uses_host_network(&self) -> bool {
        self.spec.host_network.as_bool() == Some(true)
    }
}

impl<'a> Guest<'a> {
    /// Returns the container as its set has it, without what the Pod adds to it.
    pub(super) fn container(self) -> Json<'a> {
        self.sidecar.container.root()
    }

    /// Returns how many containers stand for it.
    fn count(self) -> usize {
        self.sidecar.names_in_pod().len()
    }

    /// Says whether a container that stands for it has this name.
    fn is_named(self, name: &str) -> bool {
        self.sidecar.names_in_pod().iter().any(|its| **its == *name)
    }

    /// Says whether it keeps running.
    fn is_lasting(self) -> bool {
        self.list == List::Regular || self.sidecar.is_native
    }

    fn path(self, field: &str) -> String {
        format!("spec.{}[{}].{field}", self.list.name(), self.sidecar.name)
    }
}

impl PodEdit<'_> {
    /// Rejects the Pod for a field of a sidecar.
    pub(super) fn reject(&mut self, guest: Guest<'_>, field: &str, message: impl Display) {
        self.reject_for(guest.set, guest.path(field), message);
    }

    /// Rejects the Pod for a field of a set.
    fn reject_for(&mut self, set: &CanonicalSet, path: String, message: impl Display) {
        self.misfits.0.push(Misfit { set: Arc::clone(&set.name), path, message: message.to_string() });
    }

    /// Warns the author of the Pod, and that of the set.
    fn clash(&mut self, kind: ClashKind, guest: Guest<'_>, field: &str, message: impl Display) {
        self.warn_of(Clash::of(guest.set, kind, (guest.path(field), message.to_string())));
    }
}

impl Misfits {
    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Misfit> {
        self.0.iter()
    }
}

impl IntoIterator for Misfits {
    type Item = Misfit;
    type IntoIter = std::vec::IntoIter<Misfit>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Misfits {
    type Item = &'a Misfit;
    type IntoIter = std::slice::Iter<'a, Misfit>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of SidecarSet {}: {}", self.path, self.set, self.message)
    }
}

impl Display for Misfits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, misfit) in self.0.iter().enumerate() {
            if at > 0 {
                out.write_str("; ")?;
            }
            misfit.fmt(out)?;
        }
        Ok(())
    }
}
