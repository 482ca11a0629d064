//! Volumes, and how they are used.

use super::{NOTHING, agent, injected, misfits, pod, set, warnings};
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use std::sync::Arc;

#[test]
fn the_volume_of_the_pod_that_wins_can_be_used_as_the_sidecar_uses_its_own() {
    let container = json!({
        "name": "agent", "image": "a:1",
        "volumeDevices": [{"name": "disk", "devicePath": "/dev/x"}],
        "env": [{"name": "KEY", "valueFrom": {"fileKeyRef": {"volumeName": "files", "path": "env", "key": "KEY"}}}],
    });
    let set = set(json!({
        "containers": [container],
        "volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}, {"name": "files", "emptyDir": {}}],
    }));

    let (alone, _) = injected(&set, &pod(json!({})));
    assert_eq!(alone["spec"]["volumes"].as_array().unwrap().len(), 2);
    assert_eq!(
        misfits(&set, &pod(json!({"volumes": [{"name": "disk", "emptyDir": {}}, {"name": "files", "secret": {}}]}))),
        [
            "spec.containers[agent].volumeDevices[0].name of SidecarSet log-sc: a device needs a persistentVolumeClaim or an \
             ephemeral volume, and volume disk is the Pod's own, which is something else",
            "spec.containers[agent].env[KEY].valueFrom.fileKeyRef.volumeName of SidecarSet log-sc: variables are read from \
             files of an emptyDir, and volume files is the Pod's own, which is something else",
        ]
    );
}

#[test]
fn variables_are_not_read_from_a_volume_that_nobody_has() {
    let env =
        json!([{"name": "KEY", "valueFrom": {"fileKeyRef": {"volumeName": "files", "path": "env", "key": "KEY"}}}]);
    let set = agent(json!({"env": env}));

    assert_eq!(
        misfits(&set, &pod(json!({}))),
        [
            "spec.containers[agent].env[KEY].valueFrom.fileKeyRef.volumeName of SidecarSet log-sc: neither the Pod nor the \
             set has a volume files"
        ]
    );
    assert_eq!(misfits(&set, &pod(json!({"volumes": [{"name": "files", "emptyDir": {}}]}))), NOTHING);
}

#[test]
fn a_claim_that_is_made_for_a_volume_of_the_pod_is_mounted_by_no_other() {
    let with = |volume: Value| {
        let mount = json!({"name": "v", "mountPath": "/v"});
        set(json!({"containers": [{"name": "agent", "image": "a:1", "volumeMounts": [mount]}], "volumes": [volume]}))
    };
    let claim = with(json!({"name": "v", "persistentVolumeClaim": {"claimName": "web-0-scratch"}}));
    let template = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let ephemeral = with(json!({"name": "v", "ephemeral": {"volumeClaimTemplate": template}}));
    let told = [
        "spec.volumes[v] of SidecarSet log-sc: a claim that is made for an ephemeral volume cannot be mounted by its name",
    ];

    let own = json!([{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]);
    assert_eq!(misfits(&claim, &pod(json!({"volumes": own}))), told);
    let own = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "web-0-v"}}]);
    assert_eq!(misfits(&ephemeral, &pod(json!({"volumes": own}))), told);
    assert_eq!(misfits(&ephemeral, &pod(json!({}))), NOTHING);
    // What the Pod has in its place takes the volume of the set away, and the claim with it.
    let own =
        json!([{"name": "v", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "web-0-v"}}]);
    assert_eq!(misfits(&ephemeral, &pod(json!({"volumes": own}))), NOTHING);
    let mount = |name: &str| json!({"name": name, "mountPath": format!("/{name}")});
    let container = json!({"name": "agent", "image": "a:1", "volumeMounts": [mount("v"), mount("w")]});
    let by_name = json!({"name": "w", "persistentVolumeClaim": {"claimName": "web-0-v"}});
    let scratch = json!({"name": "v", "ephemeral": {"volumeClaimTemplate": template}});
    let both = set(json!({"containers": [container], "volumes": [scratch, by_name]}));
    let of_w = told[0].replace("[v]", "[w]");
    assert_eq!(misfits(&both, &pod(json!({}))), [of_w]);
    assert_eq!(misfits(&both, &pod(json!({"volumes": [{"name": "v", "emptyDir": {}}]}))), NOTHING);
    // The name of the Pod is made when it is stored.
    let own = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "web-0-v"}}]);
    let mut unnamed = pod(json!({"volumes": own}));
    unnamed["metadata"] = json!({"generateName": "web-0-"});
    assert_eq!(misfits(&ephemeral, &unnamed), NOTHING);
}

