//! The rules of a whole Pod, which a valid sidecar may break in a valid Pod.

#[path = "whole_pod/amounts.rs"]
mod amounts;
#[path = "whole_pod/generated.rs"]
mod generated;
#[path = "whole_pod/model.rs"]
mod model;
#[path = "whole_pod/naive.rs"]
mod naive;
#[path = "whole_pod/names.rs"]
mod names;
#[path = "whole_pod/ports.rs"]
mod ports;
#[path = "whole_pod/rights.rs"]
mod rights;
#[path = "whole_pod/volumes.rs"]
mod volumes;

use crate::build::{now, sidecar_set};
use crate::trials::trials;
use generated::Generated;
use model::{FillsIn, admitted, violations};
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::injection::{Injection, Refusal, inject};
use sidecarset_core::normalize::{CanonicalSet, normalize};
use std::sync::Arc;

/// A set named `log-sc` with these members in its spec.
fn set(members: Value) -> Arc<CanonicalSet> {
    let Value::Object(members) = members else { panic!("{members}") };
    Arc::new(members.into_iter().fold(sidecar_set(), |set, (name, value)| set.spec(&name, value)).build())
}

/// A set named `log-sc` with one container `agent` that has these members too.
fn agent(members: Value) -> Arc<CanonicalSet> {
    let Value::Object(mut container) = members else { panic!("{members}") };
    container.extend([("name".to_owned(), json!("agent")), ("image".to_owned(), json!("agent:v1"))]);
    set(json!({"containers": [container]}))
}

/// A Pod with one container `web` and these members in its spec.
fn pod(members: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "web-0"}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}});
    let Value::Object(members) = members else { panic!("{members}") };
    pod["spec"].as_object_mut().unwrap().extend(members);
    pod
}

fn misfits(set: &Arc<CanonicalSet>, pod: &Value) -> Vec<String> {
    match inject(pod, &[Arc::clone(set)], now()) {
        Ok(_) => Vec::new(),
        Err(Refusal::Misfits(misfits)) => misfits.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

fn injected(set: &Arc<CanonicalSet>, pod: &Value) -> (Value, Injection) {
    let injection = inject(pod, &[Arc::clone(set)], now()).unwrap();
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    (pod, injection)
}

fn warnings(set: &Arc<CanonicalSet>, pod: &Value) -> Vec<String> {
    injected(set, pod).1.warnings
}

fn names(pod: &Value, list: &str) -> Vec<String> {
    let containers = pod["spec"][list].as_array().into_iter().flatten();
    containers.map(|container| container["name"].as_str().unwrap().to_owned()).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn every_rule_that_is_broken_is_told_at_once() {
    let set = agent(json!({
        "securityContext": {"procMount": "Unmasked"}, "ports": [{"containerPort": 1, "hostPort": 2}],
        "resources": {"claims": [{"name": "gpu"}]},
    }));

    let refusal = inject(&pod(json!({"hostNetwork": true})), &[set], now()).unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "spec.containers[agent].resources.claims[0].name of SidecarSet log-sc: the Pod has no \"gpu\" among its \
         spec.resourceClaims; spec.containers[agent].ports[0].hostPort of SidecarSet log-sc: 2 has to be containerPort 1, \
         because the Pod has spec.hostNetwork: true; spec.containers[agent].securityContext.procMount of SidecarSet log-sc: \
         Unmasked needs a Pod with spec.hostUsers: false"
    );
}

/// What becomes of a generated Pod with a generated set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The API server would refuse the Pod as it came, or the set is none.
    Meaningless,
    Injected,
    Rejected,
}

/// Holds if the API server would accept what is injected, and refuse what is rejected.
fn outcome(seed: u64, fills_in: FillsIn) -> Outcome {
    let Generated { pod, set } = Generated::of(seed);
    let Ok(canonical) = normalize(&serde_json::from_value(set.clone()).unwrap()) else { return Outcome::Meaningless };
    let admitted = admitted(&pod, fills_in);
    if !violations(&admitted, fills_in).is_empty() {
        return Outcome::Meaningless;
    }
    match inject(&admitted, &[Arc::new(canonical)], now()) {
        Ok(injection) => {
            let mut whole = admitted.clone();
            json_patch::patch(&mut whole, &injection.patch.operations()).unwrap();
            let found = violations(&whole, fills_in);
            assert!(found.is_empty(), "seed {seed}, {fills_in:?}: {found:?}\n{pod:#}\n{set:#}");
            Outcome::Injected
        }
        Err(Refusal::Misfits(misfits)) => {
            if let Some(whole) = naive::united(&admitted, &set) {
                assert!(
                    !violations(&whole, fills_in).is_empty(),
                    "seed {seed}, {fills_in:?}: {misfits}\n{pod:#}\n{set:#}"
                );
            }
            Outcome::Rejected
        }
        Err(other) => panic!("seed {seed}: {other}"),
    }
}

proptest! {
    #![proptest_config(trials(512))]

    #[test]
    fn what_is_injected_would_be_accepted_and_what_is_rejected_would_be_refused(seed: u64) {
        outcome(seed, FillsIn::Before);
        outcome(seed, FillsIn::After);
    }
}

#[test]
fn many_generated_pods_are_injected_and_many_rejected() {
    let outcomes: Vec<Outcome> = (0..512).map(|seed| outcome(seed, FillsIn::After)).collect();
    let count = |outcome| outcomes.iter().filter(|it| **it == outcome).count();

    assert!(count(Outcome::Injected) > 40, "{}", count(Outcome::Injected));
    assert!(count(Outcome::Rejected) > 40, "{}", count(Outcome::Rejected));
}
