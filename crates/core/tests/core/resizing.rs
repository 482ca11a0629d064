//! Cpu and memory that change in running Pods.

use crate::build::{PodBuilder, SetBuilder, now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold, Plan, Step};
use sidecarset_core::status;

const BEFORE: &str = "100m";
const AFTER: &str = "200m";

/// A set whose sidecar asks for that much cpu, and changes it in place.
fn asking_for(cpu: &str) -> SetBuilder {
    with_agent(&json!({"name": "agent", "image": "agent:v1", "resources": {"requests": {"cpu": cpu}}}))
}

fn with_agent(agent: &Value) -> SetBuilder {
    sidecar_set().spec("containers", json!([agent])).strategy("resources", "InPlace")
}

/// The set after its cpu was changed.
fn changed() -> CanonicalSet {
    asking_for(AFTER).after(&asking_for(BEFORE))
}

/// A Pod from before the change.
fn old(name: &str) -> PodBuilder {
    let resources = json!({"requests": {"cpu": BEFORE}});
    pod(name, &asking_for(BEFORE).build()).member("/spec/containers/0", "resources", resources)
}

/// The Pod once the API server has taken the change.
fn taken(name: &str) -> PodBuilder {
    old(name).set("/spec/containers/0/resources/requests/cpu", AFTER)
}

fn plan(set: &CanonicalSet, pods: &[PodBuilder]) -> Plan {
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now())
}

fn steps(plan: &Plan) -> Vec<(String, Step)> {
    plan.upgrades.iter().map(|upgrade| (upgrade.pod.name().to_owned(), upgrade.step)).collect()
}

fn holds(plan: &Plan) -> Vec<(String, Hold)> {
    plan.holds.iter().map(|(pod, hold)| (pod.name().to_owned(), *hold)).collect()
}

#[test]
fn without_being_asked_for_other_amounts_wait_for_a_new_pod() {
    let lazy = |cpu: &str| asking_for(cpu).strategy("resources", "OnRecreate");

    let plan = plan(&lazy(AFTER).after(&lazy(BEFORE)), &[old("a")]);

    assert_eq!(holds(&plan), [("a".to_owned(), Hold::NeedsNewPod)]);
}

#[test]
fn the_first_step_changes_the_amounts_and_nothing_else() {
    let patch = old("a").upgrade_to(&changed());

    assert_eq!(
        patch,
        json!({
            "metadata": {"uid": "uid-a", "resourceVersion": "7"},
            "spec": {"containers": [{"name": "agent", "resources": {"requests": {"cpu": "200m"}}}]},
        })
    );
}

// Nothing on the Pod says that it served before the first step.
#[test]
fn a_pod_that_the_first_step_has_restarted_counts_until_it_is_ready_again() {
    let set = changed();

    let started = json!({"running": {"startedAt": "2026-01-02T03:04:01Z"}});
    let restarted =
        taken("a").condition(false, "2026-01-02T03:04:00Z").set("/status/containerStatuses/0/state", started);
    let both = restarted.clone().patched(&restarted.upgrade_to(&set));

    assert!(rollout::counts_as_unavailable(&set, &both.build(), now()));
    assert!(!rollout::counts_as_unavailable(&set, &both.ready().build(), now()));
}

#[test]
fn the_second_step_records_the_definition_once_the_kubelet_has_done_the_first() {
    let set = changed();

    let patch = taken("a").upgrade_to(&set);

    let recorded = |annotation: &str| {
        let text = patch["metadata"]["annotations"][annotation].as_str().unwrap();
        serde_json::from_str::<Value>(text).unwrap()["log-sc"]["hash"].clone()
    };
    assert_eq!(recorded("kruise.io/sidecarset-hash"), *set.hashes.full);
    assert_eq!(recorded("kruise.io/sidecarset-hash-without-image"), *set.hashes.without_image);
    assert_eq!(plan(&set, &[taken("a").patched(&patch)]), Plan::default());
}