#[test]
fn the_claim_that_is_made_for_a_volume_has_a_name_that_an_object_may_have() {
    let template = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let mount = json!({"name": "scratch", "mountPath": "/scratch"});
    let set = set(json!({
        "containers": [{"name": "agent", "image": "a:1", "volumeMounts": [mount]}],
        "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}],
    }));
    let named = |length: usize| {
        let mut pod = pod(json!({}));
        pod["metadata"]["name"] = json!("w".repeat(length));
        pod
    };

    assert_eq!(misfits(&set, &named(245)), NOTHING);
    assert_eq!(
        misfits(&set, &named(246)),
        [
            "spec.volumes[scratch] of SidecarSet log-sc: the claim that is made for it has the names of the Pod and of the \
             volume, which are 254 characters: 253 are allowed"
        ]
    );
}

fn sharing(kind: &str, members: Value) -> Arc<CanonicalSet> {
    let Value::Object(mut container) = members else { panic!("{members}") };
    container.extend([
        ("name".to_owned(), json!("agent")),
        ("image".to_owned(), json!("agent:v1")),
        (kind.to_owned(), json!({"type": "enabled"})),
    ]);
    let claim = |name: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
    set(json!({"containers": [container], "volumes": [{"name": "own", "emptyDir": {}}, claim("disk")]}))
}

fn with_mounts(mounts: &Value) -> Value {
    pod(json!({"containers": [{"name": "web", "image": "w:1", "volumeMounts": mounts}]}))
}

#[test]
fn of_two_mounts_at_one_path_the_sidecars_own_stays_however_the_path_is_written() {
    let set = sharing("shareVolumePolicy", json!({"volumeMounts": [{"name": "own", "mountPath": "/data/"}]}));

    let (pod, _) = injected(
        &set,
        &with_mounts(&json!([
            {"name": "a", "mountPath": "/data"}, {"name": "b", "mountPath": "/logs"}, {"name": "c", "mountPath": "/logs//"},
        ])),
    );

    let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap();
    let mounts: Vec<&str> = mounts.iter().map(|mount| mount["name"].as_str().unwrap()).collect();
    assert_eq!(mounts, ["own", "b"]);
}

#[test]
fn a_volume_is_taken_over_in_one_way_and_once() {
    let disk = json!({"volumeDevices": [{"name": "disk", "devicePath": "/dev/own"}]});
    let (pod, _) = injected(
        &sharing("shareVolumePolicy", disk.clone()),
        &with_mounts(&json!([{"name": "disk", "mountPath": "/disk"}, {"name": "b", "mountPath": "/b"}])),
    );
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], json!([{"name": "b", "mountPath": "/b"}]));

    let devices = |name: &str, path: &str| json!({"name": name, "devicePath": path});
    let web = |name: &str, device: Value| json!({"name": name, "image": "w:1", "volumeDevices": [device]});
    let containers = json!([
        web("a", devices("disk", "/dev/a")),
        web("b", devices("raw", "/dev/b")),
        web("c", devices("raw", "/dev/c")),
    ]);
    let (pod, _) = injected(&sharing("shareVolumeDevicePolicy", disk), &self::pod(json!({"containers": containers})));
    assert_eq!(
        pod["spec"]["containers"][0]["volumeDevices"],
        json!([devices("disk", "/dev/own"), devices("raw", "/dev/b")])
    );
}

#[test]
fn a_mount_that_shows_on_the_node_is_for_privileged_sidecars() {
    let pod = with_mounts(&json!([{"name": "a", "mountPath": "/a", "mountPropagation": "Bidirectional"}]));

    assert_eq!(
        misfits(&sharing("shareVolumePolicy", json!({})), &pod),
        [
            "spec.containers[agent].shareVolumePolicy of SidecarSet log-sc: the mount /a of the Pod has mountPropagation \
             Bidirectional, which only a privileged container may have"
        ]
    );
    assert_eq!(misfits(&sharing("shareVolumePolicy", json!({"securityContext": {"privileged": true}})), &pod), NOTHING);
}

#[test]
fn a_volume_of_the_pod_that_is_the_same_is_no_clash() {
    let mount = json!({"name": "scratch", "mountPath": "/scratch"});
    let set = set(json!({
        "containers": [{"name": "agent", "image": "a:1", "volumeMounts": [mount]}],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}],
    }));
    let with = |limit: &str| pod(json!({"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": limit}}]}));

    assert_eq!(warnings(&set, &with("1024Mi")), NOTHING);
    assert_eq!(
        warnings(&set, &with("1000Mi")),
        ["spec.volumes: volume scratch of SidecarSet log-sc is not used: the Pod has one of that name"]
    );
}
