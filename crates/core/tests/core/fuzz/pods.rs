//! Pods: what their authors and other programs put into them.

use super::mutation::{json, lost, mutated, text};
use super::{CORPUS, corpus_texts};
use crate::build::now;
use crate::trials::trials;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sidecarset_core::annotations::is_ours;
use sidecarset_core::injection::{choose, inject, is_left_alone};
use sidecarset_core::normalize::{CanonicalSet, Sidecar, normalize};
use sidecarset_core::record::{Interner, ObservedPod, ObservedSpec, ObservedStatus, PodRecord};
use sidecarset_core::rollout;
use std::sync::{Arc, LazyLock};

/// The annotations that are read.
const READ: [&str; 6] = [
    "kruise.io/sidecarset-hash",
    "kruise.io/sidecarset-hash-without-image",
    "kruise.io/sidecarset-injected-list",
    "kruise.io/sidecarset-inplace-update-state",
    "kruise.io/sidecarset-working-hotupgrade-container",
    "note",
];

static SETS: LazyLock<Vec<Arc<CanonicalSet>>> = LazyLock::new(|| {
    let sets = CORPUS.values("sets").into_iter().filter_map(|(_, set)| serde_json::from_value(set).ok());
    sets.filter_map(|set| normalize(&set).ok()).map(Arc::new).collect()
});

/// Holds if a Pod is refused and told why, or gets a patch after which everything that it had is there, and which
/// there is nothing to add to.
pub fn injection_holds(pod: &Value, sets: &[Arc<CanonicalSet>]) {
    if is_left_alone(pod) {
        return;
    }
    let chosen = choose(pod, sets, |_| 0.5);
    let injection = match chosen.and_then(|sets| inject(pod, &sets, now())) {
        Ok(injection) => injection,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    let mut injected = pod.clone();
    json_patch::patch(&mut injected, &injection.patch.operations()).unwrap();
    let again = inject(&injected, sets, now()).unwrap();
    if sets.iter().all(|set| set.pin.is_none()) {
        assert_eq!((again.patch.as_str(), again.injected.len()), ("[]", 0));
    }
    let lost = lost(&own(pod, sets), &injected);
    assert!(lost.is_none(), "lost pod{}", lost.unwrap());
}

/// Returns a Pod without what a sidecar takes the place of, and without the annotations that are written.
fn own(pod: &Value, sets: &[Arc<CanonicalSet>]) -> Value {
    let mut pod = pod.clone();
    let names =
        |sidecars: &[Sidecar]| -> Vec<Arc<str>> { sidecars.iter().flat_map(Sidecar::names_in_pod).cloned().collect() };
    for set in sets {
        for (list, taken) in [("containers", &set.containers), ("initContainers", &set.init_containers)] {
            let taken = names(taken);
            if let Some(Value::Array(own)) = pod.pointer_mut(&format!("/spec/{list}")) {
                own.retain(|own| !taken.iter().any(|name| own["name"] == **name));
            }
        }
        if let Some(Value::Object(annotations)) = pod.pointer_mut("/metadata/annotations") {
            annotations.retain(|key, _| !is_ours(key) && set.metadata.iter().all(|patch| patch.key != *key));
        }
    }
    pod
}

/// Holds if a Pod that was observed can be upgraded, and what is written into it can be read again.
fn record_holds(pod: &Value) {
    let part = |member: &str| if pod[member].is_null() { json!({}) } else { pod[member].clone() };
    let Ok(metadata) = serde_json::from_value::<ObjectMeta>(part("metadata")) else { return };
    let Ok(spec) = serde_json::from_value::<ObservedSpec>(part("spec")) else { return };
    let Ok(status) = serde_json::from_value::<ObservedStatus>(part("status")) else { return };
    let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &status };
    let Some(record) = PodRecord::read(observed, &mut Interner::default()) else { return };
    for set in SETS.iter() {
        let upgrades = rollout::plan(set, &[&record], now()).upgrades;
        assert!(upgrades.is_empty() || !rollout::is_updated(set, &record));
        for upgrade in upgrades {
            let patch = upgrade.patch(set, &record, now());
            let mut metadata = metadata.clone();
            let written = patch["metadata"]["annotations"].as_object().unwrap();
            let written = written.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
            metadata.annotations.get_or_insert_default().extend(written);
            let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &status };
            let upgraded = PodRecord::read(observed, &mut Interner::default()).unwrap();
            assert_eq!(upgraded.carried.get(&set.name).unwrap().hash(), Some(&set.hashes.full));
            assert!(upgraded.carried.get(&set.name).unwrap().was_upgraded());
        }
    }
}

fn pod_holds(pod: &Value) {
    record_holds(pod);
    injection_holds(pod, &[]);
    for set in SETS.iter() {
        injection_holds(pod, std::slice::from_ref(set));
    }
    injection_holds(pod, &SETS);
}

/// Returns a Pod with these annotations, in which containers of any set may stand.
fn annotated(annotations: &[(String, Value)]) -> Value {
    json!({
        "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": Value::from_iter(annotations.to_vec())},
        "spec": {"containers": [
            {"name": "web", "image": "w", "resources": {"limits": {"cpu": "1"}}},
            {"name": "agent", "image": "agent:v1", "env": [{"name": "IS_INJECTED", "value": "true"}]},
        ]},
    })
}

#[test]
fn the_corpus_of_pods_holds() {
    CORPUS.values("pods").iter().for_each(|(_, pod)| pod_holds(pod));
}

#[test]
fn the_corpus_of_annotations_holds() {
    for (_, text) in corpus_texts("annotations") {
        for key in READ {
            let names = ("kruise.io/sidecarset-injected-list".to_owned(), json!("logs,log-sc,rich"));
            pod_holds(&annotated(&[names, (key.to_owned(), json!(text))]));
        }
    }
}

#[test]
fn there_are_sets_of_each_kind_in_the_corpus() {
    assert!(SETS.iter().any(|set| &*set.name == "rich"));
    assert!(SETS.iter().flat_map(|set| set.sidecars()).any(|sidecar| sidecar.resources.is_some()));
    assert!(SETS.iter().flat_map(|set| set.sidecars()).any(|sidecar| sidecar.empty_image.is_some()));
    assert!(SETS.iter().flat_map(|set| set.sidecars()).any(|sidecar| sidecar.shares.mounts));
    assert!(SETS.iter().any(|set| set.pin.is_some()) && SETS.iter().any(|set| !set.metadata.is_empty()));
}

proptest! {
    #![proptest_config(trials(96))]

    #[test]
    fn any_pod_is_refused_or_keeps_what_it_has(pod in mutated(CORPUS.values("pods"))) {
        pod_holds(&pod);
    }

    #[test]
    fn any_annotations_are_read_or_left_alone(
        annotations in prop::collection::vec((prop_oneof![9 => key(), 1 => text()], value()), 0..5),
    ) {
        pod_holds(&annotated(&annotations));
    }
}

fn key() -> impl Strategy<Value = String> {
    select(READ.as_slice()).prop_map(str::to_owned)
}

/// Returns the text of an annotation: one of the corpus, JSON that was one of them, or anything.
fn value() -> impl Strategy<Value = Value> {
    let texts = corpus_texts("annotations");
    let valid = texts.iter().filter_map(|(name, text)| Some((name.clone(), serde_json::from_str(text).ok()?)));
    let mutated = mutated(valid.collect()).prop_map(|value| Value::from(value.to_string()));
    let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
    let whole = select(texts).prop_map(Value::from);
    prop_oneof![2 => whole, 4 => mutated, 1 => text().prop_map(Value::from), 1 => json()]
}
