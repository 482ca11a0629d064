//! A whole look at a set whose Pods and status say anything: what is decided can be written, and nothing panics.

use super::mutation::mutated;
use crate::build::{SetBuilder, now, pod, sidecar_set};
use crate::trials::trials;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::event::{Narrator, Subject};
use sidecarset_core::record::{Interner, ObservedPod, PodRecord};
use sidecarset_core::rollout;
use sidecarset_core::status;
use sidecarset_core::upgradable::{of_matched, of_stranger};
use std::time::Duration;

/// Reads a part of an object as the operator does: one that cannot be read says nothing.
fn part<T: Default + DeserializeOwned>(object: &Value, member: &str) -> T {
    serde_json::from_value(object[member].clone()).unwrap_or_default()
}

fn record(pod: &Value, interner: &mut Interner) -> Option<PodRecord> {
    let metadata: ObjectMeta = part(pod, "metadata");
    let (spec, status) = (part(pod, "spec"), part(pod, "status"));
    PodRecord::read(ObservedPod { metadata: &metadata, spec: &spec, status: &status }, interner)
}

/// The sets that are looked at: each asks for something else that depends on the Pods.
fn sets() -> Vec<Value> {
    let new = || sidecar_set().image("agent:v2").metadata("uid", "uid-1");
    let hot = json!([
        {"name": "agent", "image": "agent:v2", "upgradeStrategy": {
            "upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:v1"}},
    ]);
    let judged = |set: SetBuilder| {
        set.strategy("failureThreshold", 1).strategy("progressDeadlineSeconds", 60).strategy("onFailure", "Rollback")
    };
    let resized = json!([{"name": "agent", "image": "agent:v2", "resources": {"requests": {"cpu": "2"}}}]);
    vec![
        new().source(),
        judged(new().strategy("maxUnavailable", "50%")).source(),
        judged(new().spec("containers", hot)).source(),
        new().spec("containers", resized).strategy("resources", "InPlace").source(),
        new().strategy("partition", i32::MAX).source(),
        new().strategy("scatterStrategy", json!([{"key": "app", "value": "nginx"}])).source(),
        new().strategy("priorityStrategy", json!({"orderPriority": [{"orderedKey": "app"}]})).source(),
    ]
}

/// Pods as they are in the course of a rollout.
fn pods() -> Vec<(String, Value)> {
    let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
    let before = pod("a", &old);
    let upgraded = before.clone().patched(&before.upgrade_to(&new));
    let told = json!([
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"},
        {"type": "SidecarSetUpgradable", "status": "False", "message": "{\"log-sc\":false,\"gone\":true}"},
        {"type": "PodResizePending", "status": "True", "reason": "Deferred"},
    ]);
    let crashed = json!({"terminated": {
        "exitCode": 1, "startedAt": "2026-01-02T03:03:00Z", "finishedAt": "2026-01-02T03:03:05Z"}});
    let crashes = upgraded.clone().member("/status/containerStatuses/0", "lastState", crashed);
    let hot = upgraded
        .clone()
        .annotation("kruise.io/sidecarset-working-hotupgrade-container", "{\"agent\":\"agent-1\"}")
        .annotation("version.sidecarset.kruise.io/agent-1", "1")
        .set("/spec/containers/0/name", "agent-1")
        .set("/status/containerStatuses/0/name", "agent-1");
    let pods =
        [before.clone(), upgraded.clone().caught_up(), upgraded, crashes, hot, before.set("/status/conditions", told)];
    pods.iter().map(|pod| (String::new(), pod.source(""))).collect()
}

