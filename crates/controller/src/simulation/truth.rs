//! What must hold after each step, by what the API server knows.

use super::kubelet::{LISTS, is_ready, is_undisturbed};
use super::release::{EMPTY, SET};
use crate::pod::PodLite;
use serde_json::Value;
use sidecarset_api::markers;
use sidecarset_core::amount::Amount;
use sidecarset_core::annotations::is_ours;
use sidecarset_core::normalize::{CanonicalSet, Sidecar};
use sidecarset_core::record::{Interner, PodKey, PodRecord};
use sidecarset_core::rollout::{self, Plan, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) type Outcome = Result<(), String>;

/// What is remembered of the past to judge the present.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// The Pods that served until we upgraded them, and have not served since. One that leaves the set in between is
    /// none of it any more.
    disturbed: BTreeSet<String>,
    /// The definition that each Pod got from us last.
    written: BTreeMap<String, Arc<str>>,
}

/// A write that was done.
pub(super) struct Done<'a> {
    pub(super) set: &'a CanonicalSet,
    pub(super) step: Step,
    /// The most Pods that may be disturbed.
    pub(super) allowed: usize,
    pub(super) before: &'a Value,
    pub(super) after: &'a Value,
}

pub(super) fn uid(pod: &Value) -> &str {
    pod["metadata"]["uid"].as_str().unwrap_or_default()
}

/// Says whether a Pod is one of the set, in words of its own.
pub(super) fn is_matched(pod: &Value) -> bool {
    let metadata = &pod["metadata"];
    metadata["labels"]["app"] == "web"
        && metadata["annotations"][markers::INJECTED_LIST] == SET
        && metadata.get("deletionTimestamp").is_none()
        && !["Failed", "Succeeded"].contains(&pod["status"]["phase"].as_str().unwrap_or_default())
}

/// Says whether of each pair one container waits.
fn is_settled(pod: &Value) -> bool {
    let images: Vec<&str> =
        containers(pod).filter(|(name, _)| name.starts_with("envoy-")).map(|(_, image)| image).collect();
    images.is_empty() || images.contains(&EMPTY)
}

fn containers(pod: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = LISTS.iter().flat_map(|(list, _)| pod["spec"][*list].as_array().into_iter().flatten());
    all.map(|container| {
        (container["name"].as_str().unwrap_or_default(), container["image"].as_str().unwrap_or_default())
    })
}

pub(super) fn record(pod: &Value) -> Option<PodRecord> {
    let pod: PodLite = serde_json::from_value(pod.clone()).expect("it is a pod");
    PodRecord::read(pod.observed(), &mut Interner::default())
}

impl Truth {
    /// Takes in the Pods as they are now. Those that only a new Pod can mend are given up, and so are broken ones that
    /// selector or partition leave as they are.
    pub(super) fn refresh<'a>(&mut self, pods: impl Iterator<Item = &'a Value>, set: &CanonicalSet) {
        let has = |pod: &Value, annotation: &str, hash: &str| {
            pod["metadata"]["annotations"][annotation].as_str().is_some_and(|text| text.contains(hash))
        };
        let is_left = |pod: &Value| {
            let labels = record(pod).map(|pod| pod.labels);
            let selector = set.rollout.selector.as_ref();
            let is_out = selector.is_some_and(|it| !labels.is_some_and(|labels| it.matches(&*labels)));
            is_out || set.rollout.partition != Amount::Count(0)
        };
        let is_lost = |pod: &Value| {
            let is_left_broken = !is_ready(pod) && !has(pod, markers::HASH, &set.hashes.full) && is_left(pod);
            is_left_broken || !has(pod, markers::HASH_WITHOUT_IMAGE, &set.hashes.without_image)
        };
        let is_well = |pod: &Value| is_ready(pod) && is_undisturbed(pod) && is_settled(pod);
        let is_so = |pod: &Value| is_matched(pod) && !is_lost(pod) && !is_well(pod);
        let still: BTreeSet<&str> = pods.filter(|pod| is_so(pod)).map(uid).collect();
        self.disturbed.retain(|uid| still.contains(&**uid));
    }

    /// Judges a write.
    pub(super) fn judge(&mut self, done: &Done<'_>) -> Outcome {
        let pod = uid(done.before);
        ensure(is_matched(done.before), || format!("{pod} is not the set's, and was written"))?;
        judge_change(done)?;
        if done.step == Step::Flip {
            return Ok(());
        }
        let before = self.written.insert(pod.to_owned(), Arc::clone(&done.set.hashes.full));
        ensure(before.as_ref() != Some(&done.set.hashes.full), || {
            format!("{pod} was written twice for one definition")
        })?;
        let is_restarted = done.before["spec"] != done.after["spec"];
        if is_restarted && is_ready(done.before) && self.disturbed.insert(pod.to_owned()) {
            let (disturbed, allowed) = (&self.disturbed, done.allowed);
            ensure(disturbed.len() <= allowed, || format!("{disturbed:?} are unavailable, {allowed} may be"))?;
        }
        Ok(())
    }

    /// Judges a plan: each Pod has a reason, and the partition stays.
    pub(super) fn judge_plan(set: &CanonicalSet, matched: &[Arc<PodRecord>], plan: &Plan) -> Outcome {
        let outdated: Vec<_> = matched.iter().filter(|pod| !rollout::is_updated(set, pod)).collect();
        let steps: BTreeSet<&PodKey> = plan.steps().map(|step| &step.pod).collect();
        for pod in &outdated {
            let is_explained = plan.holds.contains_key(&pod.key) || steps.contains(&pod.key);
            ensure(is_explained, || format!("nobody says why {} is left as it is", pod.key))?;
        }
        let upgraded = plan.upgrades.iter().filter(|step| step.step == Step::Definition).count();
        let kept = set.rollout.partition.rounded_up(count(matched.len())) as usize;
        ensure(upgraded == 0 || outdated.len() >= kept + upgraded, || {
            format!("{upgraded} of {} are upgraded, {kept} are to stay", outdated.len())
        })
    }
}

fn judge_change(done: &Done<'_>) -> Outcome {
    let sidecars: BTreeSet<&str> = done.set.upgradable().flat_map(Sidecar::names_in_pod).map(|name| &**name).collect();
    let (mut before, mut after) = (done.before.clone(), done.after.clone());
    for pod in [&mut before, &mut after] {
        for list in ["containers", "initContainers"] {
            let all = pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            for container in all.filter(|container| sidecars.contains(container["name"].as_str().unwrap_or_default())) {
                container["image"] = Value::Null;
            }
        }
        pod["metadata"]["resourceVersion"] = Value::Null;
        if let Some(annotations) = pod["metadata"]["annotations"].as_object_mut() {
            annotations.retain(|key, _| !is_ours(key));
        }
    }
    ensure(before == after, || format!("{} got more than images and annotations of ours", uid(done.before)))
}

pub(super) fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

pub(super) fn allowed(set: &CanonicalSet, matched: usize) -> usize {
    set.rollout.max_unavailable.rounded_up(count(matched)) as usize
}

fn count(pods: usize) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}
