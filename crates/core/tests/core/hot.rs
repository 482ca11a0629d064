//! Upgrades of sidecars for which two containers stand.

#[path = "hot/failure.rs"]
mod failure;
#[path = "hot/pod.rs"]
mod pod;
#[path = "hot/shape.rs"]
mod shape;
#[path = "hot/world.rs"]
mod world;

use crate::build::{SetBuilder, now, sidecar_set};
use pod::{HotPod, Kubelet};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold, Plan};
use sidecarset_core::status;

fn hot(name: &str, image: &str) -> Value {
    let strategy = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"});
    json!({"name": name, "image": image, "upgradeStrategy": strategy})
}

fn envoy(image: &str) -> SetBuilder {
    sidecar_set().spec("containers", json!([hot("envoy", image)])).version(5000)
}

fn set(image: &str) -> CanonicalSet {
    envoy(image).build()
}

fn plan_all(set: &CanonicalSet, pods: &[&HotPod]) -> Plan {
    let pods: Vec<PodRecord> = pods.iter().map(|pod| pod.build()).collect();
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now())
}

fn plan(set: &CanonicalSet, pod: &HotPod) -> Plan {
    plan_all(set, &[pod])
}

fn hold(set: &CanonicalSet, pod: &HotPod) -> Option<Hold> {
    let plan = plan(set, pod);
    assert_eq!((plan.upgrades.len(), plan.flips.len()), (0, 0), "{plan:?}");
    plan.holds.into_values().next()
}

/// Writes the first step.
fn upgrade(pod: &mut HotPod, set: &CanonicalSet) -> Value {
    let plan = plan(set, pod);
    assert_eq!((plan.upgrades.len(), plan.flips.len()), (1, 0), "{plan:?}");
    pod.write(&plan.upgrades[0], set)
}

/// Writes the second step.
fn flip(pod: &mut HotPod, set: &CanonicalSet) -> Value {
    let plan = plan(set, pod);
    assert_eq!((plan.upgrades.len(), plan.flips.len()), (0, 1), "{plan:?}");
    pod.write(&plan.flips[0], set)
}

fn images(pod: &HotPod) -> (&str, &str) {
    (pod.image("envoy-1"), pod.image("envoy-2"))
}

/// A Pod whose second container was to take over with `image`, and has not started.
fn stuck_at(image: &str) -> HotPod {
    let mut pod = HotPod::new("a", &set("envoy:v1"));
    upgrade(&mut pod, &set(image));
    pod.kubelet("envoy-2", Kubelet::Starts);
    pod
}

/// A Pod whose second container is ready to take over with `image`.
fn handed_over_to(image: &str) -> HotPod {
    let mut pod = stuck_at(image);
    pod.all_run();
    pod
}