#[test]
fn an_image_comes_after_the_amounts() {
    let agent = json!({"name": "agent", "image": "agent:v2", "resources": {"requests": {"cpu": AFTER}}});
    let set = with_agent(&agent).after(&asking_for(BEFORE));

    let first = old("a").upgrade_to(&set);
    let resized = old("a").patched(&first);
    let second = resized.upgrade_to(&set);

    assert_eq!(first["spec"]["containers"], json!([{"name": "agent", "resources": {"requests": {"cpu": "200m"}}}]));
    assert_eq!(second["spec"]["containers"], json!([{"name": "agent", "image": "agent:v2"}]));
    assert!(!rollout::is_updated(&set, &resized.build()), "a Pod that is half way is not updated");
}

#[test]
fn a_pod_waits_until_the_kubelet_has_changed_the_amounts_and_spends_the_budget() {
    let in_progress = taken("a").resizing("PodResizeInProgress", "");
    let unseen = taken("a").member("/metadata", "generation", 2).member("/status", "observedGeneration", 1);

    for busy in [in_progress, unseen] {
        let plan = plan(&changed(), &[busy, old("b")]);

        assert_eq!(holds(&plan), [("a".to_owned(), Hold::Resizing), ("b".to_owned(), Hold::BudgetSpent)]);
    }
}

#[test]
fn a_pod_without_room_on_its_node_keeps_no_other_one_waiting() {
    let plan = plan(&changed(), &[taken("a").resizing("PodResizePending", "Deferred"), old("b")]);

    assert_eq!(holds(&plan), [("a".to_owned(), Hold::ResizeDeferred)]);
    assert_eq!(steps(&plan), [("b".to_owned(), Step::Resize)]);
}

#[test]
fn amounts_that_no_node_can_give_stop_like_an_image_that_never_starts() {
    let plan = plan(&changed(), &[taken("a").resizing("PodResizePending", "Infeasible"), old("b")]);

    assert_eq!(holds(&plan), [("a".to_owned(), Hold::ResizeInfeasible), ("b".to_owned(), Hold::BudgetSpent)]);
}

#[test]
fn amounts_that_the_kubelet_fails_to_change_are_told_and_spend_the_budget() {
    let failing = || taken("a").resizing("PodResizeInProgress", "Error");

    let plan = plan(&changed(), &[failing(), old("b")]);

    assert_eq!(holds(&plan), [("a".to_owned(), Hold::ResizeFailing), ("b".to_owned(), Hold::BudgetSpent)]);
    let record = failing().build();
    let set = changed();
    let status = status::summarize(&set, &[&record], &rollout::plan(&set, &[&record], now()), None, now());
    let told = |kind: &str| status.conditions.iter().find(|it| it.type_ == kind).map(|it| (&*it.status, &*it.reason));
    assert_eq!(told("Progressing"), Some(("True", "ResizeFailing")));
    assert_eq!(told("Degraded"), Some(("True", "ResizeFailing")));
}

#[test]
fn other_amounts_free_a_pod_whose_node_cannot_give_those_before() {
    let stuck = taken("a").resizing("PodResizePending", "Infeasible");
    let set = asking_for("150m").after(&asking_for(BEFORE));

    assert_eq!(steps(&plan(&set, &[stuck])), [("a".to_owned(), Step::Resize)]);
}

#[test]
fn a_change_that_is_taken_back_is_taken_back_in_the_pods_that_had_it_already() {
    let half_way = taken("a").resizing("PodResizePending", "Infeasible");
    let set = asking_for(BEFORE).after(&asking_for(AFTER));

    let patch = half_way.upgrade_to(&set);

    assert!(!rollout::is_updated(&set, &half_way.build()), "what is recorded is not all");
    assert_eq!(patch["spec"]["containers"], json!([{"name": "agent", "resources": {"requests": {"cpu": "100m"}}}]));
    assert_eq!(plan(&set, &[half_way.patched(&patch)]), Plan::default());
}

#[test]
fn amounts_that_change_with_something_else_wait_for_a_new_pod() {
    let agent = json!({
        "name": "agent", "image": "agent:v1", "resources": {"requests": {"cpu": AFTER}}, "env": [{"name": "A"}],
    });

    let plan = plan(&with_agent(&agent).after(&asking_for(BEFORE)), &[old("a")]);

    assert_eq!(holds(&plan), [("a".to_owned(), Hold::NeedsNewPod)]);
}

#[test]
fn what_others_do_to_the_amounts_of_a_pod_that_is_updated_is_not_waited_for() {
    let set = asking_for(BEFORE).build();

    let plan = plan(&set, &[old("a").resizing("PodResizePending", "Deferred")]);

    assert_eq!(plan, Plan::default());
}

