//! What is kept of each Pod.

use super::pods::{carried, lite, running};
use crate::world::container;
use serde_json::{Value, json};
use sidecarset_core::reconcile::{Monotonic, PodIndex};

/// A kind of Pod.
#[derive(Debug, Clone, Copy)]
pub struct PodRecords {
    /// What it carries.
    pub name: &'static str,
    /// How many sets were injected into it, each with one sidecar.
    pub sets: usize,
    /// What has happened to it.
    pub past: Past,
}

/// What has happened to a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It was created.
    Created,
    /// Each of its sets was upgraded in it.
    Upgraded,
}

/// The Pods of which is measured what is kept.
pub const POD_RECORDS: &[PodRecords] = &[
    PodRecords { name: "no set, 1 container", sets: 0, past: Past::Created },
    PodRecords { name: "1 set, 1 sidecar, 2 containers", sets: 1, past: Past::Created },
    PodRecords { name: "1 set, 1 sidecar, 2 containers, upgraded", sets: 1, past: Past::Upgraded },
    PodRecords { name: "3 sets, 3 sidecars, 4 containers", sets: 3, past: Past::Created },
];

/// How many of them there are.
pub const POD_COUNT: usize = 10_000;

/// How many of them have the labels of one workload.
const REPLICAS: usize = 20;

/// Returns the bytes that are kept of each Pod, given how many are allocated: its record, its places in the index, and its
/// share of what is kept once. The times of each Pod are its own, and it was shown to the index once.
pub(super) fn bytes_per_pod(kind: &PodRecords, allocated: impl Fn() -> usize) -> u64 {
    let before = allocated();
    let mut index = PodIndex::default();
    for set in carried(kind.sets) {
        index.add_set(&set.name);
    }
    index.begin_list();
    for at in 0..POD_COUNT {
        show(&mut index, &pod(kind, at));
    }
    index.finish_list();
    ((allocated() - before) / POD_COUNT) as u64
}

fn show(index: &mut PodIndex, text: &str) {
    let pod = lite(text);
    index.observe(pod.observed(), Monotonic::START);
    // In the index's first version of the selection, of which nothing is out of date.
    index.place(pod.observed(), &[], 0);
}

fn pod(kind: &PodRecords, at: usize) -> String {
    let workload = at / REPLICAS;
    let mut pod = running(&format!("web-5d5f8b{workload:04}-{at:05}"), &carried(kind.sets), vec![container(0, 4)]);
    pod["metadata"]["uid"] = format!("705ab4f5-6393-41e8-b7cc-{at:012}").into();
    pod["metadata"]["labels"]["pod-template-hash"] = format!("5d5f8b{workload:04}").into();
    if kind.past == Past::Upgraded {
        pod["metadata"]["annotations"]["kruise.io/sidecarset-inplace-update-state"] = upgrades(kind.sets).into();
    }
    // Each in a minute of its own, so that no two Pods share a time.
    let minute = format!("2026-01-{:02}T{:02}:{:02}:", 1 + at / 1440, at / 60 % 24, at % 60);
    pod.to_string().replace("2026-01-01T00:00:", &minute)
}

fn upgrades(sets: usize) -> String {
    let states = carried(sets).into_iter().map(|set| {
        let container = &*set.containers[0].name;
        let state = json!({
            "revision": &*set.hashes.full, "updateTimestamp": "2026-01-01T00:00:09Z",
            "lastContainerStatuses": {container: {"imageID": format!("{}@sha256:{:064}", set.containers[0].image, 3)}},
        });
        (set.name.to_string(), state)
    });
    Value::Object(states.collect()).to_string()
}
