//! Why a Pod has its sidecars or not, where the reason is not the labels of the Pod alone.

use crate::looking::world::{carrying, cluster, pod, revision, running, set, written};
use crate::served::Ended;
use serde_json::{Value, json};
use std::{fs, slice};

/// What is said of a Pod beside one set or more.
fn explained(sets: &[Value], pod: &Value) -> Ended {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    let ended = cluster(sets, &[], slice::from_ref(pod)).run(&["explain", "pod", "web-0", "-n", namespace]);
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    ended
}

#[track_caller]
fn assert_told(ended: &Ended, told: &str) {
    assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
}

#[test]
fn the_first_label_of_the_namespace_that_does_not_match_is_named() {
    let mut set = set("agent:v1");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "net"}});

    let ended = explained(&[set], &running(pod("web-0")));

    assert_told(&ended, "its namespaceSelector asks for team=net, and namespace shop has no label team");
}

#[test]
fn pods_of_a_reserved_namespace_are_left_alone_by_sets_that_do_not_name_it() {
    let mut pod = running(pod("web-0"));
    pod["metadata"]["namespace"] = "kube-system".into();

    let ended = explained(&[set("agent:v1")], &pod);

    assert_told(&ended, "Pods of kube-system are left alone by sets whose namespaceSelector does not name it");
}

#[test]
fn the_namespace_of_an_operator_is_that_of_the_newest_revision() {
    let set = set("agent:v1");
    let (mut of_kruise, mut ours) = (revision(&set), revision(&set));
    of_kruise["metadata"]["namespace"] = "kruise-system".into();
    ours["metadata"]["namespace"] = "ops".into();
    ours["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z".into();
    let in_namespace = |namespace: &str| {
        let mut pod = running(pod("web-0"));
        pod["metadata"]["namespace"] = namespace.into();
        let server = cluster(slice::from_ref(&set), &[ours.clone(), of_kruise.clone()], &[pod]);
        server.run(&["explain", "pod", "web-0", "-n", namespace])
    };

    let (own, other) = (in_namespace("ops"), in_namespace("kruise-system"));

    assert_told(&own, "Pods of ops get no sidecars: the operator runs there");
    assert_told(&other, "selected, and created without the sidecars");
}

#[test]
fn a_set_whose_injection_is_paused_says_so_and_what_ends_it() {
    let mut set = set("agent:v1");
    set["spec"]["injectionStrategy"] = json!({"paused": true});

    let ended = explained(&[set], &running(pod("web-0")));

    assert_told(&ended, "its injection is paused");
    assert_told(&ended, "sidecarset resume --injection");
}

/// What is said of a Pod that there is not yet.
fn foreseen(set: &Value, revisions: &[Value], pod: &Value) -> Ended {
    let file = written(pod);
    let ended = cluster(slice::from_ref(set), revisions, &[]).run(&["explain", "-f", file.to_str().unwrap()]);
    fs::remove_file(file).unwrap();
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    ended
}

#[test]
fn what_a_new_pod_gets_of_a_set_that_is_pinned_is_the_past() {
    let (past, mut present) = (revision(&set("agent:v1")), set("agent:v2"));
    present["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-a"}});

    let ended = foreseen(&present, &[past], &pod("web-0"));

    assert_told(&ended, "  it gets agent (agent:v1), as log-sc-a describes it, which is not the present definition\n");
    assert!(!ended.stdout.contains("agent:v2"), "{}", ended.stdout);
}

