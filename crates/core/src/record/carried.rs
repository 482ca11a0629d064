//! What a Pod carries of a set, by its annotations.

use super::Interner;
use super::raw::{RawEntries, with_others};
use crate::annotations::{
    HashAnnotation, InPlaceAnnotation, InPlaceState, InjectedSet, LastStatus, Seconds, SidecarList,
};
use crate::normalize::CanonicalSet;
use crate::sorted::SortedMap;
use sidecarset_api::markers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a Pod carries of each set that it has to do with, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarriedSets {
    known: Box<[Carried]>,
    // What is said of sets that there are not: nothing in most Pods.
    unknown: Option<Box<RawEntries>>,
}

/// What a Pod carries of a set. All but the times is the same in many Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    noted: Arc<Noted>,
    times: Times,
}

/// What the annotations say of a set, without times. Kept once for all Pods of which they say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Noted {
    pub(super) set: Arc<str>,
    pub(super) is_injected: bool,
    pub(super) hash: Option<InjectedSet>,
    pub(super) hash_without_image: Option<InjectedSet>,
    pub(super) in_place: Option<InPlaceState>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    hash: Option<Seconds>,
    hash_without_image: Option<Seconds>,
    in_place: Option<Seconds>,
}

/// What the annotations of a Pod say: the names of the sets that were injected, and the other annotations as they stand.
#[derive(Debug, Clone)]
pub(super) struct Annotations<'a> {
    pub(super) injected: BTreeSet<&'a str>,
    pub(super) hashes: &'a str,
    pub(super) hashes_without_image: &'a str,
    pub(super) in_place: &'a str,
}

impl CarriedSets {
    /// Returns what the Pod carries of a set.
    #[must_use]
    pub fn get(&self, set: &str) -> Option<&Carried> {
        self.position(set).ok().and_then(|at| self.known.get(at))
    }

    /// Returns all, by the names of the sets.
    pub fn iter(&self) -> impl Iterator<Item = &Carried> {
        self.known.iter()
    }

    /// Returns the names of all sets that were injected, those that there are not included.
    #[must_use]
    pub fn listed(&self) -> BTreeSet<&str> {
        let known = self.known.iter().filter(|carried| carried.is_injected()).map(|carried| &**carried.set());
        known.chain(self.unknown.iter().flat_map(|unknown| unknown.listed())).collect()
    }

    /// Returns the annotation with the hash of each set, with this one for one of them.
    #[must_use]
    pub fn hashes_with(&self, set: &Arc<str>, hash: InjectedSet) -> String {
        let with_time = |it: &Carried| Some(InjectedSet { update_timestamp: it.times.hash, ..it.noted.hash.clone()? });
        self.text(self.entries(with_time), (set, hash), RawEntries::hashes)
    }

    /// Returns the annotation with the hash of each set without images, with this one for one of them.
    #[must_use]
    pub fn hashes_without_image_with(&self, set: &Arc<str>, hash: InjectedSet) -> String {
        let entries = self.entries(|it| {
            let noted = it.noted.hash_without_image.clone()?;
            Some(InjectedSet { update_timestamp: it.times.hash_without_image, ..noted })
        });
        self.text(entries, (set, hash), RawEntries::hashes_without_image)
    }

    /// Returns the annotation with the last upgrade of each set, with this one for one of them.
    #[must_use]
    pub fn in_place_with(&self, set: &Arc<str>, state: InPlaceState) -> String {
        self.text(self.entries(Carried::in_place), (set, state), RawEntries::in_place)
    }

    /// Takes it that the Pod got the present definition of a set, as a write may have done of which nobody knows what became.
    /// A Pod that has not been ready since then was not ready before, either.
    pub fn assume(&mut self, set: &CanonicalSet, not_ready_since: Option<Seconds>) {
        let mut written = InjectedSet::with_image(set, Seconds::EPOCH);
        let at = self.position(&set.name).ok();
        if let Some(carried) = at.and_then(|at| self.known.get_mut(at)) {
            carried.times.hash = written.update_timestamp.take();
            let noted = Arc::make_mut(&mut carried.noted);
            noted.hash = Some(written);
            noted.in_place.get_or_insert_default().not_ready_since = not_ready_since;
        }
    }

