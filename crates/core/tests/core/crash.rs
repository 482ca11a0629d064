//! Images with which a sidecar starts, and ends again.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Plan};
use sidecarset_core::status;
use std::time::Duration;

fn plan_at(set: &CanonicalSet, pods: &[PodBuilder], now: Seconds) -> Plan {
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now)
}

fn upgrades(plan: &Plan) -> Vec<&str> {
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name()).collect()
}

/// Ready, in a run that began so many seconds after the upgrade, which was three seconds after the run before had.
fn restarted(seconds: u64, previous: &Value) -> PodBuilder {
    let old = pod("a", &sidecar_set().build());
    let new = sidecar_set().image("agent:v2").build();
    let upgraded = old.clone().patched(&old.upgrade_to(&new)).caught_up();
    let running = json!({"running": {"startedAt": now().after(Duration::from_secs(seconds))}});
    upgraded.member("/status/containerStatuses/0", "state", running).member(
        "/status/containerStatuses/0",
        "lastState",
        json!({"terminated": previous}),
    )
}

fn run(began: u64, ended: u64) -> Value {
    let at = |seconds| now().after(Duration::from_secs(seconds));
    json!({"exitCode": 1, "startedAt": at(began), "finishedAt": at(ended)})
}

#[test]
fn a_container_that_ended_and_runs_again_spends_the_budget_until_it_has_run_for_half_a_minute() {
    let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
    let pods = [restarted(4, &run(2, 3)), pod("b", &old)];
    let after = |seconds| plan_at(&new, &pods, now().after(Duration::from_secs(seconds)));

    assert_eq!(upgrades(&after(5)), Vec::<&str>::new());
    assert_eq!(after(5).recheck_after, Some(Duration::from_secs(29)));
    assert_eq!((upgrades(&after(34)), after(34).recheck_after), (vec!["b"], None));
}

#[test]
fn a_clock_that_jumped_back_holds_no_pod_for_as_long_as_it_jumped() {
    let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
    let pods = [restarted(4000, &run(3998, 3999)), pod("b", &old)];
    let before = |seconds: u64| plan_at(&new, &pods, now().after(Duration::from_secs(4000 - seconds)));

    assert_eq!(upgrades(&before(301)), ["b"]);
    // The clock of the node may be ahead.
    assert_eq!((upgrades(&before(300)), before(300).recheck_after), (vec![], Some(Duration::from_secs(30))));
}

#[test]
fn a_set_is_not_ready_while_nobody_knows_whether_its_sidecar_stays_up() {
    let new = sidecar_set().image("agent:v2").build();
    let pod = restarted(4, &run(2, 3)).build();
    let told = |seconds| {
        let now = now().after(Duration::from_secs(seconds));
        let status = status::summarize(&new, &[&pod], &rollout::plan(&new, &[&pod], now), None, now);
        let mut conditions = status.conditions.into_iter();
        conditions.find(|condition| condition.type_ == "Ready").map(|ready| (ready.status, ready.reason)).unwrap()
    };

    assert_eq!(told(5), ("False".to_owned(), "WaitingForPods".to_owned()));
    assert_eq!(told(34), ("True".to_owned(), "AllPodsReady".to_owned()));
}

#[test]
fn a_run_that_the_upgrade_ended_says_nothing_of_the_new_image() {
    let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
    let earlier = json!({"exitCode": 143, "startedAt": "2026-01-02T03:04:00Z", "finishedAt": now()});

    for before in [earlier, run(0, 1)] {
        let plan = plan_at(&new, &[restarted(2, &before), pod("b", &old)], now().after(Duration::from_secs(3)));

        assert_eq!((upgrades(&plan), plan.recheck_after), (vec!["b"], None));
    }
}

#[test]
fn an_init_container_that_runs_again_is_looked_at_once_it_has_run_for_half_a_minute() {
    let setup = json!({"name": "setup", "image": "setup:v1"});
    let set = sidecar_set().spec("initContainers", json!([setup])).build();
    let running = json!({"running": {"startedAt": now().after(Duration::from_secs(4))}});
    let status = json!({"name": "setup", "state": running, "lastState": {"terminated": run(2, 3)}});
    let pod = pod("a", &set).member("/spec", "initContainers", json!([setup])).member(
        "/status",
        "initContainerStatuses",
        json!([status]),
    );

    let plan = plan_at(&set, &[pod], now().after(Duration::from_secs(5)));

    assert_eq!(plan.recheck_after, Some(Duration::from_secs(29)));
}

#[test]
fn a_start_just_before_the_upgrade_is_none_with_the_new_image() {
    let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
    let just_started = pod("a", &old).set("/status/containerStatuses/0/state/running/startedAt", json!(now()));

    let upgraded = just_started.clone().patched(&just_started.upgrade_to(&new));

    assert!(!rollout::is_ready(&new, &upgraded.build()));
}

#[test]
fn a_start_in_the_far_future_is_no_reason_to_write_that_time() {
    for start in ["9999-12-30T22:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z"] {
        let old = pod("a", &sidecar_set().build()).set("/status/containerStatuses/0/state/running/startedAt", start);
        let new = sidecar_set().image("agent:v2").build();

        let patch = old.upgrade_to(&new);

        let written = patch["metadata"]["annotations"]["kruise.io/sidecarset-hash"].as_str().unwrap();
        assert!(written.contains("\"updateTimestamp\":\"2026-01-02T03:04:05Z\""), "{start}: {written}");
    }
}
