//! Which containers of a Pod stay beside those that it gets.

use super::is_injected_container;
use super::metadata::InjectionAnnotations;
use super::spec::{Containers, List, Spec};
use crate::json::Json;
use crate::normalize::{CanonicalSet, Sidecar};
use std::collections::BTreeMap;

/// A container of a set, by the list of the Pod in which it stands.
pub(super) type Entry<'a> = (&'a CanonicalSet, List);

/// Which containers of a Pod stay beside those that it gets.
#[derive(Debug, Clone)]
pub(super) struct Layout<'a> {
    spec: Spec<'a>,
    /// All containers that the Pod has.
    pub(super) containers: &'a Containers<'a>,
    /// The sets that are injected now.
    sets: &'a [&'a CanonicalSet],
    /// The containers of all sets that select the Pod, by name.
    sidecars: &'a BTreeMap<&'a str, Entry<'a>>,
    /// The containers that a set put there in an earlier form and that stand there no longer, by their places.
    leaving: Vec<(List, usize)>,
    /// The Pod's own containers whose names are those of sidecars of its other list.
    pub(super) in_the_way: Vec<(List, &'a str)>,
}

impl<'a> Layout<'a> {
    /// Looks through the containers of a Pod. Its manifest may have been copied from a Pod that was injected.
    pub(super) fn of(
        (spec, containers): (Spec<'a>, &'a Containers<'a>),
        sets: &'a [&'a CanonicalSet],
        sidecars: &'a BTreeMap<&'a str, Entry<'a>>,
        marks: &InjectionAnnotations,
    ) -> Self {
        let mut layout = Self { spec, containers, sets, sidecars, leaving: Vec::new(), in_the_way: Vec::new() };
        let is_known = sets.iter().any(|set| marks.knows(set));
        for list in List::ALL {
            for (name, at, container) in containers.of_list(list) {
                let place = sidecars.get_key_value(&*name);
                let is_elsewhere = place.is_some_and(|(_, (_, other))| *other != list) && layout.is_due(&name);
                let is_past = is_known && place.is_none() && layout.is_of_the_past(&name, marks);
                // Whether a container was injected is found out last: that reads all of its variables.
                if (is_elsewhere || is_past) && is_injected_container(container) {
                    layout.leaving.push((list, at));
                } else if is_elsewhere {
                    layout.in_the_way.extend(place.map(|(name, _)| (list, *name)));
                }
            }
        }
        layout.leaving.sort_unstable_by_key(|(_, at)| *at);
        layout.in_the_way.sort_unstable();
        layout
    }

    /// Returns the places of the containers that leave a list, the last one first.
    pub(super) fn leaving(&self, list: List) -> impl Iterator<Item = usize> {
        self.leaving.iter().rev().filter(move |(its, _)| *its == list).map(|(_, at)| *at)
    }

    /// Returns the containers of a list that stay as they are.
    pub(super) fn staying(&self, list: List) -> impl Iterator<Item = Json<'a>> {
        let stays = move |(at, container): &(usize, Json<'a>)| {
            !self.leaving.contains(&(list, *at)) && !container.at("name").as_str().is_some_and(|name| self.is_due(name))
        };
        self.spec.list(list).items().enumerate().filter(stays).map(|(_, container)| container)
    }

    /// Says whether a container of this name is put into the Pod now.
    pub(super) fn is_due(&self, name: &str) -> bool {
        self.sidecars.get(name).is_some_and(|(set, _)| self.sets.iter().any(|due| std::ptr::eq(*due, *set)))
    }

    /// Says whether a set that is injected now had a container of this name in the form that the Pod records, and has it no
    /// longer. Of a sidecar that is upgraded hot its own name is recorded.
    fn is_of_the_past(&self, name: &str, marks: &InjectionAnnotations) -> bool {
        let exactly = marks.owner_of(name);
        let owner = exactly.or_else(|| Sidecar::name_of_twin(name).and_then(|stem| marks.owner_of(stem)));
        owner.is_some_and(|owner| self.sets.iter().any(|set| set.name == *owner))
    }
}