    /// Takes what annotations say, but for what they say of containers that the Pod does not have. What they say of sets that the
    /// interner does not know is kept as it stands.
    pub(super) fn of(annotations: &Annotations<'_>, is_there: impl Fn(&str) -> bool, interner: &mut Interner) -> Self {
        if annotations.injected.iter().all(|set| interner.knows(set)) {
            let sets = annotations.by_set();
            if sets.keys().all(|set| interner.knows(set)) {
                return Self { known: once(sets, is_there, interner), unknown: None };
            }
        }
        let known = RawEntries::of(annotations, |set| interner.knows(set)).unwrap_or_default();
        let unknown = RawEntries::of(annotations, |set| !interner.knows(set));
        Self { known: once(known.annotations().by_set(), is_there, interner), unknown }
    }

    /// Says whether something may be said of a set that was not known when this was read.
    #[must_use]
    pub fn may_adopt(&self, set: &str) -> bool {
        self.unknown.as_ref().is_some_and(|unknown| unknown.may_contain(set))
    }

    /// Returns the same with what is said of a set that was not known before; nothing where nothing is said of it.
    pub(super) fn adopting(&self, set: &str, is_there: impl Fn(&str) -> bool, interner: &mut Interner) -> Option<Self> {
        let unknown = self.unknown.as_ref().filter(|unknown| unknown.may_contain(set))?;
        let annotations = unknown.annotations();
        let adopted = RawEntries::of(&annotations, |name| name == set)?;
        let known = self.known.iter().filter(|carried| **carried.set() != *set).cloned();
        let mut known: Vec<Carried> = known.chain(once(adopted.annotations().by_set(), is_there, interner)).collect();
        known.sort_by(|one, other| one.set().cmp(other.set()));
        Some(Self { known: known.into(), unknown: RawEntries::of(&annotations, |name| name != set) })
    }

    fn text<T: serde::Serialize>(
        &self,
        mut entries: SortedMap<T>,
        (set, entry): (&Arc<str>, T),
        unknown: impl Fn(&RawEntries) -> &str,
    ) -> String {
        entries.insert(Arc::clone(set), entry);
        with_others(entries.iter(), self.unknown.as_deref().map(unknown).unwrap_or_default())
    }

    fn entries<T>(&self, entry: impl Fn(&Carried) -> Option<T>) -> SortedMap<T> {
        self.known.iter().filter_map(|carried| Some((Arc::clone(carried.set()), entry(carried)?))).collect()
    }

    fn position(&self, set: &str) -> Result<usize, usize> {
        self.known.binary_search_by(|carried| (**carried.set()).cmp(set))
    }
}

impl Carried {
    /// Returns the name of the set.
    #[must_use]
    pub fn set(&self) -> &Arc<str> {
        &self.noted.set
    }

    /// Says whether the set was injected.
    #[must_use]
    pub fn is_injected(&self) -> bool {
        self.noted.is_injected
    }

    /// Returns the hash of the definition that the Pod got.
    #[must_use]
    pub fn hash(&self) -> Option<&Arc<str>> {
        self.noted.hash.as_ref().map(|noted| &noted.hash)
    }

    /// Returns the same without images.
    #[must_use]
    pub fn hash_without_image(&self) -> Option<&Arc<str>> {
        self.noted.hash_without_image.as_ref().map(|noted| &noted.hash)
    }

    /// Returns the revision of the set that the Pod got.
    #[must_use]
    pub fn revision(&self) -> Option<&Arc<str>> {
        self.noted.hash.as_ref()?.controller_revision.as_ref()
    }

    /// Returns the names of the sidecars of the definition that keep running, where the Pod lists them.
    #[must_use]
    pub fn listed(&self) -> Option<&SidecarList> {
        self.noted.hash.as_ref()?.sidecar_list.as_ref()
    }

    /// Returns when the Pod got the definition.
    #[must_use]
    pub fn updated_at(&self) -> Option<Seconds> {
        self.times.hash
    }

