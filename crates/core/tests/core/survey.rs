//! What a set would take from Pods that run already.

use crate::build::sidecar_set;
use serde_json::{Value, json};
use sidecarset_core::injection::Survey;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{ObservedSpec, OwnContainers, PodKey};
use std::sync::Arc;

fn agent(members: Value) -> Arc<CanonicalSet> {
    let Value::Object(mut container) = members else { panic!("{members}") };
    container.entry("name").or_insert_with(|| "agent".into());
    container.insert("image".to_owned(), "agent:v1".into());
    Arc::new(sidecar_set().spec("containers", json!([container])).build())
}

fn own(spec: Value) -> OwnContainers {
    OwnContainers::of(&serde_json::from_value::<ObservedSpec>(spec).unwrap())
}

/// What is told of a set among Pods named `web-0`, `web-1` and so on.
fn told(set: &Arc<CanonicalSet>, pods: &[Value]) -> Vec<String> {
    let mut survey = Survey::of(set);
    for (at, spec) in pods.iter().enumerate() {
        survey.add(&PodKey::new("shop", &format!("web-{at}")), &own(spec.clone()));
    }
    survey.warnings()
}

fn web(members: Value) -> Value {
    let Value::Object(mut container) = members else { panic!("{members}") };
    container.insert("name".to_owned(), "web".into());
    json!({"containers": [container]})
}

#[test]
fn containers_that_would_be_replaced_are_counted() {
    let set = agent(json!({"name": "web"}));
    let other = json!({"containers": [{"name": "other"}]});

    assert_eq!(
        told(&set, &[web(json!({})), other.clone(), web(json!({})), web(json!({"ports": [{"containerPort": 80}]}))]),
        ["spec.containers[web].name: replaces container web in 3 pods, such as shop/web-0"]
    );
    assert_eq!(told(&set, &[other]), [""; 0]);
}

#[test]
fn what_was_injected_is_no_container_of_the_pod() {
    let injected = json!({"env": [{"name": "A", "value": "1"}, {"name": "IS_INJECTED", "value": "true"}]});

    assert_eq!(told(&agent(json!({"name": "web"})), &[web(injected)]), [""; 0]);
}

#[test]
fn a_name_in_the_other_list_is_told_as_what_it_leads_to() {
    let native = json!([{"name": "web", "image": "i", "restartPolicy": "Always"}]);
    let set = Arc::new(sidecar_set().spec("containers", json!([])).spec("initContainers", native).build());

    assert_eq!(
        told(&set, &[web(json!({}))]),
        [
            "spec.initContainers[web].name: the Pod has a container web of its own in spec.containers: it would be rejected \
             in 1 pod, such as shop/web-0"
        ]
    );
}

#[test]
fn ports_that_are_taken_are_counted_by_name_and_by_number() {
    let set =
        agent(json!({"ports": [{"name": "http", "containerPort": 9090}, {"containerPort": 53, "protocol": "UDP"}]}));
    let http = web(json!({"ports": [{"name": "http", "containerPort": 8080}]}));
    let native = json!({
        "initContainers": [{"name": "dns", "restartPolicy": "Always", "ports": [{"containerPort": 53, "protocol": "UDP"}]}],
        "containers": [{"name": "web"}],
    });

    assert_eq!(
        told(&set, &[http.clone(), native, http]),
        [
            "spec.containers[agent].ports[0].name: Services that target port http lead to 9090 of container agent, not to \
             8080 of container web in 2 pods, such as shop/web-0",
            "spec.containers[agent].ports[1].containerPort: only one of it and container dns can listen on port 53/UDP in 1 \
             pod, such as shop/web-1",
        ]
    );
}

#[test]
fn guaranteed_pods_that_would_be_none_are_counted() {
    let burstable = agent(json!({"resources": {"requests": {"cpu": "10m"}}}));
    let guaranteed = agent(json!({"resources": {"limits": {"cpu": "10m", "memory": "8Mi"}}}));
    let equal = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}});
    let pods = [web(json!({"resources": equal})), web(json!({})), web(json!({"resources": {"limits": {"cpu": "1"}}}))];

    assert_eq!(
        told(&burstable, &pods),
        [
            "spec.containers[agent].resources: the Pod is not Guaranteed with it: its limits of cpu and memory are not what \
             it requests in 1 pod, such as shop/web-0"
        ]
    );
    assert_eq!(told(&guaranteed, &pods), [""; 0]);
    // What a Pod has for all of its containers decides alone.
    let mut with_own = pods[0].clone();
    with_own["resources"] = json!({"limits": {"cpu": "2"}});
    assert_eq!(told(&burstable, &[with_own]), [""; 0]);
}

#[test]
fn claims_of_pods_are_not_known_and_told_of_none() {
    let set = agent(json!({"name": "web", "resources": {"claims": [{"name": "gpu"}]}}));

    assert_eq!(told(&set, &[web(json!({}))]).len(), 1);
}
