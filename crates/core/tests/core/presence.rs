//! What counts as there already: what the set would inject, but for what an API server, admission plugins and other webhooks
//! make of it.

#[path = "presence/anything.rs"]
mod anything;

use crate::build::{now, sidecar_set};
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::injection::{ClashKind, Injection, inject};
use sidecarset_core::normalize::CanonicalSet;
use std::sync::Arc;
use std::time::Duration;

const LATER: Duration = Duration::from_secs(61);

/// A set that says something of each field that a container has.
fn set() -> [Arc<CanonicalSet>; 1] {
    let container = json!({
        "name": "agent", "image": "agent:v1", "command": ["agent"], "args": ["--level", "a > b && c"],
        "workingDir": "/work", "tty": false,
        "ports": [{"containerPort": 80, "name": "web"}],
        "envFrom": [{"configMapRef": {"name": "agent"}}],
        "env": [
            {"name": "LEVEL", "value": "info"}, {"name": "EMPTY", "value": ""},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
        "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}},
        "volumeMounts": [{"name": "spool", "mountPath": "/spool", "readOnly": true, "recursiveReadOnly": "IfPossible"}],
        "livenessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 0},
        "startupProbe": {"httpGet": {"port": "web"}, "successThreshold": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "securityContext": {"allowPrivilegeEscalation": false, "runAsUser": 0, "capabilities": {"drop": ["NET_RAW"]}},
        "ofTheFuture": {"a": [1]},
    });
    let native = json!({"name": "native", "image": "native:v1", "restartPolicy": "Always"});
    let setup = json!({"name": "setup", "image": "setup:v1", "command": ["true"]});
    let hot = json!({
        "name": "hot", "image": "hot:v1",
        "upgradeStrategy": {"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "hot:empty"},
    });
    let set = sidecar_set().spec("containers", json!([container, hot])).spec("initContainers", json!([native, setup]));
    [Arc::new(set.spec("volumes", json!([{"name": "spool", "emptyDir": {}}])).build())]
}

fn bare() -> Value {
    json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}})
}

fn patched(pod: &Value, injection: &Injection) -> Value {
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    pod
}

/// A Pod that the set was injected into, as the API server hands it on to the next webhook.
fn injected() -> Value {
    let pod = patched(&bare(), &inject(&bare(), &set(), now()).unwrap());
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let mut pod = serde_json::to_value(pod).unwrap();
    let agent = &mut pod["spec"]["containers"][0];
    agent["startupProbe"]["timeoutSeconds"] = json!(1);
    agent["startupProbe"]["periodSeconds"] = json!(10);
    agent["startupProbe"]["failureThreshold"] = json!(3);
    agent["startupProbe"]["httpGet"]["path"] = json!("/");
    agent["startupProbe"]["httpGet"]["scheme"] = json!("HTTP");
    agent["livenessProbe"].as_object_mut().unwrap().remove("initialDelaySeconds");
    agent["env"][1].as_object_mut().unwrap().remove("value");
    agent["env"][3]["valueFrom"]["resourceFieldRef"]["divisor"] = json!("0");
    agent.as_object_mut().unwrap().remove("tty");
    for at in [1, 2] {
        for variable in [1, 2] {
            pod["spec"]["containers"][at]["env"][variable]["valueFrom"]["fieldRef"]["apiVersion"] = json!("v1");
        }
        pod["spec"]["containers"][at]["resources"] = json!({});
    }
    pod
}