    /// Says whether the annotation has the form of releases before 0.9, which tells nothing but the hash.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.noted.hash.as_ref().is_none_or(|noted| noted.sidecar_list.is_none())
    }

    /// Returns the last upgrade of the set in this Pod, where there was one.
    #[must_use]
    pub fn in_place(&self) -> Option<InPlaceState> {
        let mut state = self.noted.in_place.clone()?;
        state.update_timestamp = self.times.in_place;
        Some(state)
    }

    /// Says whether the set was upgraded in place in this Pod.
    #[must_use]
    pub fn was_upgraded(&self) -> bool {
        self.noted.in_place.is_some()
    }

    /// Returns since when the Pod was not ready at its last upgrade, where upgrades had no part in that.
    #[must_use]
    pub fn not_ready_since(&self) -> Option<Seconds> {
        self.noted.in_place.as_ref()?.not_ready_since
    }

    /// Returns what a container ran before its last upgrade, where it had one.
    #[must_use]
    pub fn last_status(&self, container: &str) -> Option<&LastStatus> {
        self.noted.in_place.as_ref()?.last_container_statuses.as_ref()?.get(container)
    }
}

impl Annotations<'_> {
    fn by_set(&self) -> BTreeMap<Arc<str>, (Noted, Times)> {
        let mut all: BTreeMap<Arc<str>, (Noted, Times)> = BTreeMap::new();
        for set in &self.injected {
            all.entry((*set).into()).or_default().0.is_injected = true;
        }
        for (set, mut said) in hashes(markers::HASH, self.hashes).0 {
            let (noted, times) = all.entry(set).or_default();
            times.hash = said.update_timestamp.take();
            noted.hash = Some(said);
        }
        for (set, mut said) in hashes(markers::HASH_WITHOUT_IMAGE, self.hashes_without_image).0 {
            let (noted, times) = all.entry(set).or_default();
            times.hash_without_image = said.update_timestamp.take();
            noted.hash_without_image = Some(said);
        }
        for (set, mut said) in in_place(self.in_place).0 {
            let (noted, times) = all.entry(set).or_default();
            times.in_place = said.update_timestamp.take();
            noted.in_place = Some(said);
        }
        all.iter_mut().for_each(|(set, (noted, _))| noted.set = Arc::clone(set));
        all
    }
}

fn once(
    sets: BTreeMap<Arc<str>, (Noted, Times)>,
    is_there: impl Fn(&str) -> bool,
    interner: &mut Interner,
) -> Box<[Carried]> {
    let carried = sets.into_values().map(|(mut noted, times)| {
        let statuses = noted.in_place.as_mut().and_then(|state| state.last_container_statuses.as_mut());
        statuses.into_iter().for_each(|statuses| statuses.retain(&is_there));
        Carried { noted: interner.noted(noted), times }
    });
    carried.collect()
}

// As in Kruise: an annotation that cannot be read counts as none, and is replaced with the next upgrade.
fn hashes(key: &'static str, text: &str) -> HashAnnotation {
    HashAnnotation::parse(key, text).unwrap_or_default()
}

