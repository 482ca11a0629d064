//! Ports of containers, and of the node.

use super::{NOTHING, agent, injected, misfits, pod, set, warnings};
use serde_json::{Value, json};

#[test]
fn a_port_of_the_node_is_taken_once() {
    let own = json!([{"name": "web", "image": "w:1", "ports": [{"containerPort": 80, "hostPort": 8080}]}]);
    let taken = |port: Value| misfits(&agent(json!({"ports": [port]})), &pod(json!({"containers": own})));

    assert_eq!(
        taken(json!({"containerPort": 90, "hostPort": 8080})),
        ["spec.containers[agent].ports[0] of SidecarSet log-sc: port 8080/TCP of the node is taken by container web"]
    );
    for free in [
        json!({"containerPort": 90, "hostPort": 8080, "protocol": "UDP"}),
        json!({"containerPort": 90, "hostPort": 8080, "hostIP": "10.0.0.1"}),
        json!({"containerPort": 90, "hostPort": 8081}),
        json!({"containerPort": 8080}),
    ] {
        assert_eq!(taken(free), NOTHING);
    }
}

#[test]
fn in_the_network_of_the_node_a_port_has_one_number_and_one_owner() {
    let web = json!([{"name": "web", "image": "w:1", "ports": [{"containerPort": 80}]}]);
    let pod = pod(json!({"hostNetwork": true, "containers": web}));

    assert_eq!(
        misfits(&agent(json!({"ports": [{"containerPort": 81, "hostPort": 82}, {"containerPort": 80}]})), &pod),
        [
            "spec.containers[agent].ports[0].hostPort of SidecarSet log-sc: 82 has to be containerPort 81, because the Pod \
             has spec.hostNetwork: true",
            "spec.containers[agent].ports[1] of SidecarSet log-sc: port 80/TCP of the node is taken by container web",
        ]
    );
    assert_eq!(misfits(&agent(json!({"ports": [{"containerPort": 81, "hostPort": 81}]})), &pod), NOTHING);
}

#[test]
fn both_containers_of_a_hot_upgrade_cannot_have_one_port_of_the_node() {
    let hot = agent(json!({
        "ports": [{"containerPort": 15001, "name": "inbound"}],
        "upgradeStrategy": {"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"},
    }));

    assert_eq!(
        misfits(&hot, &pod(json!({"hostNetwork": true}))),
        [
            "spec.containers[agent].ports[0] of SidecarSet log-sc: both containers of a hot upgrade take port 15001/TCP of the \
             node"
        ]
    );
    assert_eq!(warnings(&hot, &pod(json!({}))), NOTHING);
}

#[test]
fn init_containers_share_ports_of_the_node_but_not_with_themselves() {
    let native = |ports: Value| {
        let container = json!({"name": "agent", "image": "a:1", "restartPolicy": "Always", "ports": ports});
        set(json!({"containers": [], "initContainers": [container]}))
    };
    let web = json!([{"name": "web", "image": "w:1", "ports": [{"containerPort": 80}]}]);
    let pod = pod(json!({"hostNetwork": true, "containers": web}));

    assert_eq!(misfits(&native(json!([{"containerPort": 80}])), &pod), NOTHING);
    assert_eq!(
        misfits(&native(json!([{"containerPort": 81, "name": "a"}, {"containerPort": 81, "name": "b"}])), &pod),
        [
            "spec.initContainers[agent].ports[1] of SidecarSet log-sc: port 81/TCP of the node is taken by container agent"
        ]
    );
}

#[test]
fn a_port_that_another_container_has_is_told_by_name_and_by_number() {
    let own = json!([{"name": "web", "image": "w:1", "ports": [
        {"name": "http", "containerPort": 8080}, {"name": "https", "containerPort": 8443},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]}]);
    let ports = json!([
        {"name": "http", "containerPort": 9090}, {"name": "metrics", "containerPort": 8443},
        {"name": "dns", "containerPort": 5353},
    ]);
    let placed = |place: &str| {
        warnings(&agent(json!({"ports": ports, "podInjectPolicy": place})), &pod(json!({"containers": own})))
    };

    let number = "spec.containers[agent].ports[1].containerPort of SidecarSet log-sc: only one of it and container \
                  web can listen on port 8443/TCP";
    assert_eq!(
        placed("BeforeAppContainer"),
        [
            "spec.containers[agent].ports[0].name of SidecarSet log-sc: Services that target port http lead to 9090 of \
             container agent, not to 8080 of container web",
            number,
        ]
    );
    assert_eq!(
        placed("AfterAppContainer"),
        [
            "spec.containers[agent].ports[0].name of SidecarSet log-sc: Services that target port http lead to 8080 of \
             container web, not to 9090 of container agent",
            number,
        ]
    );
}

#[test]
fn the_authors_of_sets_are_told_of_ports_too() {
    let own = json!([{"name": "web", "image": "w:1", "ports": [{"name": "http", "containerPort": 8080}]}]);
    let set = agent(json!({"ports": [{"name": "http", "containerPort": 9090}]}));

    let (_, injection) = injected(&set, &pod(json!({"containers": own})));

    assert_eq!(injection.clashes.len(), 1);
    assert_eq!(injection.clashes[0].message, injection.warnings[0]);
}
