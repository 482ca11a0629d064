//! Injections that are other than in Kruise, on purpose.

use crate::build::{now, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::injection::inject;
use sidecarset_core::normalize::CanonicalSet;
use std::sync::Arc;

fn pod(spec: &Value) -> Value {
    json!({"metadata": {"name": "web", "labels": {"app": "nginx"}}, "spec": spec})
}

fn injected(pod: &Value, set: CanonicalSet) -> Value {
    let injection = inject(pod, &[Arc::new(set)], now()).unwrap();
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    pod
}

fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    pod["spec"]["containers"].as_array().unwrap().iter().find(|container| container["name"] == name).unwrap()
}

#[test]
fn the_containers_of_a_pair_are_no_targets_and_one_with_the_name_of_the_sidecar_is() {
    let policy = json!({"targetContainersMode": "sum", "resourcesExpr": {"limits": {"cpu": "cpu"}}});
    let hot = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"});
    let set = sidecar_set().spec(
        "containers",
        json!([
            {"name": "envoy", "image": "envoy:1", "upgradeStrategy": hot},
            {"name": "sized", "image": "sized:1", "resourcesPolicy": policy},
        ]),
    );
    let own = |name: &str, cpu: &str| json!({"name": name, "image": "a", "resources": {"limits": {"cpu": cpu}}});

    let pod =
        injected(&pod(&json!({"containers": [own("web", "4"), own("envoy", "1"), own("envoy-1", "2")]})), set.build());

    assert_eq!(container(&pod, "sized")["resources"], json!({"limits": {"cpu": "5"}}));
}

#[test]
fn variables_are_transferred_from_the_pods_own_containers_alone() {
    let transfer =
        json!([{"sourceContainerName": "other", "envName": "TZ"}, {"sourceContainerName": "web", "envName": "A"}]);
    let set = sidecar_set().spec("containers", json!([{"name": "agent", "image": "a:1", "transferEnv": transfer}]));
    let containers = json!([
        {"name": "web", "image": "a", "env": [{"name": "A", "value": "1"}]},
        {"name": "other", "image": "a", "env": [{"name": "IS_INJECTED", "value": "true"}, {"name": "TZ", "value": "UTC"}]},
    ]);

    let pod = injected(&pod(&json!({"containers": containers})), set.build());

    assert_eq!(
        container(&pod, "agent")["env"],
        json!([{"name": "IS_INJECTED", "value": "true"}, {"name": "A", "value": "1"}])
    );
}

#[test]
fn a_secret_that_a_pod_names_twice_stays_there_twice() {
    let set = sidecar_set().spec("imagePullSecrets", json!([{"name": "a"}, {"name": "b"}, {"name": "b"}]));
    let secrets = json!([{"name": "a"}, {"name": "a"}]);

    let pod = injected(&pod(&json!({"containers": [], "imagePullSecrets": secrets})), set.build());

    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "a"}, {"name": "a"}, {"name": "b"}]));
}

#[test]
fn volumes_come_in_the_order_in_which_the_containers_were_written_that_mount_them() {
    let mounting = |name: &str, volume: &str| json!({"name": name, "image": "a", "volumeMounts": [{"name": volume, "mountPath": "/v"}]});
    let set = sidecar_set()
        .spec("initContainers", json!([mounting("z", "v2"), mounting("y", "v3")]))
        .spec("containers", json!([mounting("x", "v1")]))
        .spec("volumes", json!([{"name": "v1"}, {"name": "v2"}, {"name": "v3"}, {"name": "v4"}]));

    let pod = injected(&pod(&json!({"containers": []})), set.build());

    let names: Vec<&Value> = pod["spec"]["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
    assert_eq!(names, ["v2", "v3", "v1"]);
}