// An annotation that nobody can read says nothing: it must not keep a Pod waiting for ever.
fn in_place(text: &str) -> InPlaceAnnotation {
    InPlaceAnnotation::parse(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASHES: &str = r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":"h1","sidecarSetName":"log-sc","sidecarList":["agent"],"controllerRevision":"log-sc-1"},"mesh":{"updateTimestamp":null,"hash":"m1","sidecarSetName":"mesh","sidecarList":null}}"#;
    const WITHOUT_IMAGE: &str = r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:06Z","hash":"w1","sidecarSetName":"log-sc","sidecarList":["agent"]}}"#;
    const IN_PLACE: &str = r#"{"log-sc":{"revision":"h0","updateTimestamp":"2026-01-02T03:04:07Z","lastContainerStatuses":{"agent":{"imageID":"a@sha256:1"}},"nextContainerImages":{"a":"b"}}}"#;

    fn read(injected: &str, hashes: &str, interner: &mut Interner) -> CarriedSets {
        let annotations = Annotations {
            injected: injected.split(',').collect(),
            hashes,
            hashes_without_image: WITHOUT_IMAGE,
            in_place: IN_PLACE,
        };
        CarriedSets::of(&annotations, |name| name == "agent", interner)
    }

    /// The three annotations, as they are written when nothing of the set changes that the Pod carries.
    fn written(carried: &CarriedSets, log: &Carried) -> [String; 3] {
        let (noted, set) = (&log.noted, log.set());
        let timed =
            |hash: &Option<InjectedSet>, update_timestamp| InjectedSet { update_timestamp, ..hash.clone().unwrap() };
        [
            carried.hashes_with(set, timed(&noted.hash, log.times.hash)),
            carried.hashes_without_image_with(set, timed(&noted.hash_without_image, log.times.hash_without_image)),
            carried.in_place_with(set, log.in_place().unwrap()),
        ]
    }

    #[test]
    fn the_annotations_are_written_as_they_were_read() {
        let all = read("log-sc,mesh", HASHES, &mut Interner::default());
        let mut interner = Interner::of_sets();
        interner.add_set("log-sc");
        let one = read("log-sc,mesh", HASHES, &mut interner);

        for carried in [&all, &one] {
            assert_eq!(written(carried, carried.get("log-sc").unwrap()), [HASHES, WITHOUT_IMAGE, IN_PLACE]);
            assert_eq!(carried.listed().into_iter().collect::<Vec<_>>(), ["log-sc", "mesh"]);
        }
        assert_eq!((all.get("mesh").is_some(), one.get("mesh").is_some()), (true, false));
    }

    #[test]
    fn what_is_said_of_a_set_that_comes_later_is_found_then() {
        let mut interner = Interner::of_sets();
        let none = read("log-sc,mesh", HASHES, &mut interner);
        for set in ["other", "mesh", "log-sc"] {
            interner.add_set(set);
        }

        let mut adopting = |carried: &CarriedSets, set| carried.adopting(set, |_| true, &mut interner);
        let log = adopting(&none, "log-sc").unwrap();
        let both = adopting(&log, "mesh").unwrap();
        let mesh = adopting(&none, "mesh").unwrap();

        assert!(none.get("log-sc").is_none() && log.get("mesh").is_none());
        assert_eq!(adopting(&mesh, "log-sc").as_ref(), Some(&both));
        // A part of a name is no name.
        assert_eq!([adopting(&none, "log"), adopting(&none, "other")], [None, None]);
        assert_eq!(both, read("log-sc,mesh", HASHES, &mut interner));
    }

    #[test]
    fn what_is_said_of_containers_that_the_pod_does_not_have_is_left_out() {
        let other = IN_PLACE.replace("\"agent\":", "\"gone\":{},\"agent\":");
        let annotations =
            Annotations { injected: ["log-sc"].into(), hashes: "", hashes_without_image: "", in_place: &other };

        let carried = CarriedSets::of(&annotations, |name| name == "agent", &mut Interner::default());

        let state = carried.get("log-sc").unwrap().in_place().unwrap();
        assert_eq!(carried.in_place_with(&"log-sc".into(), state), IN_PLACE);
    }

    #[test]
    fn what_is_said_of_a_set_is_found_by_its_name() {
        let carried = read("log-sc,other", HASHES, &mut Interner::default());

        let log = carried.get("log-sc").unwrap();
        assert_eq!((log.hash().unwrap().as_ref(), log.hash_without_image().unwrap().as_ref()), ("h1", "w1"));
        assert_eq!(log.revision().unwrap().as_ref(), "log-sc-1");
        assert_eq!(log.updated_at().unwrap().since_epoch(), 1_767_323_045);
        assert_eq!(&*log.last_status("agent").unwrap().image_id, "a@sha256:1");
        assert!(log.is_injected() && log.was_upgraded() && !log.is_flat());
        let mesh = carried.get("mesh").unwrap();
        assert!(!mesh.is_injected() && !mesh.was_upgraded() && mesh.is_flat());
        assert!(carried.get("other").unwrap().is_injected());
        assert_eq!(carried.get("none"), None);
    }

    #[test]
    fn what_is_said_of_a_set_is_kept_once_whatever_the_time() {
        let mut interner = Interner::default();

        let one = read("log-sc", HASHES, &mut interner);
        let other = read("log-sc", &HASHES.replace("03:04:05", "09:09:09"), &mut interner);

        let noted = |carried: &CarriedSets| Arc::clone(&carried.get("log-sc").unwrap().noted);
        assert!(Arc::ptr_eq(&noted(&one), &noted(&other)));
        assert_ne!(one, other);
    }
}