#[test]
fn the_container_that_waits_gets_the_new_image_and_both_learn_of_its_version() {
    let set = set("envoy:v2");
    let mut pod = HotPod::new("a", &self::set("envoy:v1"));

    let patch = upgrade(&mut pod, &set);

    assert_eq!(patch["spec"], json!({"containers": [{"name": "envoy-2", "image": "envoy:v2"}]}));
    let mut annotations = patch["metadata"]["annotations"].as_object().unwrap().clone();
    let hash = annotations.remove("kruise.io/sidecarset-hash").unwrap();
    assert!(hash.as_str().unwrap().contains(&*set.hashes.full) && hash.as_str().unwrap().contains(r#"["envoy"]"#));
    let state = annotations.remove("kruise.io/sidecarset-inplace-update-state").unwrap();
    assert!(state.as_str().unwrap().ends_with(r#""lastContainerStatuses":{"envoy-2":{"imageID":"sha256:empty:1"}}}}"#));
    assert_eq!(
        Value::from(annotations),
        json!({
            "kruise.io/sidecarset-working-hotupgrade-container": r#"{"envoy":"envoy-2"}"#,
            "version.sidecarset.kruise.io/envoy-2": "5000",
            "versionalt.sidecarset.kruise.io/envoy-2": "1",
            "versionalt.sidecarset.kruise.io/envoy-1": "5000",
        })
    );
}

#[test]
fn the_container_before_goes_on_until_the_new_one_is_ready() {
    let set = set("envoy:v2");
    let mut pod = HotPod::new("a", &self::set("envoy:v1"));
    upgrade(&mut pod, &set);

    assert_eq!(hold(&set, &pod), Some(Hold::HandOver));
    pod.kubelet("envoy-2", Kubelet::Starts);
    assert_eq!(hold(&set, &pod), Some(Hold::HandOver));
    pod.kubelet("envoy-2", Kubelet::Runs);
    assert_eq!(plan(&set, &pod).flips.len(), 1);
}

#[test]
fn once_the_new_container_is_ready_the_one_before_waits_and_the_hashes_stay() {
    let mut pod = handed_over_to("envoy:v2");

    let patch = flip(&mut pod, &set("envoy:v2"));

    assert_eq!(patch["spec"], json!({"containers": [{"name": "envoy-1", "image": "empty:1"}]}));
    let mut annotations = patch["metadata"]["annotations"].as_object().unwrap().clone();
    let state = annotations.remove("kruise.io/sidecarset-inplace-update-state").unwrap();
    assert!(state.as_str().unwrap().contains(r#""envoy-1":{"imageID":"sha256:envoy:v1"}"#), "{state}");
    assert_eq!(
        Value::from(annotations),
        json!({"version.sidecarset.kruise.io/envoy-1": "0", "versionalt.sidecarset.kruise.io/envoy-2": "0"})
    );
}

#[test]
fn a_pod_is_ready_when_one_container_works_and_the_kubelet_has_put_the_other_one_to_rest() {
    let set = set("envoy:v2");
    let mut pod = handed_over_to("envoy:v2");

    assert!(!rollout::is_ready(&set, &pod.build()), "both have an image to work with");
    flip(&mut pod, &set);
    assert!(!rollout::is_ready(&set, &pod.build()), "the kubelet has not done it");
    pod.kubelet("envoy-1", Kubelet::Runs);
    assert!(rollout::is_ready(&set, &pod.build()));
    assert_eq!(plan(&set, &pod), Plan::default());
}

#[test]
fn the_next_upgrade_goes_the_other_way() {
    let mut pod = handed_over_to("envoy:v2");
    flip(&mut pod, &set("envoy:v2"));
    pod.all_run();

    upgrade(&mut pod, &envoy("envoy:v3").version(6000).build());

    assert_eq!(images(&pod), ("envoy:v3", "envoy:v2"));
    assert_eq!(pod.at_work("envoy"), "envoy-1");
    assert_eq!((pod.versions("envoy-1"), pod.versions("envoy-2")), ((6000, 5000), (5000, 6000)));
}

#[test]
fn a_version_grows_even_if_that_of_the_set_does_not() {
    let mut pod = handed_over_to("envoy:v2");
    flip(&mut pod, &set("envoy:v2"));
    pod.all_run();

    upgrade(&mut pod, &envoy("envoy:v3").version(12).build());

    assert_eq!(pod.versions("envoy-1"), (5001, 5000));
}

#[test]
fn a_third_image_replaces_the_container_that_never_became_ready() {
    let mut pod = stuck_at("envoy:bad");

    upgrade(&mut pod, &envoy("envoy:v3").version(6000).build());

    assert_eq!(images(&pod), ("envoy:v1", "envoy:v3"));
    assert_eq!(pod.at_work("envoy"), "envoy-2");
    assert_eq!((pod.versions("envoy-1"), pod.versions("envoy-2")), ((1, 6000), (6000, 1)));
}

#[test]
fn a_third_image_waits_for_the_end_of_a_hand_over_that_succeeded() {
    let third = set("envoy:v3");
    let mut pod = handed_over_to("envoy:v2");

    flip(&mut pod, &third);
    assert_eq!(images(&pod), ("empty:1", "envoy:v2"));
    assert_eq!(hold(&third, &pod), Some(Hold::InFlight));
    pod.all_run();
    upgrade(&mut pod, &third);

    assert_eq!(images(&pod), ("envoy:v3", "envoy:v2"));
}

#[test]
fn the_way_back_from_a_container_that_never_became_ready_is_one_write() {
    let mut pod = stuck_at("envoy:bad");

    let patch = upgrade(&mut pod, &set("envoy:v1"));

    assert_eq!(patch["spec"], json!({"containers": [{"name": "envoy-2", "image": "empty:1"}]}));
    assert_eq!(pod.at_work("envoy"), "envoy-1");
    assert_eq!((pod.versions("envoy-1"), pod.versions("envoy-2")), ((1, 0), (0, 1)));
    pod.all_run();
    assert!(rollout::is_ready(&set("envoy:v1"), &pod.build()) && rollout::is_updated(&set("envoy:v1"), &pod.build()));
    assert_eq!(plan(&set("envoy:v1"), &pod), Plan::default());
}

#[test]
fn the_way_back_from_a_container_that_took_over_is_a_hot_upgrade() {
    let first = set("envoy:v1");
    let mut pod = handed_over_to("envoy:v2");

    flip(&mut pod, &first);
    pod.all_run();
    upgrade(&mut pod, &first);
    assert_eq!(images(&pod), ("envoy:v1", "envoy:v2"));
    pod.all_run();
    flip(&mut pod, &first);

    assert_eq!(images(&pod), ("envoy:v1", "empty:1"));
    assert_eq!(pod.at_work("envoy"), "envoy-1");
}

#[test]
fn a_pod_that_kruise_left_with_a_broken_container_at_work_is_freed() {
    let first = set("envoy:v1");
    let hash = HotPod::new("a", &first).annotation("kruise.io/sidecarset-hash").to_owned();
    let mut pod = stuck_at("envoy:bad").annotated("kruise.io/sidecarset-hash", hash);

    flip(&mut pod, &first);

    assert_eq!(images(&pod), ("envoy:v1", "empty:1"));
    assert_eq!(pod.at_work("envoy"), "envoy-1");
}

#[test]
fn pods_in_the_middle_of_a_hot_upgrade_spend_the_budget() {
    let (second, third) = (set("envoy:v2"), set("envoy:v3"));
    let other = HotPod::new("b", &set("envoy:v1"));
    let held = |set: &CanonicalSet, middle: &HotPod| plan_all(set, &[middle, &other]).held(Hold::BudgetSpent);
    let mut pod = stuck_at("envoy:v2");

    assert_eq!(held(&second, &pod), 1, "it has not started");
    pod.all_run();
    assert_eq!(held(&second, &pod), 1, "it has taken over");
    assert_eq!(held(&third, &pod), 1, "it has taken over, and is outdated again");
    flip(&mut pod, &second);
    assert_eq!(held(&third, &pod), 1, "the kubelet has not finished");
    pod.all_run();
    assert_eq!(held(&second, &pod), 0);
    assert_eq!(plan_all(&third, &[&pod, &other]).upgrades.len(), 1);
}

#[test]
fn what_was_begun_is_ended_whatever_partition_selector_and_budget_say() {
    let nobody = json!({"matchLabels": {"canary": "yes"}});
    for strategy in [("partition", json!("100%")), ("selector", nobody), ("maxUnavailable", json!(0))] {
        for image in ["envoy:v2", "envoy:v3"] {
            let set = envoy(image).strategy(strategy.0, strategy.1.clone()).build();

            assert_eq!(plan(&set, &handed_over_to("envoy:v2")).flips.len(), 1, "{strategy:?}");
        }
    }
}

#[test]
fn a_pause_stops_a_hot_upgrade_half_way_and_the_status_says_so() {
    for (member, value, reason) in [("paused", json!(true), "Paused"), ("type", json!("NotUpdate"), "NotUpdate")] {
        let set = envoy("envoy:v2").strategy(member, value).build();
        let pod = handed_over_to("envoy:v2");
        let record = pod.build();

        let plan = plan(&set, &pod);
        let status = status::summarize(&set, &[&record], &plan, None, now());

        assert!(plan.flips.is_empty());
        assert_eq!((status.updated_pods, status.ready_pods), (1, 0));
        assert_eq!(status.conditions[1].reason, reason);
    }
}

#[test]
fn the_status_says_what_a_hot_upgrade_waits_for() {
    let set = set("envoy:v2");
    let pod = stuck_at("envoy:v2");
    let record = pod.build();

    let status = status::summarize(&set, &[&record], &plan(&set, &pod), None, now());

    assert_eq!(status.conditions[1].reason, "WaitingForPods");
    assert_eq!(
        status.conditions[1].message,
        "1 of 1 pods are updated; 1 waits for the new container of a hot upgrade to be ready; 1 upgraded pod is not \
         ready: shop/a"
    );
}

#[test]
fn a_container_of_a_pair_that_fails_degrades_the_set() {
    let set = set("envoy:v2");
    let record = stuck_at("envoy:v2").build();

    let status = status::summarize(&set, &[&record], &rollout::plan(&set, &[&record], now()), None, now());

    assert_eq!((status.failing_pods[0].reason.as_str(), status.failing_pods[0].count), ("ImagePullBackOff", 1));
    assert_eq!(status.conditions[2].message, "1 pod fails to pull envoy:v2 (shop/a): ImagePullBackOff");
}

#[test]
fn hot_and_cold_sidecars_are_upgraded_in_one_write() {
    let mixed = |version: &str| {
        let native = json!({"restartPolicy": "Always"});
        let mut mesh = hot("mesh", &format!("mesh:{version}"));
        mesh.as_object_mut().unwrap().extend(native.as_object().unwrap().clone());
        let agent = json!({"name": "agent", "image": format!("agent:{version}")});
        let containers = json!([agent, hot("envoy", &format!("envoy:{version}"))]);
        sidecar_set().spec("containers", containers).spec("initContainers", json!([mesh])).build()
    };
    let mut pod = HotPod::new("a", &mixed("v1"));

    let first = upgrade(&mut pod, &mixed("v2"));
    pod.kubelet("mesh-2", Kubelet::Runs);
    let second = flip(&mut pod, &mixed("v2"));

    assert_eq!(
        first["spec"],
        json!({
            "containers": [{"name": "agent", "image": "agent:v2"}, {"name": "envoy-2", "image": "envoy:v2"}],
            "initContainers": [{"name": "mesh-2", "image": "mesh:v2"}],
        })
    );
    assert_eq!(second["spec"], json!({"initContainers": [{"name": "mesh-1", "image": "empty:1"}]}));
    assert_eq!(hold(&mixed("v2"), &pod), Some(Hold::HandOver), "envoy has not taken over");
}

#[test]
fn an_application_that_is_not_ready_does_not_keep_both_containers_at_work() {
    let mut pod = handed_over_to("envoy:v2");

    pod.kubelet("main", Kubelet::Starts);

    assert_eq!(plan(&set("envoy:v2"), &pod).flips.len(), 1);
}

#[test]
fn annotations_of_the_set_are_written_with_the_definition_alone() {
    let entries = json!([{"annotations": {"note": "new"}, "patchPolicy": "Retain"}]);
    let set = envoy("envoy:v2").spec("patchPodMetadata", entries).build();
    let mut pod = HotPod::new("a", &self::set("envoy:v1"));

    let mut first = plan(&set, &pod).upgrades.remove(0);
    assert!(first.reads_annotations(&set));
    first.annotate(&set, &pod.annotations()).unwrap();
    pod.write(&first, &set);
    pod.all_run();
    let mut second = plan(&set, &pod.clone().annotated("note", Value::Null)).flips.remove(0);
    assert!(!second.reads_annotations(&set));
    second.annotate(&set, &pod.annotations()).unwrap();

    assert_eq!(pod.annotation("note"), "new");
    assert_eq!(second.patch(&set, &pod.build(), now())["metadata"]["annotations"].get("note"), None);
}

#[test]
fn a_set_whose_image_is_the_empty_one_comes_to_rest() {
    let set = set("empty:1");
    let mut pod = HotPod::new("a", &self::set("envoy:v1"));

    upgrade(&mut pod, &set);
    flip(&mut pod, &set);
    pod.all_run();

    assert_eq!(images(&pod), ("empty:1", "empty:1"));
    assert_eq!(plan(&set, &pod), Plan::default());
}
