//! The Pods of a set, each with how it stands.

use crate::looking::server::Server;
use crate::looking::world::{carrying, cluster, pod, running, set, waiting};
use crate::served::Ended;
use serde_json::{Value, json};
use std::slice;

/// Four Pods of a set whose image was changed: one of them has the new one, one fails to pull it, one has the old one, and one
/// was created without.
fn server() -> Server {
    let (before, after) = (set("agent:v1"), set("agent:v2"));
    let message = "Back-off pulling image \"agent:v2\"";
    let pods = [
        carrying(&after, &pod("updated")),
        waiting(carrying(&after, &pod("failing")), "ImagePullBackOff", message),
        carrying(&before, &pod("outdated")),
        running(pod("missing")),
    ];
    cluster(&[after], &[], &pods)
}

fn states(ended: &Ended) -> Vec<(&str, &str)> {
    ended.words().iter().skip(1).map(|line| (line[1], line[2])).collect()
}

#[test]
fn every_pod_is_told_with_its_state() {
    let ended = server().run(&["pods", "log-sc"]);

    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    let expected = [("failing", "failing"), ("missing", "missing"), ("outdated", "outdated"), ("updated", "updated")];
    assert_eq!(states(&ended), expected);
}

#[test]
fn only_pods_of_the_states_that_are_asked_for_are_told() {
    let ended = server().run(&["pods", "log-sc", "--state", "missing", "--state", "outdated"]);

    assert_eq!(states(&ended), [("missing", "missing"), ("outdated", "outdated")]);
}

#[test]
fn what_is_failing_is_told_in_the_words_of_the_kubelet() {
    let ended = server().run(&["pods", "log-sc", "--state", "failing", "-o", "json"]);

    let rows: Value = serde_json::from_str(&ended.stdout).unwrap();
    let told = (&rows[0]["reason"], &rows[0]["message"], &rows[0]["node"]);
    let message = "agent: Back-off pulling image \"agent:v2\"";
    assert_eq!(told, (&json!("ImagePullBackOff"), &json!(message), &json!("node-1")));
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

#[test]
fn names_can_be_handed_on_to_kubectl() {
    let ended = server().run(&["pods", "log-sc", "--state", "outdated", "-o", "name"]);

    assert_eq!(ended.stdout, "pod/outdated\n");
}

#[test]
fn a_pod_that_only_a_new_one_can_replace_is_not_upgradable() {
    let (before, mut after) = (set("agent:v1"), set("agent:v2"));
    after["spec"]["containers"][0]["env"] = json!([{"name": "LEVEL", "value": "debug"}]);
    let server = cluster(&[after], &[], &[carrying(&before, &pod("web-0"))]);

    let ended = server.run(&["pods", "log-sc", "--state", "not-upgradable"]);

    assert_eq!(ended.words()[1][..4], ["shop", "web-0", "not-upgradable", "NeedsNewPod"]);
}

// The budget is a share of all Pods, and so is what is told of those of one namespace.
#[test]
fn what_is_told_of_one_namespace_counts_the_pods_of_all() {
    let (before, after) = (set("agent:v1"), set("agent:v2"));
    let mut elsewhere = waiting(carrying(&after, &pod("broken")), "ImagePullBackOff", "not found");
    elsewhere["metadata"]["namespace"] = "other".into();
    let server = cluster(&[after], &[], &[elsewhere, carrying(&before, &pod("web-0"))]);

    let ended = server.run(&["pods", "log-sc", "-n", "shop"]);

    assert_eq!(ended.words()[1][..4], ["shop", "web-0", "outdated", "BudgetSpent"]);
    assert_eq!(ended.words().len(), 2, "{}", ended.stdout);
}

#[test]
fn labels_choose_among_the_pods() {
    let set = set("agent:v1");
    let mut other = pod("other");
    other["metadata"]["labels"]["tier"] = "back".into();
    let server = cluster(slice::from_ref(&set), &[], &[carrying(&set, &pod("web-0")), carrying(&set, &other)]);

    let ended = server.run(&["pods", "log-sc", "-l", "tier=back"]);

    assert_eq!(states(&ended), [("other", "updated")]);
}

#[test]
fn a_state_that_there_is_not_is_told_with_those_that_there_are() {
    let ended = server().run(&["pods", "log-sc", "--state", "broken"]);

    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("'broken'") && ended.stderr.contains("not-upgradable"), "{}", ended.stderr);
}

#[test]
fn where_there_are_none_it_says_so_beside_the_output() {
    let ended = cluster(&[set("agent:v1")], &[], &[]).run(&["pods", "log-sc"]);

    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, "", "No resources found\n"));
}

#[test]
fn who_may_not_list_pods_is_told_what_the_server_said() {
    let forbidden = "pods is forbidden: User \"eve\" cannot list resource \"pods\"";
    let server = cluster(&[set("agent:v1")], &[], &[]).refuses("/api/v1/pods", 403, "Forbidden", forbidden);

    let ended = server.run(&["pods", "log-sc"]);

    let told = format!("Error from server (Forbidden): {forbidden}\nhint: ");
    assert!(ended.stderr.starts_with(&told), "{}", ended.stderr);
    assert_eq!((ended.code, &*ended.stdout), (1, ""));
}
