//! Whether anything is being rolled out, so that what becomes of the Pods matters at once.

use crate::build::{now, pod, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::rollout;

fn is_at_rest(strategy: &str, value: Value) -> bool {
    let old = sidecar_set().build();
    let set = sidecar_set().image("agent:v2").strategy(strategy, value).build();
    let pods = [pod("a", &old).build(), pod("b", &old).build()];
    rollout::plan(&set, &[&pods[0], &pods[1]], now()).is_at_rest()
}

#[test]
fn a_rollout_that_goes_on_is_not_at_rest() {
    assert!(!is_at_rest("maxUnavailable", json!("100%")));
}

#[test]
fn a_rollout_that_waits_for_its_budget_is_not_at_rest() {
    assert!(!is_at_rest("maxUnavailable", json!(0)));
}

#[test]
fn a_rollout_that_waits_for_a_person_is_at_rest() {
    assert!(is_at_rest("paused", json!(true)));
    assert!(is_at_rest("partition", json!(2)));
    assert!(is_at_rest("type", json!("NotUpdate")));
}

#[test]
fn a_set_whose_pods_carry_the_present_definition_is_at_rest() {
    let set = sidecar_set().build();
    let pods = [pod("a", &set).build()];

    assert!(rollout::plan(&set, &[&pods[0]], now()).is_at_rest());
}