fn statuses() -> Vec<(String, Value)> {
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "Upgrading", "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:05Z",
        })
    };
    let status = json!({
        "observedGeneration": 3, "matchedPods": 2, "updatedPods": 1, "readyPods": 1, "collisionCount": 2,
        "latestRevision": "log-sc-1", "completedRevision": "log-sc-1",
        "failure": {
            "generation": 3, "revision": "log-sc-1", "failedPods": 1, "time": "2026-01-01T00:00:05Z",
            "rollbackRevision": "log-sc-2", "message": "m",
        },
        "failingPods": [{"reason": "CrashLoopBackOff", "count": 1}],
        "conditions": [condition("Ready"), condition("Progressing"), condition("Degraded"), condition("Injecting")],
    });
    vec![(String::new(), status)]
}

/// Holds if everything that is decided at a look can be written and read again.
fn look_holds(set: &Value, pods: &[Value], status: Option<&SidecarSetStatus>, now: Seconds) {
    let mut object = set.clone();
    if let Some(members) = object.as_object_mut() {
        members.insert("status".to_owned(), json!(status));
    }
    let Ok(source) = serde_json::from_value(object) else { return };
    let mut catalog = Catalog::default();
    let Entry::Valid(set) = catalog.put_set(&source) else { return };
    let mut interner = Interner::default();
    let records: Vec<PodRecord> = pods.iter().filter_map(|pod| record(pod, &mut interner)).collect();
    let matched: Vec<&PodRecord> = records.iter().collect();

    let evaluation = catalog.evaluate_failure(&set, &matched, status, now);
    let target = evaluation.set.effective();
    let plan = rollout::plan(target, &matched, now);
    let summary = status::summarize(&evaluation.set, &matched, &plan, status, now);

    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<SidecarSetStatus>(&text).unwrap(), summary);
    let subject = Subject::Set { name: "log-sc".into(), uid: None };
    assert!(Narrator::default().tell(&subject, status, &summary).iter().all(|event| !event.reason.is_empty()));
    let wait = evaluation.next.map(|next| next.since(now)).into_iter().chain(plan.recheck_after).max();
    assert!(wait.unwrap_or_default() < Duration::from_secs(400_000_000_000));
    for step in plan.upgrades.iter().chain(&plan.flips) {
        let pod = matched.iter().find(|pod| pod.key == step.pod).unwrap();
        assert!(step.patch(target, pod, now)["metadata"]["resourceVersion"].is_string());
    }
    for pod in &matched {
        let changes = [of_matched(target, pod, plan.holds.get(&pod.key).copied()), of_stranger("log-sc", pod)];
        assert!(changes.into_iter().flatten().all(|change| change.patch(pod, now)["status"].is_object()));
    }
}

fn moments() -> impl Strategy<Value = Seconds> {
    let extremes =
        vec![Seconds::EARLIEST, Seconds::EPOCH, now(), now().after(Duration::from_secs(3600)), Seconds::LATEST];
    select(extremes)
}

#[test]
fn a_look_at_each_pod_holds_before_anything_of_it_is_changed() {
    let pods: Vec<Value> = pods().into_iter().map(|(_, pod)| pod).collect();
    let status = statuses().into_iter().map(|(_, status)| serde_json::from_value(status).unwrap()).next();
    for set in sets() {
        let entry = Catalog::default().put_set(&serde_json::from_value(set.clone()).unwrap());
        assert!(matches!(entry, Entry::Valid(_)), "{entry:?}");
        look_holds(&set, &pods, status.as_ref(), now());
    }
}

proptest! {
    #![proptest_config(trials(256))]

    #[test]
    fn any_pods_and_any_status_are_looked_at(
        set in select(sets()),
        pods in prop::collection::vec(mutated(pods()), 1..4),
        status in prop::option::of(mutated(statuses())),
        now in moments(),
    ) {
        let status = status.map(|status| serde_json::from_value(status).unwrap_or_default());
        look_holds(&set, &pods, status.as_ref(), now);
    }

    #[test]
    fn any_set_is_looked_at(set in mutated(sets().into_iter().map(|set| (String::new(), set)).collect()), now in moments()) {
        let pods: Vec<Value> = pods().into_iter().map(|(_, pod)| pod).collect();
        look_holds(&set, &pods, None, now);
    }
}
