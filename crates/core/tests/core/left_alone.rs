//! Pods that are broken and that the rollout leaves alone.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold};

/// A Pod whose upgrade to an earlier image is over, or not, and that is broken now.
fn broken() -> PodBuilder {
    let before = pod("a", &sidecar_set().build());
    let second = sidecar_set().image("agent:v2").build();
    before.clone().patched(&before.upgrade_to(&second)).not_ready()
}

fn upgraded_beside(broken: &PodBuilder, set: &CanonicalSet, hold: Hold) -> Vec<String> {
    let pods: Vec<PodRecord> = [broken, &pod("b", &sidecar_set().build())].map(PodBuilder::build).into();
    let plan = rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now());
    assert_eq!(plan.holds.get(&pods[0].key), Some(&hold));
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name().to_owned()).collect()
}

#[test]
fn a_broken_pod_that_the_selector_leaves_out_keeps_no_other_one_waiting() {
    let set = sidecar_set().image("agent:v3");
    let set =
        set.strategy("selector", json!({"matchExpressions": [{"key": "out", "operator": "DoesNotExist"}]})).build();
    let out = |pod: PodBuilder| pod.label("out", "true");

    assert_eq!(upgraded_beside(&out(broken()), &set, Hold::NotSelected), ["b"]);
    assert_eq!(upgraded_beside(&out(broken().caught_up()), &set, Hold::NotSelected), ["b"]);
}

#[test]
fn a_broken_pod_that_the_partition_keeps_keeps_no_other_one_waiting() {
    let weights = json!({"weightPriority": [{"weight": 1, "matchSelector": {"matchLabels": {"late": "no"}}}]});
    let set = sidecar_set().image("agent:v3").strategy("partition", 1).strategy("priorityStrategy", weights).build();
    let pods = [broken(), pod("b", &sidecar_set().build()).label("late", "no")].map(|pod| pod.build());

    let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());

    assert_eq!(plan.holds.get(&pods[0].key), Some(&Hold::Partition));
    assert_eq!(plan.upgrades.len(), 1);
}

#[test]
fn a_pod_that_the_kubelet_is_about_to_restart_is_waited_for_even_if_it_is_left_out() {
    let set = sidecar_set().image("agent:v3");
    let set =
        set.strategy("selector", json!({"matchExpressions": [{"key": "out", "operator": "DoesNotExist"}]})).build();

    assert_eq!(upgraded_beside(&broken().ready().label("out", "true"), &set, Hold::NotSelected), Vec::<String>::new());
}
