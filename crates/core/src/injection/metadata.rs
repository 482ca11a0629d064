//! The annotations that tell what was injected.

use super::Refusal;
use super::edit::PodEdit;
use crate::annotations::{HashAnnotation, InjectedSet, Seconds, injected_list};
use crate::json::Json;
use crate::normalize::CanonicalSet;
use sidecarset_api::markers;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a Pod's annotations say about the sets injected into it.
#[derive(Debug)]
pub(super) struct Marks {
    hashes: HashAnnotation,
    hashes_without_image: HashAnnotation,
    injected: BTreeSet<String>,
}

impl Marks {
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

    /// Says whether a set is recorded in its present form.
    pub(super) fn records(&self, set: &CanonicalSet) -> bool {
        let has =
            |annotation: &HashAnnotation, hash: &str| annotation.0.get(&set.name).is_some_and(|it| *it.hash == *hash);
        self.injected.contains(&*set.name)
            && has(&self.hashes, &set.hashes.full)
            && has(&self.hashes_without_image, &set.hashes.without_image)
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
