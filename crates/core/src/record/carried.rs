//! What a Pod carries of a set, by its annotations.

use crate::annotations::{HashAnnotation, InPlaceAnnotation, InPlaceState, InjectedSet, LastStatus, Seconds};
use crate::normalize::CanonicalSet;
use crate::sorted::SortedMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a Pod carries of each set that it has to do with, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarriedSets(Box<[Carried]>);

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

/// What the annotations of a Pod say.
pub(super) struct Annotations<'a> {
    pub(super) injected: BTreeSet<&'a str>,
    pub(super) hashes: HashAnnotation,
    pub(super) hashes_without_image: HashAnnotation,
    pub(super) in_place: InPlaceAnnotation,
}

impl CarriedSets {
    /// Returns what the Pod carries of a set.
    #[must_use]
    pub fn get(&self, set: &str) -> Option<&Carried> {
        self.position(set).ok().map(|at| &self.0[at])
    }

    /// Returns all, by the names of the sets.
    pub fn iter(&self) -> impl Iterator<Item = &Carried> {
        self.0.iter()
    }

    /// Returns the annotation with the hash of each set.
    #[must_use]
    pub fn hashes(&self) -> HashAnnotation {
        HashAnnotation(
            self.entries(|it| Some(InjectedSet { update_timestamp: it.times.hash, ..it.noted.hash.clone()? })),
        )
    }

    /// Returns the annotation with the hash of each set without images.
    #[must_use]
    pub fn hashes_without_image(&self) -> HashAnnotation {
        HashAnnotation(self.entries(|it| {
            let noted = it.noted.hash_without_image.clone()?;
            Some(InjectedSet { update_timestamp: it.times.hash_without_image, ..noted })
        }))
    }

    /// Returns the annotation with the last upgrade of each set.
    #[must_use]
    pub fn in_place(&self) -> InPlaceAnnotation {
        InPlaceAnnotation(self.entries(|it| {
            let mut state = it.noted.in_place.clone()?;
            state.update_timestamp = it.times.in_place;
            Some(state)
        }))
    }

    /// Takes it that the Pod got the present definition of a set, as a write may have done of which nobody knows what became.
    pub fn assume(&mut self, set: &CanonicalSet) {
        let mut written = InjectedSet::with_image(set, Seconds::EPOCH);
        if let Ok(at) = self.position(&set.name) {
            let carried = &mut self.0[at];
            carried.times.hash = written.update_timestamp.take();
            Arc::make_mut(&mut carried.noted).hash = Some(written);
        }
    }

    /// Takes what annotations say. `once` returns the one copy of what they say of a set.
    pub(super) fn of(annotations: Annotations<'_>, mut once: impl FnMut(Noted) -> Arc<Noted>) -> Self {
        let all = annotations.by_set().into_values();
        Self(all.map(|(noted, times)| Carried { noted: once(noted), times }).collect())
    }

    fn entries<T>(&self, entry: impl Fn(&Carried) -> Option<T>) -> SortedMap<T> {
        self.0.iter().filter_map(|carried| Some((Arc::clone(carried.set()), entry(carried)?))).collect()
    }

    fn position(&self, set: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|carried| (**carried.set()).cmp(set))
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

    /// Says whether the set was upgraded in place in this Pod.
    #[must_use]
    pub fn was_upgraded(&self) -> bool {
        self.noted.in_place.is_some()
    }

    /// Returns what a container ran before its last upgrade, where it had one.
    #[must_use]
    pub fn last_status(&self, container: &str) -> Option<&LastStatus> {
        self.noted.in_place.as_ref()?.last_container_statuses.as_ref()?.get(container)
    }
}

impl Annotations<'_> {
    fn by_set(self) -> BTreeMap<Arc<str>, (Noted, Times)> {
        let mut all: BTreeMap<Arc<str>, (Noted, Times)> = BTreeMap::new();
        for set in self.injected {
            all.entry(set.into()).or_default().0.is_injected = true;
        }
        for (set, mut said) in self.hashes.0 {
            let (noted, times) = all.entry(set).or_default();
            times.hash = said.update_timestamp.take();
            noted.hash = Some(said);
        }
        for (set, mut said) in self.hashes_without_image.0 {
            let (noted, times) = all.entry(set).or_default();
            times.hash_without_image = said.update_timestamp.take();
            noted.hash_without_image = Some(said);
        }
        for (set, mut said) in self.in_place.0 {
            let (noted, times) = all.entry(set).or_default();
            times.in_place = said.update_timestamp.take();
            noted.in_place = Some(said);
        }
        all.iter_mut().for_each(|(set, (noted, _))| noted.set = Arc::clone(set));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Interner;

    const HASHES: &str = r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":"h1","sidecarSetName":"log-sc","sidecarList":["agent"],"controllerRevision":"log-sc-1"},"mesh":{"updateTimestamp":null,"hash":"m1","sidecarSetName":"mesh","sidecarList":null}}"#;
    const WITHOUT_IMAGE: &str = r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:06Z","hash":"w1","sidecarSetName":"log-sc","sidecarList":["agent"]}}"#;
    const IN_PLACE: &str = r#"{"log-sc":{"revision":"h0","updateTimestamp":"2026-01-02T03:04:07Z","lastContainerStatuses":{"agent":{"imageID":"a@sha256:1"}},"nextContainerImages":{"a":"b"}}}"#;

    fn read(injected: &str, hashes: &str, interner: &mut Interner) -> CarriedSets {
        let annotations = Annotations {
            injected: injected.split(',').collect(),
            hashes: HashAnnotation::parse("k", hashes).unwrap(),
            hashes_without_image: HashAnnotation::parse("k", WITHOUT_IMAGE).unwrap(),
            in_place: InPlaceAnnotation::parse(IN_PLACE).unwrap(),
        };
        CarriedSets::of(annotations, |noted| interner.noted(noted))
    }

    #[test]
    fn the_annotations_are_written_as_they_were_read() {
        let carried = read("log-sc", HASHES, &mut Interner::default());

        assert_eq!(carried.hashes().to_text(), HASHES);
        assert_eq!(carried.hashes_without_image().to_text(), WITHOUT_IMAGE);
        assert_eq!(carried.in_place().to_text(), IN_PLACE);
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