#[test]
fn what_a_new_pod_may_get_of_a_set_that_is_pinned_for_some_depends_on_its_labels_and_on_chance() {
    let (past, mut present) = (revision(&set("agent:v1")), set("agent:v2"));
    present["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-a", "policy": "Partial"}});
    let mut by_labels = present.clone();
    by_labels["spec"]["updateStrategy"] = json!({"selector": {"matchLabels": {"app": "web"}}});
    present["spec"]["updateStrategy"] = json!({"partition": "30%"});

    let drawn = foreseen(&present, slice::from_ref(&past), &pod("web-0"));
    let selected = foreseen(&by_labels, &[past], &pod("web-0"));

    assert_told(&drawn, "  it gets agent (agent:v1), as log-sc-a describes it, which is not the present definition\n");
    assert_told(&drawn, "  or, as it is drawn for each Pod, agent (agent:v2)\n");
    assert_told(&selected, "  it gets agent (agent:v2)\n");
    assert!(!selected.stdout.contains("agent:v1"), "{}", selected.stdout);
}

#[test]
fn a_new_pod_is_explained_by_neither_the_status_nor_the_annotations_of_the_pod_that_its_manifest_is_of() {
    let mut copied = carrying(&set("agent:v1"), &pod("web-0"));
    copied["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    copied["status"]["phase"] = "Failed".into();

    let ended = foreseen(&set("agent:v2"), &[], &copied);

    assert_told(&ended, "log-sc: would be injected\n  it gets agent (agent:v2)\n");
}

#[test]
fn a_set_gives_way_to_its_canary() {
    let (base, mut canary) = (set("agent:v1"), set("agent:v2"));
    canary["metadata"]["name"] = "log-sc-canary".into();
    canary["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "log-sc"});
    canary["spec"]["updateStrategy"] = json!({"type": "NotUpdate"});
    canary["spec"]["selector"]["matchLabels"]["track"] = "canary".into();
    let mut pod = pod("web-0");
    pod["metadata"]["labels"]["track"] = "canary".into();
    let pod = carrying(&canary, &pod);

    let ended = explained(&[base, canary], &pod);

    assert_told(&ended, "log-sc: gives way");
    assert_told(&ended, "log-sc-canary: injected, up to date");
}

#[test]
fn a_pod_that_mirrors_a_file_of_the_kubelet_is_left_alone() {
    let mut pod = running(pod("web-0"));
    pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x".into();

    let ended = explained(&[set("agent:v1")], &pod);

    assert_told(&ended, "mirrors a file of the kubelet");
    assert!(!ended.stdout.contains("created anew"), "it would be left alone again: {}", ended.stdout);
}

#[test]
fn a_pod_that_is_older_than_the_set_is_told_so() {
    let mut pod = running(pod("web-0"));
    pod["metadata"]["creationTimestamp"] = "2025-12-31T00:00:00Z".into();

    let ended = explained(&[set("agent:v1")], &pod);

    assert_told(&ended, "it is older than the set");
}

#[test]
fn what_a_paused_rollout_waits_for_is_told_with_what_ends_it() {
    let (before, mut after) = (set("agent:v1"), set("agent:v2"));
    after["spec"]["updateStrategy"] = json!({"paused": true});

    let ended = explained(&[after], &carrying(&before, &pod("web-0")));

    assert_told(&ended, "the rollout is paused");
    assert_told(&ended, "what ends that: sidecarset resume");
}

#[test]
fn the_field_that_only_a_new_pod_can_take_is_named() {
    let (before, mut after) = (set("agent:v1"), set("agent:v2"));
    after["spec"]["containers"][0]["env"] = json!([{"name": "LEVEL", "value": "debug"}]);
    let pod = carrying(&before, &pod("web-0"));
    let server = cluster(&[after], &[revision(&before)], &[pod]);

    let ended = server.run(&["explain", "pod", "web-0"]);

    assert_told(&ended, "containers[agent].env");
    assert_told(&ended, "only a new Pod can take that");
}

#[test]
fn without_a_namespace_it_is_that_of_the_context() {
    let set = set("agent:v1");
    let server = cluster(slice::from_ref(&set), &[], &[carrying(&set, &pod("web-0"))]);

    let ended = server.run(&["explain", "pod/web-0"]);

    assert_told(&ended, "Pod shop/web-0");
}