/// Changes a member of a Pod; null takes it away.
fn with(mut pod: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match pod.pointer_mut(parent).unwrap() {
        Value::Object(members) if value.is_null() => drop(members.remove(key)),
        Value::Object(members) => drop(members.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) if value.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    pod
}

fn containers(pod: &Value) -> [&Value; 2] {
    [&pod["spec"]["initContainers"], &pod["spec"]["containers"]]
}

#[test]
fn what_the_api_server_makes_of_the_sidecars_is_left_as_it_is() {
    assert_eq!(inject(&injected(), &set(), now()).unwrap(), Injection::default());
}

// The table of docs/security.md.
#[test]
fn what_admission_plugins_and_other_webhooks_may_add_or_change_is_left_as_it_is() {
    let agent = "/spec/containers/0";
    let token = json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    for (member, value) in [
        ("image", json!("mirror.corp/hub/library/agent:v1")),
        ("image", json!("docker.io/library/agent:v1@sha256:aa")),
        ("imagePullPolicy", json!("Always")),
        ("env/-", json!({"name": "HTTP_PROXY", "value": "http://proxy"})),
        ("volumeMounts/-", token),
        ("volumeDevices", json!([{"name": "disk", "devicePath": "/dev/disk"}])),
        ("envFrom", json!([{"secretRef": {"name": "added"}}, {"configMapRef": {"name": "agent"}}])),
        ("resources/limits", json!({"cpu": "1", "memory": "2Gi"})),
        ("resources/requests/ephemeral-storage", json!("1Gi")),
        ("resources/requests/cpu", json!("500m")),
        ("resources/requests/memory", json!("1Gi")),
        ("securityContext/runAsNonRoot", json!(false)),
        ("securityContext/seccompProfile", json!({"type": "RuntimeDefault"})),
        ("securityContext/capabilities/drop/-", json!("ALL")),
        ("ports/0/hostPort", json!(80)),
    ] {
        let pod = with(injected(), &format!("{agent}/{member}"), value);

        assert_eq!(inject(&pod, &set(), now()).unwrap(), Injection::default(), "{member}");
    }
    let mesh = with(injected(), "/spec/containers/-", json!({"name": "mesh", "image": "mesh:1"}));
    assert_eq!(inject(&mesh, &set(), now()).unwrap(), Injection::default());
}

#[test]
fn a_container_that_is_another_one_is_replaced_and_both_authors_are_told() {
    for (pointer, value) in [
        ("/spec/containers/0/image", json!("agent:v0")),
        ("/spec/containers/0/image", json!("evil/agent:v1")),
        ("/spec/containers/0/imagePullPolicy", json!("Never")),
        ("/spec/containers/0/command", json!(["sleep"])),
        ("/spec/containers/0/args", json!(["--level"])),
        ("/spec/containers/0/args/1", json!("x")),
        ("/spec/containers/0/workingDir", json!("/")),
        ("/spec/containers/0/tty", json!(true)),
        ("/spec/containers/0/ports/0/hostPort", json!(8080)),
        ("/spec/containers/0/ports/-", json!({"containerPort": 81})),
        ("/spec/containers/0/env/0/value", json!("debug")),
        ("/spec/containers/0/env/0", Value::Null),
        ("/spec/containers/0/env/-", json!({"name": "LEVEL", "value": "debug"})),
        ("/spec/containers/0/env/1/value", json!("full")),
        ("/spec/containers/0/envFrom", json!([])),
        ("/spec/containers/0/envFrom/-", json!({"secretRef": {"name": "added"}})),
        ("/spec/containers/0/volumeMounts", json!([])),
        ("/spec/containers/0/volumeMounts/0/name", json!("other")),
        ("/spec/containers/0/volumeMounts/0/mountPath", json!("/other")),
        ("/spec/containers/0/volumeMounts/-", json!({"name": "other", "mountPath": "/spool/"})),
        ("/spec/containers/0/livenessProbe/exec", json!({"command": ["false"]})),
        ("/spec/containers/0/livenessProbe/initialDelaySeconds", json!(9999)),
        ("/spec/containers/0/readinessProbe", json!({"exec": {"command": ["false"]}})),
        ("/spec/containers/0/startupProbe/timeoutSeconds", json!(7)),
        ("/spec/containers/0/lifecycle/postStart", json!({"exec": {"command": ["kill", "1"]}})),
        ("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
        ("/spec/containers/0/securityContext/runAsUser", json!(1000)),
        ("/spec/containers/0/restartPolicyRules", json!([{"action": "Restart"}])),
        ("/spec/containers/0/unknown", json!(1)),
        ("/spec/containers/1/image", json!("hot:empty")),
        ("/spec/containers/2/image", json!("hot:v1")),
        ("/spec/containers/2/env/1/valueFrom/fieldRef/fieldPath", json!("metadata.name")),
        ("/spec/initContainers/0/restartPolicy", json!("OnFailure")),
        ("/spec/initContainers/1/restartPolicy", json!("Always")),
        ("/spec/initContainers/1/command", json!(["false"])),
    ] {
        let pod = with(injected(), pointer, value);

        let injection = inject(&pod, &set(), now()).unwrap();

        let fresh = patched(&bare(), &inject(&bare(), &set(), now()).unwrap());
        assert_eq!(containers(&patched(&pod, &injection)), containers(&fresh), "{pointer}");
        let kinds: Vec<ClashKind> = injection.clashes.iter().map(|clash| clash.kind).collect();
        assert_eq!(kinds, [ClashKind::Container], "{pointer}");
        let field = pointer.split('/').nth(4).unwrap();
        assert!(
            injection.warnings[0].ends_with(&format!("differs in {field}")),
            "{pointer}: {}",
            injection.warnings[0]
        );
    }
}

#[test]
fn a_container_that_is_missing_or_has_lost_its_mark_is_injected() {
    let fresh = patched(&bare(), &inject(&bare(), &set(), now()).unwrap());
    for (pointer, value) in [
        ("/spec/containers/0", Value::Null),
        ("/spec/initContainers/1", Value::Null),
        ("/spec/containers/2/env/0", Value::Null),
        ("/spec/initContainers", Value::Null),
    ] {
        let pod = with(injected(), pointer, value);

        let mut after = patched(&pod, &inject(&pod, &set(), now()).unwrap());

        let by_name = |list: &mut Value| list.as_array_mut().unwrap().sort_by_key(|it| it["name"].to_string());
        let mut fresh = fresh.clone();
        for list in ["initContainers", "containers"] {
            by_name(&mut after["spec"][list]);
            by_name(&mut fresh["spec"][list]);
        }
        assert_eq!(containers(&after), containers(&fresh), "{pointer}");
    }
}

// A webhook built with a library that is older than a field drops it.
#[test]
fn what_another_webhook_has_dropped_is_put_back_and_what_it_has_added_stays() {
    let added = json!({"name": "HTTP_PROXY", "value": "http://proxy"});
    for (pointer, field) in [
        ("/spec/initContainers/0/restartPolicy", "restartPolicy"),
        ("/spec/containers/0/ports", "ports"),
        ("/spec/containers/0/lifecycle", "lifecycle"),
        ("/spec/containers/0/lifecycle/preStop/sleep", "lifecycle"),
        ("/spec/containers/0/startupProbe/httpGet", "startupProbe"),
        ("/spec/containers/0/volumeMounts/0/recursiveReadOnly", "volumeMounts.0"),
        ("/spec/containers/0/securityContext/allowPrivilegeEscalation", "securityContext.allowPrivilegeEscalation"),
        ("/spec/containers/0/securityContext", "securityContext"),
        ("/spec/containers/0/resources/requests/cpu", "resources.requests.cpu"),
        ("/spec/containers/0/resources", "resources"),
    ] {
        let before = with(injected(), "/spec/containers/0/env/-", added.clone());
        let pod = with(before.clone(), pointer, Value::Null);

        let injection = inject(&pod, &set(), now()).unwrap();

        let after = patched(&pod, &injection);
        assert_eq!(inject(&after, &set(), now()).unwrap(), Injection::default(), "{pointer}");
        assert_eq!(after["spec"]["containers"][0]["env"], before["spec"]["containers"][0]["env"], "{pointer}");
        assert!(after.pointer(pointer).is_some(), "{pointer}");
        assert_eq!(injection.clashes[0].kind, ClashKind::Stripped, "{pointer}");
        let lost = format!("has lost {field} since SidecarSet log-sc was injected: it is put back");
        assert!(injection.warnings[0].ends_with(&lost), "{pointer}: {}", injection.warnings[0]);
    }
}

#[test]
fn amounts_that_the_set_gives_are_put_back() {
    let pod = with(injected(), "/spec/containers/0/resources", json!({"requests": {"cpu": "1m", "memory": "1Gi"}}));

    let injection = inject(&pod, &set(), now()).unwrap();

    let expected = json!({"requests": {"cpu": "500m", "memory": "1Gi"}});
    assert_eq!(patched(&pod, &injection)["spec"]["containers"][0]["resources"], expected);
}

#[test]
fn a_copied_manifest_gives_a_pod_the_definition_and_nothing_of_the_other_pod_but_the_token() {
    let token = json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    let copied = with(injected(), "/spec/containers/0/env/-", json!({"name": "POD", "value": "other"}));
    let copied = with(copied, "/spec/containers/0/volumeMounts/-", token.clone());
    let copied = with(copied, "/spec/volumes/-", json!({"name": "kube-api-access-x", "projected": {}}));
    let later = now().after(LATER);

    let injection = inject(&copied, &set(), later).unwrap();

    let fresh = patched(&bare(), &inject(&bare(), &set(), later).unwrap());
    let fresh = with(fresh, "/spec/containers/0/volumeMounts/-", token);
    let after = patched(&copied, &injection);
    assert_eq!(containers(&after), containers(&fresh));
    assert_eq!(after["metadata"]["annotations"], fresh["metadata"]["annotations"]);
    assert_eq!(injection.warnings, [""; 0]);
}

fn moment(second: i64) -> Seconds {
    jiff::Timestamp::from_second(now().since_epoch() + second).unwrap().into()
}

#[test]
fn what_was_taken_over_or_computed_stays_in_a_further_call_and_is_found_out_in_a_copy() {
    let policy = json!({
        "targetContainersMode": "sum", "targetContainersNameRegex": "^app$", "resourcesExpr": {"limits": {"cpu": "cpu"}},
    });
    let container = json!({
        "name": "agent", "image": "agent:v1", "shareVolumePolicy": {"type": "enabled"}, "resourcesPolicy": policy,
        "transferEnv": [{"sourceContainerName": "app", "envName": "ZONE"}],
    });
    let set = [Arc::new(sidecar_set().spec("containers", json!([container])).build())];
    let app = |cpu: &str, zone: &str| {
        json!({
            "name": "app", "image": "app:1", "resources": {"limits": {"cpu": cpu}}, "env": [{"name": "ZONE", "value": zone}],
            "volumeMounts": [{"name": "data", "mountPath": format!("/{zone}")}],
        })
    };
    let pod = with(bare(), "/spec/containers/0", app("1", "a"));
    let once = patched(&pod, &inject(&pod, &set, now()).unwrap());
    let changed = with(once, "/spec/containers/1", app("2", "b"));

    assert_eq!(inject(&changed, &set, moment(60)).unwrap(), Injection::default());
    let copy = patched(&changed, &inject(&changed, &set, moment(61)).unwrap());
    let agent = &copy["spec"]["containers"][0];
    assert_eq!(agent["resources"], json!({"limits": {"cpu": "2"}}));
    assert_eq!(agent["env"][1], json!({"name": "ZONE", "value": "b"}));
    assert_eq!(agent["volumeMounts"], json!([{"name": "data", "mountPath": "/b"}]));
}

/// What the API server lists of a Pod with these containers before it calls a webhook.
fn managed(containers: &[&str]) -> Value {
    let items = containers.iter().map(|name| (format!(r#"k:{{"name":"{name}"}}"#), json!({".": {}, "f:image": {}})));
    let fields = json!({"f:spec": {"f:containers": Value::Object(items.collect())}});
    json!([
        {"manager": "other", "operation": "Update", "fieldsV1": {"f:metadata": {}}},
        {"manager": "kubectl-create", "operation": "Update", "fieldsV1": fields},
    ])
}

#[test]
fn a_container_that_the_request_came_with_is_replaced_whatever_it_claims() {
    let copied = with(injected(), "/spec/containers/0/env/-", json!({"name": "LD_PRELOAD", "value": "/x.so"}));
    let first = with(copied.clone(), "/metadata/managedFields", managed(&["agent", "app"]));
    let further = with(copied, "/metadata/managedFields", managed(&["app"]));

    let injection = inject(&first, &set(), now()).unwrap();

    let fresh = patched(&bare(), &inject(&bare(), &set(), now()).unwrap());
    assert_eq!(containers(&patched(&first, &injection)), containers(&fresh));
    assert_eq!(injection.warnings, [""; 0]);
    assert_eq!(inject(&further, &set(), now()).unwrap(), Injection::default());
}

#[test]
fn a_record_from_the_future_is_none_of_this_request() {
    let injection = inject(&injected(), &set(), moment(-61)).unwrap();

    assert_eq!(injection.injected, [Arc::from("log-sc")]);
    let hashes = patched(&injected(), &injection)["metadata"]["annotations"]["kruise.io/sidecarset-hash"].to_string();
    assert!(hashes.contains("2026-01-02T03:03:04Z"), "{hashes}");
}

#[test]
fn annotations_that_are_made_up_are_replaced() {
    let fresh = injected();
    for (key, value) in [
        ("kruise.io~1sidecarset-hash", json!(r#"{"log-sc":"x"}"#)),
        ("kruise.io~1sidecarset-hash-without-image", json!("")),
        ("kruise.io~1sidecarset-injected-list", json!("")),
        (
            "kruise.io~1sidecarset-inplace-update-state",
            json!(r#"{"log-sc":{"revision":"x","lastContainerStatuses":{}}}"#),
        ),
        ("kruise.io~1sidecarset-working-hotupgrade-container", json!(r#"{"hot":"hot-2"}"#)),
        ("version.sidecarset.kruise.io~1hot-2", json!("9999")),
        ("versionalt.sidecarset.kruise.io~1hot-1", Value::Null),
    ] {
        let mut pod = fresh.clone();
        let annotations = pod["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.remove(&key.replace("~1", "/"));
        if !value.is_null() {
            annotations.insert(key.replace("~1", "/"), value);
        }

        let after = patched(&pod, &inject(&pod, &set(), now()).unwrap());

        assert_eq!(after["metadata"]["annotations"], fresh["metadata"]["annotations"], "{key}");
    }
}

#[test]
fn what_a_pod_says_of_upgrades_of_other_sets_stays() {
    let state = r#"{"log-sc":{"revision":"h"},"mesh":{"revision": "m", "x":1e2}}"#;
    let key = "kruise.io/sidecarset-inplace-update-state";
    let mut pod = bare();
    pod["metadata"]["annotations"] = json!({key: state});

    let after = patched(&pod, &inject(&pod, &set(), now()).unwrap());

    assert_eq!(after["metadata"]["annotations"][key], r#"{"mesh":{"revision": "m", "x":1e2}}"#);
}

#[test]
fn a_container_with_the_mark_alone_is_replaced_with_a_warning() {
    let own = json!({
        "name": "agent", "image": "agent:v1", "command": ["sleep"], "env": [{"name": "IS_INJECTED", "value": "true"}],
    });
    let pod = with(bare(), "/spec/containers/-", own);

    let injection = inject(&pod, &set(), now()).unwrap();

    assert_eq!(
        injection.warnings,
        [
            "spec.containers[1]: container agent is replaced by the one of SidecarSet log-sc: it is marked as injected, but \
          differs in command"
        ]
    );
}
