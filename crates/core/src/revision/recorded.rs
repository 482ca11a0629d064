//! The hashes that a SidecarSet carries in its annotations.
//!
//! Pods are compared with what is recorded, not with what would be computed today: a set that another program wrote
//! keeps the hashes of that program, and its Pods stay what they are, for as long as its containers stay the same.

use super::{Hashes, hashes};
use crate::normalize::defaults::{defaulted, fill_spec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What we record with a set that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The hashes by which its Pods are known.
    pub hashes: Hashes,
    /// The hashes as they are computed here.
    computed: Hashes,
}

/// What was recorded with a set as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    computed: Hashes,
    in_force: Hashes,
}

impl Recorded {
    /// Returns what was recorded with a set, of which nothing else is left.
    #[must_use]
    pub fn of(set: SidecarSet) -> Self {
        let SidecarSet { metadata, mut spec, .. } = set;
        fill_spec(&mut spec);
        let computed = hashes(spec.containers.as_deref(), spec.init_containers.as_deref());
        Self { in_force: in_force(&metadata, computed.clone()), computed }
    }
}

impl Record {
    /// Returns what is recorded with a set. Hashes of containers that are as they were stay as they were.
    #[must_use]
    pub fn of(set: &SidecarSet, old: Option<&SidecarSet>) -> Self {
        Self::after(of_spec(&set.spec), old.cloned().map(Recorded::of).as_ref())
    }

    /// The same of a spec that has its defaults.
    #[must_use]
    pub fn of_defaulted(spec: &SidecarSetSpec, old: Option<&Recorded>) -> Self {
        Self::after(hashes(spec.containers.as_deref(), spec.init_containers.as_deref()), old)
    }

    fn after(computed: Hashes, old: Option<&Recorded>) -> Self {
        let hashes = match old {
            Some(Recorded { computed: before, in_force: recorded }) => {
                let kept = |before: &Arc<str>, now: &Arc<str>, recorded: &Arc<str>| {
                    Arc::clone(if before == now { recorded } else { now })
                };
                Hashes {
                    full: kept(&before.full, &computed.full, &recorded.full),
                    without_image: kept(&before.without_image, &computed.without_image, &recorded.without_image),
                }
            }
            None => computed.clone(),
        };
        Self { hashes, computed }
    }

    /// Returns the annotations.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (markers::HASH, self.hashes.full.to_string()),
            (markers::HASH_WITHOUT_IMAGE, self.hashes.without_image.to_string()),
            (markers::HASH_BASIS, format!("{},{}", self.computed.full, self.computed.without_image)),
        ])
    }
}

/// Returns the hashes by which the Pods of a set are known, given those that are computed from its containers.
///
/// What is recorded counts where it was recorded for these very containers, or by a program that does not say for
/// which: that one writes it whenever it writes the set. It does not count where the set was changed past us.
#[must_use]
pub fn in_force(metadata: &ObjectMeta, computed: Hashes) -> Hashes {
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).map(String::as_str);
    let basis = annotation(markers::HASH_BASIS).map(|basis| basis.split_once(',').unwrap_or((basis, "")));
    let choose = |key, basis: Option<&str>, computed: Arc<str>| match annotation(key) {
        Some(recorded) if is_hash(recorded) && basis.is_none_or(|basis| *basis == *computed) => recorded.into(),
        _ => computed,
    };
    Hashes {
        full: choose(markers::HASH, basis.map(|(full, _)| full), computed.full),
        without_image: choose(markers::HASH_WITHOUT_IMAGE, basis.map(|(_, rest)| rest), computed.without_image),
    }
}

fn of_spec(spec: &SidecarSetSpec) -> Hashes {
    let spec = defaulted(spec);
    hashes(spec.containers.as_deref(), spec.init_containers.as_deref())
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| super::hash::ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What another program may have computed.
    const THEIRS: &str = "w26c4x8fz245642fdv499b464248f974xddx4x55z5dw55bc6x66464fxz77dc78";
    const THEIR_OTHER: &str = "8wzddb4dvv9c6x8zdc77z4z75987424f457dfv6724ddw6zbdx467wz5x24fc759";

    fn set(image: &str, annotations: &Value) -> SidecarSet {
        let spec = json!({"containers": [{"name": "agent", "image": image}]});
        serde_json::from_value(json!({"metadata": {"annotations": annotations}, "spec": spec})).unwrap()
    }

    fn of_another_program(image: &str) -> SidecarSet {
        set(image, &json!({markers::HASH: THEIRS, markers::HASH_WITHOUT_IMAGE: THEIR_OTHER}))
    }

    fn written(set: &SidecarSet, record: &Record) -> SidecarSet {
        let mut set = set.clone();
        let annotations = record.annotations().into_iter().map(|(key, value)| (key.to_owned(), value));
        set.metadata.annotations.get_or_insert_default().extend(annotations);
        set
    }

    fn in_memory(set: &SidecarSet) -> Hashes {
        in_force(&set.metadata, of_spec(&set.spec))
    }

    #[test]
    fn a_set_of_another_program_is_known_by_what_that_program_recorded() {
        assert_eq!(
            in_memory(&of_another_program("i")),
            Hashes { full: THEIRS.into(), without_image: THEIR_OTHER.into() }
        );
    }

    #[test]
    fn hashes_are_carried_over_while_the_containers_are_the_same() {
        let old = of_another_program("agent:v1");
        // A default written out is no change.
        let mut new = old.clone();
        new.spec = defaulted(&old.spec);

        let record = Record::of(&new, Some(&old));
        let stored = written(&new, &record);

        assert_eq!((&*record.hashes.full, &*record.hashes.without_image), (THEIRS, THEIR_OTHER));
        assert_eq!(in_memory(&stored), record.hashes);
        assert_eq!(Record::of(&stored, Some(&stored)), record, "and once more");
    }

    #[test]
    fn a_new_image_leaves_the_hash_without_images() {
        let old = of_another_program("agent:v1");

        let record = Record::of(&set("agent:v2", &json!({})), Some(&old));

        assert_ne!(&*record.hashes.full, THEIRS);
        assert_eq!(&*record.hashes.without_image, THEIR_OTHER);
        assert_eq!(in_memory(&written(&set("agent:v2", &json!({})), &record)), record.hashes);
    }

    #[test]
    fn what_is_recorded_for_other_containers_does_not_count() {
        let recorded = written(&set("agent:v1", &json!({})), &Record::of(&set("agent:v1", &json!({})), None));
        let mut changed_past_us = recorded.clone();
        changed_past_us.spec = set("agent:v2", &json!({})).spec;

        assert_eq!(in_memory(&changed_past_us), of_spec(&changed_past_us.spec));
    }

    #[test]
    fn what_is_no_hash_does_not_count() {
        let junk = set("i", &json!({markers::HASH: "mine", markers::HASH_WITHOUT_IMAGE: "a".repeat(64)}));

        assert_eq!(in_memory(&junk), of_spec(&junk.spec));
    }

    #[test]
    fn a_new_set_gets_the_hashes_that_are_computed() {
        assert_eq!(Record::of(&of_another_program("i"), None).hashes, of_spec(&of_another_program("i").spec));
    }
}