#[test]
fn both_containers_of_a_hot_upgrade_are_changed() {
    let hot = |cpu: &str| {
        with_agent(&json!({
            "name": "agent", "image": "agent:v1", "resources": {"limits": {"cpu": cpu}},
            "upgradeStrategy": {"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:v1"},
        }))
    };
    let set = hot(AFTER).after(&hot(BEFORE));
    let twin =
        |name: &str, image: &str| json!({"name": name, "image": image, "resources": {"limits": {"cpu": BEFORE}}});
    let pod = pod("a", &hot(BEFORE).build())
        .set("/spec/containers", json!([twin("agent-1", "agent:v1"), twin("agent-2", "empty:v1"), {"name": "main"}]))
        .annotation("kruise.io/sidecarset-working-hotupgrade-container", r#"{"agent":"agent-1"}"#);

    let patch = pod.upgrade_to(&set);

    let amounts = json!({"limits": {"cpu": "200m"}, "requests": {"cpu": "200m"}});
    assert_eq!(
        patch["spec"]["containers"],
        json!([{"name": "agent-1", "resources": amounts}, {"name": "agent-2", "resources": amounts}])
    );
}

#[test]
fn native_sidecars_are_changed_in_their_own_list() {
    let native = |cpu: &str| {
        let mesh = json!({
            "name": "agent", "image": "agent:v1", "restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}},
        });
        sidecar_set()
            .spec("containers", Value::Null)
            .spec("initContainers", json!([mesh]))
            .strategy("resources", "InPlace")
    };
    let (before, set) = (native(BEFORE).build(), native(AFTER).after(&native(BEFORE)));
    let hash = |hash: &str| json!({"log-sc": {"hash": hash, "sidecarList": ["agent"]}}).to_string();
    let pod = pod("a", &asking_for(BEFORE).build())
        .annotation("kruise.io/sidecarset-hash", &hash(&before.hashes.full))
        .annotation("kruise.io/sidecarset-hash-without-image", &hash(&before.hashes.without_image))
        .set("/spec/containers", json!([{"name": "main"}]))
        .member("/spec", "initContainers", json!([{"name": "agent", "image": "agent:v1", "restartPolicy": "Always"}]));

    let patch = pod.upgrade_to(&set);

    let change = json!({"name": "agent", "resources": {"requests": {"cpu": "200m"}}});
    assert_eq!(patch["spec"], json!({"initContainers": [change]}));
}

#[test]
fn the_status_says_what_is_waited_for() {
    let told = |pods: &[PodBuilder]| {
        let set = changed();
        let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
        let matched: Vec<&PodRecord> = pods.iter().collect();
        let status = status::summarize(&set, &matched, &rollout::plan(&set, &matched, now()), None, now());
        let progressing = status.conditions.into_iter().find(|condition| condition.type_ == "Progressing").unwrap();
        (progressing.status, progressing.reason)
    };
    let is = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());

    assert_eq!(told(&[taken("a").resizing("PodResizeInProgress", "")]), is("True", "Upgrading"));
    assert_eq!(told(&[taken("a").resizing("PodResizePending", "Deferred")]), is("True", "ResizeDeferred"));
    assert_eq!(told(&[taken("a").resizing("PodResizePending", "Infeasible")]), is("False", "ResizeInfeasible"));
}

#[test]
fn a_person_should_look_where_nodes_can_never_give_the_amounts() {
    let set = changed();
    let pod = taken("a").resizing("PodResizePending", "Infeasible").build();
    let status = status::summarize(&set, &[&pod], &rollout::plan(&set, &[&pod], now()), None, now());

    let degraded = status.conditions.iter().find(|condition| condition.type_ == "Degraded").unwrap();
    assert_eq!((&*degraded.status, &*degraded.reason), ("True", "ResizeInfeasible"));
    assert_eq!(degraded.message, "1 pod cannot be upgraded: the node can never give the new cpu and memory (shop/a)");
}

#[test]
fn an_unknown_way_is_refused() {
    assert_eq!(
        sidecar_set().strategy("resources", "Sometimes").violations(),
        [r#"spec.updateStrategy.resources: "Sometimes" is not one of InPlace, OnRecreate"#]
    );
}
