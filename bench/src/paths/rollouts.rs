//! What the Pods of a set cost.

use super::Work;
use super::pods::{carried, read, running, set};
use super::reviews::now;
use crate::world::container;
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{Interner, PodKey, PodRecord};
use sidecarset_core::{rollout, status};
use std::hint::black_box;

pub(super) fn plan_updated(pods: usize) -> Work {
    plan(set(0, "v1", &json!({})), pods)
}

pub(super) fn plan_all_at_once(pods: usize) -> Work {
    plan(set(0, "v2", &json!({"maxUnavailable": "100%"})), pods)
}

pub(super) fn plan_tenth_at_once(pods: usize) -> Work {
    plan(set(0, "v2", &json!({"maxUnavailable": "10%"})), pods)
}

pub(super) fn plan_ordered(pods: usize) -> Work {
    let weight = |zone: &str, weight: i32| json!({"weight": weight, "matchSelector": {"matchLabels": {"zone": zone}}});
    let strategy = json!({
        "maxUnavailable": "100%",
        "priorityStrategy": {"weightPriority": [weight("a", 30), weight("b", 20)]},
        "scatterStrategy": [{"key": "zone", "value": "*"}],
    });
    plan(set(0, "v2", &strategy), pods)
}

pub(super) fn status_updated(pods: usize) -> Work {
    summary(set(0, "v1", &json!({})), pods)
}

pub(super) fn status_tenth_at_once(pods: usize) -> Work {
    summary(set(0, "v2", &json!({"maxUnavailable": "10%"})), pods)
}

pub(super) fn upgrade_patch(sets: usize) -> Work {
    let text = running("web-5d5f8b6c4d-00000", &carried(sets), vec![container(0, 4)]).to_string();
    let pod = read(&text, &mut Interner::default());
    let set = set(0, "v2", &json!({}));
    let upgrade = rollout::plan(&set, &[&pod], now()).upgrades.pop().expect("the Pod is outdated");
    Box::new(move || drop(black_box(upgrade.patch(&set, &pod, now()).to_string())))
}

pub(super) fn read_by_bytes(bytes: usize) -> Work {
    let mut own = Vec::new();
    let mut text = String::new();
    while text.len() < bytes {
        own.push(container(own.len(), bytes.div_ceil(16_000).clamp(4, 40) * 4));
        text = running("web-5d5f8b6c4d-00000", &carried(1), own.clone()).to_string();
    }
    reading(text)
}

pub(super) fn read_by_sets(sets: usize) -> Work {
    reading(running("web-5d5f8b6c4d-00000", &carried(sets), vec![container(0, 4)]).to_string())
}

/// The strings are known already, as they are from the second Pod on.
fn reading(text: String) -> Work {
    let mut interner = Interner::default();
    Box::new(move || drop(black_box(read(&text, &mut interner))))
}

fn plan(set: CanonicalSet, pods: usize) -> Work {
    let pods = records(pods);
    Box::new(move || drop(black_box(rollout::plan(&set, &matched(&pods), now()))))
}

fn summary(set: CanonicalSet, pods: usize) -> Work {
    let pods = records(pods);
    let plan = rollout::plan(&set, &matched(&pods), now());
    let before = status::summarize(&set, &matched(&pods), &plan, None, now());
    Box::new(move || drop(black_box(status::summarize(&set, &matched(&pods), &plan, Some(&before), now()))))
}

fn matched(pods: &[PodRecord]) -> Vec<&PodRecord> {
    pods.iter().collect()
}

/// Returns Pods of three zones that run the first version of a set. All but one in a hundred are ready.
fn records(pods: usize) -> Vec<PodRecord> {
    let mut interner = Interner::default();
    let mut of = |zone: &str, is_ready: bool| read(&in_zone(zone, is_ready).to_string(), &mut interner);
    let (zones, unready) = (["a", "b", "c"].map(|zone| of(zone, true)), of("a", false));
    let record = |at: usize| if at % 100 == 99 { &unready } else { &zones[at % zones.len()] };
    (0..pods).map(|at| named(record(at), at)).collect()
}

fn in_zone(zone: &str, is_ready: bool) -> Value {
    let mut pod = running("web-5d5f8b6c4d-00000", &carried(1), vec![container(0, 4)]);
    pod["metadata"]["labels"]["zone"] = zone.into();
    pod["status"]["conditions"][0]["status"] = (if is_ready { "True" } else { "False" }).into();
    pod
}

fn named(pod: &PodRecord, at: usize) -> PodRecord {
    PodRecord {
        key: PodKey::new(pod.key.namespace(), &format!("web-5d5f8b6c4d-{at:05}")),
        uid: format!("705ab4f5-6393-11e8-b7cc-{at:012}").as_str().into(),
        resource_version: at.to_string().as_str().into(),
        ..pod.clone()
    }
}
