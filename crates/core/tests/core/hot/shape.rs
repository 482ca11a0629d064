//! Pods that a hot upgrade does not fit.

use super::pod::HotPod;
use super::{envoy, handed_over_to, hold, hot, plan_all, set, upgrade};
use crate::build::sidecar_set;
use serde_json::{Value, json};
use sidecarset_core::rollout::{self, Hold};

const WORKING: &str = "kruise.io/sidecarset-working-hotupgrade-container";

#[test]
fn another_empty_image_is_for_new_pods_alone() {
    let strategy = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:2"});
    let containers = json!([{"name": "envoy", "image": "envoy:v2", "upgradeStrategy": strategy}]);
    let set = sidecar_set().spec("containers", containers).build();
    let settled = HotPod::new("a", &self::set("envoy:v2"));

    assert_eq!(hold(&set, &settled), Some(Hold::NeedsNewPod));
    assert!(rollout::is_ready(&set, &settled.build()));
    assert_eq!(hold(&set, &handed_over_to("envoy:v2")), Some(Hold::NeedsNewPod));
    assert!(!rollout::is_ready(&set, &handed_over_to("envoy:v2").build()));
}

#[test]
fn a_pod_that_can_go_no_further_keeps_no_other_one_from_it() {
    let other_shape =
        |image: &str| envoy(image).spec("containers", json!([hot("envoy", image), hot("b", "b:1")])).build();
    let stuck = handed_over_to("envoy:v2");
    let other = HotPod::new("b", &other_shape("envoy:v2"));

    let plan = plan_all(&other_shape("envoy:v3"), &[&stuck, &other]);

    assert_eq!(plan.upgrades.len(), 1);
    assert_eq!(plan.held(Hold::NeedsNewPod), 1);
}

#[test]
fn a_pod_without_one_of_the_containers_waits_for_a_new_pod() {
    let second = set("envoy:v2");
    let pod = || HotPod::new("a", &set("envoy:v1"));

    assert_eq!(hold(&second, &pod().set("/spec/containers/0/name", "other")), Some(Hold::NeedsNewPod));
    assert_eq!(hold(&second, &pod().set("/spec/containers/1/name", "other")), Some(Hold::NeedsNewPod));
}

#[test]
fn a_pod_that_does_not_say_which_container_is_at_work_waits_for_a_new_pod() {
    for working in [Value::Null, "{}".into(), "[".into(), r#"{"envoy":"main"}"#.into(), r#"{"envoy":"envoy-3"}"#.into()]
    {
        let idle = HotPod::new("a", &set("envoy:v1")).annotated(WORKING, working.clone());
        let middle = handed_over_to("envoy:v2").annotated(WORKING, working);

        assert_eq!(hold(&set("envoy:v2"), &idle), Some(Hold::NeedsNewPod));
        assert_eq!(hold(&set("envoy:v2"), &middle), None, "it carries the present definition");
        assert_eq!(hold(&set("envoy:v3"), &middle), Some(Hold::NeedsNewPod));
    }
}

#[test]
fn the_pairs_of_other_sets_stay_as_they_are() {
    let working = r#"{"a":"main","envoy":"envoy-1"}"#;
    let mut pod = HotPod::new("a", &set("envoy:v1")).annotated(WORKING, working);

    upgrade(&mut pod, &set("envoy:v2"));

    assert_eq!(pod.annotation(WORKING), r#"{"a":"main","envoy":"envoy-2"}"#);
}

#[test]
fn a_pair_of_which_the_pod_has_no_container_is_forgotten() {
    let working = r#"{"a":"a-2","envoy":"envoy-1"}"#;
    let mut pod = HotPod::new("a", &set("envoy:v1")).annotated(WORKING, working);

    upgrade(&mut pod, &set("envoy:v2"));

    assert_eq!(pod.annotation(WORKING), r#"{"envoy":"envoy-2"}"#);
}
