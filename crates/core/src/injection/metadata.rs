//! The annotations that tell what was injected.

use super::Refusal;
use super::edit::PodEdit;
use crate::annotations::{HashAnnotation, InjectedSet, Seconds, injected_list};
use crate::json::Json;
use crate::normalize::CanonicalSet;
use serde_json::value::RawValue;
use sidecarset_api::markers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long an API server may take from its first call to its last one: its limit for a whole request. Clocks of replicas may
/// differ by as much.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// What a Pod's annotations say about the sets injected into it.
#[derive(Debug)]
pub(super) struct InjectionAnnotations {
    hashes: HashAnnotation,
    hashes_without_image: HashAnnotation,
    injected: BTreeSet<String>,
}

impl InjectionAnnotations {
    /// Reads what a Pod brings along: its manifest may have been copied from a running one.
    pub(super) fn of(pod: Json<'_>) -> Result<Self, Refusal> {
        let annotations = pod.at("metadata").at("annotations");
        let annotation = |key: &str| annotations.at(key).as_str().filter(|text| !text.is_empty());
        let hashes = |key| {
            annotation(key).map_or_else(|| Ok(HashAnnotation::default()), |text| HashAnnotation::parse(key, text))
        };
        let injected = annotation(markers::INJECTED_LIST).map(injected_list).unwrap_or_default();
        Ok(Self {
            hashes: hashes(markers::HASH)?,
            hashes_without_image: hashes(markers::HASH_WITHOUT_IMAGE)?,
            injected: injected.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Says whether a set is recorded in this form.
    pub(super) fn records(&self, set: &CanonicalSet) -> bool {
        let has =
            |annotation: &HashAnnotation, hash: &str| annotation.0.get(&set.name).is_some_and(|it| *it.hash == *hash);
        self.injected.contains(&*set.name)
            && has(&self.hashes, &set.hashes.full)
            && has(&self.hashes_without_image, &set.hashes.without_image)
    }

    /// Says whether the Pod claims to carry another definition of a set than the present one.
    pub(super) fn records_another(&self, set: &CanonicalSet) -> bool {
        let annotations = [&self.hashes, &self.hashes_without_image];
        let is_known = self.injected.contains(&*set.name) && annotations.iter().any(|it| it.0.get(&set.name).is_some());
        is_known && !self.records(set)
    }

    /// Says whether the Pod says of a set what an earlier call of the same request would have written: the present definition,
    /// of just now. What a copied manifest says is older.
    pub(super) fn are_of_this_request(&self, set: &CanonicalSet, now: Seconds) -> bool {
        if !self.records(set) {
            return false;
        }
        let found = [&self.hashes, &self.hashes_without_image].map(|annotation| annotation.0.get(&set.name));
        let ours = [InjectedSet::with_image(set, now), InjectedSet::without_image(set, now)];
        let is_ours = |(found, ours): (Option<&InjectedSet>, InjectedSet)| {
            let moment = found.and_then(|found| found.update_timestamp).filter(|moment| is_about(*moment, now));
            moment.is_some() && found == Some(&InjectedSet { update_timestamp: moment, ..ours })
        };
        found.into_iter().zip(ours).all(is_ours)
    }

    /// Says whether a set is recorded in whatever form.
    pub(super) fn knows(&self, set: &CanonicalSet) -> bool {
        self.hashes_without_image.0.get(&set.name).is_some()
    }

    /// Returns the name of the set that is recorded to have a sidecar of this name.
    pub(super) fn owner_of(&self, sidecar: &str) -> Option<&Arc<str>> {
        let lists = self.hashes_without_image.0.iter();
        lists
            .filter_map(|(set, it)| Some((set, it.sidecar_list.as_ref()?)))
            .find(|(_, names)| names.names().any(|name| name == sidecar))
            .map(|(set, _)| set)
    }

    /// Records a set.
    pub(super) fn add(&mut self, set: &CanonicalSet, now: Seconds) {
        self.hashes.0.insert(Arc::clone(&set.name), InjectedSet::with_image(set, now));
        self.hashes_without_image.0.insert(Arc::clone(&set.name), InjectedSet::without_image(set, now));
        self.injected.insert(set.name.to_string());
    }

    /// Sets the annotations.
    pub(super) fn write(&self, edit: &mut PodEdit<'_>) {
        let list: Vec<&str> = self.injected.iter().map(String::as_str).collect();
        edit.annotate([
            (markers::HASH.into(), self.hashes.to_text()),
            (markers::HASH_WITHOUT_IMAGE.into(), self.hashes_without_image.to_text()),
            (markers::INJECTED_LIST.into(), list.join(",")),
        ]);
    }
}

fn is_about(moment: Seconds, now: Seconds) -> bool {
    now.since(moment) <= LONGEST_REQUEST && moment.since(now) <= LONGEST_REQUEST
}

/// Takes away what a Pod says of upgrades of these sets: it is about to be created, and was never upgraded.
pub(super) fn forget_upgrades(sets: &[Arc<CanonicalSet>], edit: &mut PodEdit<'_>) {
    let told = edit.present_annotation(markers::IN_PLACE_STATE);
    // What cannot be read says nothing, here as later.
    let entries = told.and_then(|told| serde_json::from_str::<BTreeMap<String, &RawValue>>(told).ok());
    let Some(mut entries) = entries else { return };
    let before = entries.len();
    entries.retain(|name, _| !sets.iter().any(|set| *set.name == **name));
    if entries.len() == before {
        return;
    }
    if entries.is_empty() {
        edit.remove_annotation(markers::IN_PLACE_STATE);
    } else {
        let text = serde_json::to_string(&entries).expect("texts of JSON can be written as JSON");
        edit.annotate([(markers::IN_PLACE_STATE.into(), text)]);
    }
}
