//! What is kept of sets and Pods that come and go, in a controller that runs on: nothing.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, in its fixtures as well")]

#[expect(dead_code, reason = "it is made for the tests of what the controller does")]
#[path = "../controller"]
mod fixtures {
    pub mod cluster;
    pub mod objects;
    pub mod permission;
    pub mod server;
}

use fixtures::cluster::Cluster;
use fixtures::objects::{pod, set};
use fixtures::server::{Kind, State};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::time::Duration;
use tokio::time::sleep;

// It counts for all threads: there is one test in this file, and those of its fixtures end before it has begun to compare.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns how many bytes are allocated and not given back.
fn kept() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

const ROUNDS: usize = 8;
const SETS: usize = 20;

/// How many bytes may be kept of a round: what a round has needed for the first time is there in the next ones.
const NOTHING: usize = 8 * 1024;

/// A set of this round, and a Pod that carries it and speaks of it in its condition.
fn named(value: &Value, name: &str) -> Value {
    serde_json::from_str(&value.to_string().replace("log-sc", name)).unwrap()
}

fn hostile(name: &str) -> Value {
    let names: Vec<String> = (0..500).map(|at| format!("{name}-{at}")).collect();
    json!({
        "metadata": {
            "name": format!("hostile-{name}"), "namespace": "shop", "uid": format!("uid-{name}"),
            "annotations": {"kruise.io/sidecarset-injected-list": names.join(",")}, "labels": {name: "", "app": "web"},
        },
        "spec": {"containers": [{"name": name, "image": name}]},
        "status": {"phase": "Running", "conditions": [
            {"type": "SidecarSetUpgradable", "status": "True", "message": format!("{{\"gone-{name}\":true}}")},
        ]},
    })
}

/// Has sets and Pods come and go that were never there before.
async fn round(cluster: &Cluster, round: usize) {
    let names: Vec<String> = (0..SETS).map(|at| format!("set-{round}-{at}")).collect();
    cluster.change(|state| {
        for name in &names {
            state.put(Kind::Sets, named(&set("agent:1", 1), name));
            let mut pod = named(&pod("pod", &set("agent:1", 1)), name);
            pod["metadata"]["name"] = format!("pod-{name}").into();
            pod["metadata"]["uid"] = format!("uid-of-pod-{name}").into();
            let told = format!("{{\"{name}\":false}}");
            let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
            conditions.push(json!({"type": "SidecarSetUpgradable", "status": "False", "message": told}));
            state.put(Kind::Pods, pod);
            state.put(Kind::Pods, hostile(name));
        }
    });
    sleep(Duration::from_secs(30)).await;
    // Half of the sets go before their Pods do, and the others after them.
    let (early, late): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.len().is_multiple_of(2));
    remove(cluster, |state| early.iter().for_each(|name| state.remove(Kind::Sets, name))).await;
    remove(cluster, |state| {
        state.objects[Kind::Pods as usize].clone().keys().for_each(|name| state.remove(Kind::Pods, name));
    })
    .await;
    remove(cluster, |state| {
        late.iter().for_each(|name| state.remove(Kind::Sets, name));
        state.objects[Kind::Revisions as usize].clone().keys().for_each(|name| state.remove(Kind::Revisions, name));
    })
    .await;
    // What the tests remember is not what is counted.
    cluster.change(|state| {
        state.writes = Vec::new();
        state.history = Vec::new();
    });
}

async fn remove(cluster: &Cluster, remove: impl FnOnce(&mut State)) {
    cluster.change(remove);
    sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn sets_and_pods_that_come_and_go_leave_nothing_behind() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]).moving_clock();
    let operator = cluster.start().await;
    let mut after = Vec::new();

    for at in 0..ROUNDS {
        round(&cluster, at).await;
        after.push(kept());
    }

    println!("{after:?}");
    let grown = after.last().unwrap().saturating_sub(after[2]);
    assert!(grown < NOTHING, "{grown} bytes more after {} rounds of {SETS} sets: {after:?}", ROUNDS - 3);
    operator.stop().await;
}
