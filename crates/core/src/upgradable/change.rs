//! What a set has to say in the condition, and the one write that says it.

use super::Upgradable;
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Carried, PodRecord};
use crate::rollout::{Hold, is_updated};
use crate::sorted::SortedMap;
use serde_json::{Value, json};
use sidecarset_api::markers;
use std::sync::Arc;

/// Another condition for a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    sets: SortedMap<bool>,
    // A condition keeps the time of its last transition while its status stays.
    is_transition: bool,
}

/// Decides what the condition of a matched Pod has to say of the set, where it does not say that yet. `hold` is why the
/// rollout leaves the Pod as it is.
///
/// The entry is false while only a new Pod can take the set's definition. As in Kruise, it is true after the Pod was
/// upgraded; and it turns true where it was false and no longer is. A Pod that was never upgraded nor held has none.
#[must_use]
pub fn of_matched(set: &CanonicalSet, pod: &PodRecord, hold: Option<Hold>) -> Option<Change> {
    let told = told(pod, &set.name);
    let is_upgradable = hold != Some(Hold::NeedsNewPod);
    let was_upgraded = || pod.carried.get(&set.name).is_some_and(Carried::was_upgraded) && is_updated(set, pod);
    if is_upgradable && told.is_none() && !was_upgraded() {
        return None;
    }
    let mut sets = sets(pod);
    sets.insert(Arc::clone(&set.name), is_upgradable);
    Change::to(sets, pod)
}

/// Decides what is left of the condition of a Pod that a set has nothing to do with, or no longer: nothing of that set.
/// A Pod on its way out is left alone.
#[must_use]
pub fn of_stranger(set: &str, pod: &PodRecord) -> Option<Change> {
    if !pod.is_active() || told(pod, set).is_none() {
        return None;
    }
    let others = sets(pod);
    let others = others.iter().filter(|(name, _)| ***name != *set);
    Change::to(others.map(|(name, is_upgradable)| (Arc::clone(name), *is_upgradable)).collect(), pod)
}

impl Change {
    fn to(sets: SortedMap<bool>, pod: &PodRecord) -> Option<Self> {
        let is_true = Upgradable::says_all(&sets);
        let before = pod.upgradable.as_deref();
        let is_transition = before.is_none_or(|before| before.is_true != is_true);
        let is_said = before.is_some_and(|before| before.sets == sets) && !is_transition;
        (!is_said).then_some(Self { sets, is_transition })
    }

    /// Returns the strategic merge patch of the Pod's status: that one condition, of the very version of the Pod that is
    /// given, so that no entry of another set is lost. Where no entry is left the condition goes: one that speaks of no
    /// set would say nothing, and a Pod that never had one has none either.
    #[must_use]
    pub fn patch(&self, pod: &PodRecord, now: Seconds) -> Value {
        let mut condition = json!({"type": markers::UPGRADABLE});
        if self.sets.is_empty() {
            condition["$patch"] = "delete".into();
        } else {
            let is_true = Upgradable::says_all(&self.sets);
            condition["status"] = if is_true { "True" } else { "False" }.into();
            condition["reason"] = if is_true { "AllSidecarsetUpgradable" } else { "UpdateImmutableField" }.into();
            condition["message"] = json!(self.sets).to_string().into();
            if self.is_transition {
                condition["lastTransitionTime"] = json!(now);
            }
        }
        json!({
            "metadata": {"uid": pod.uid, "resourceVersion": pod.resource_version},
            "status": {"conditions": [condition]},
        })
    }
}

fn told(pod: &PodRecord, set: &str) -> Option<bool> {
    pod.upgradable.as_deref().and_then(|told| told.sets.get(set)).copied()
}

fn sets(pod: &PodRecord) -> SortedMap<bool> {
    pod.upgradable.as_deref().map(|told| told.sets.clone()).unwrap_or_default()
}
