//! What applying a set would lead to.

use crate::looking::server::Server;
use crate::looking::world::{carrying, cluster, observed, pod, revision, running, set, written as file};
use crate::served::Ended;
use serde_json::{Value, json};
use std::{fs, slice};

fn plan(server: &Server, wanted: &Value, more: &[&str]) -> Ended {
    let path = file(wanted);
    let ended = server.run(&[&["plan", "-f", path.to_str().unwrap()], more].concat());
    fs::remove_file(path).unwrap();
    ended
}

fn as_json(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str::<Value>(&ended.stdout).unwrap()[0].clone()
}

/// A set as a person writes it.
fn written(image: &str) -> Value {
    let mut set = set(image);
    set["metadata"] = json!({"name": "log-sc"});
    set
}

#[test]
fn pods_are_upgraded_in_the_order_of_the_operator_and_so_many_at_once() {
    let before = set("agent:v1");
    let mut broken = carrying(&before, &pod("broken"));
    broken["status"]["conditions"][0]["status"] = "False".into();
    let pods = [carrying(&before, &pod("a")), carrying(&before, &pod("b")), broken];

    let told = as_json(&plan(&cluster(&[before], &[], &pods), &written("agent:v2"), &["-o", "json"]));

    assert_eq!(told["kind"], "changed");
    // A Pod that is not ready anyway costs nothing, and comes first.
    assert_eq!(told["upgrades"], json!(["shop/broken", "shop/a", "shop/b"]));
    assert_eq!(told["atOnce"], 2);
}

#[test]
fn a_partition_keeps_pods_and_they_are_told_with_the_reason() {
    let before = set("agent:v1");
    let pods = ["a", "b"].map(|name| carrying(&before, &pod(name)));
    let mut wanted = written("agent:v2");
    wanted["spec"]["updateStrategy"] = json!({"partition": 1});

    let told = as_json(&plan(&cluster(&[before], &[], &pods), &wanted, &["-o", "json"]));

    assert_eq!(told["upgrades"], json!(["shop/a"]));
    assert_eq!((&told["holds"][0]["reason"], &told["holds"][0]["pods"]), (&json!("Partition"), &json!(["shop/b"])));
}

#[test]
fn what_the_sidecars_ask_for_is_added_up_by_node() {
    let mut wanted = written("agent:v1");
    wanted["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m"}});
    let mut elsewhere = running(pod("c"));
    elsewhere["spec"]["nodeName"] = "node-2".into();
    let pods = [running(pod("a")), running(pod("b")), elsewhere];

    let told = as_json(&plan(&cluster(&[], &[], &pods), &wanted, &["-o", "json"]));

    assert_eq!(told["kind"], "created");
    assert_eq!(told["missing"], json!(["shop/a", "shop/b", "shop/c"]));
    let (one, two) = (json!({"cpu": "100m", "memory": "64Mi"}), json!({"cpu": "200m", "memory": "128Mi"}));
    assert_eq!(told["requestsAdded"]["nodes"], json!({"node-1": two, "node-2": one}));
    assert_eq!(told["requestsAdded"]["total"], json!({"cpu": "300m", "memory": "192Mi"}));
}

#[test]
fn a_rollout_that_has_failed_goes_on_with_the_next_image() {
    let failure = json!({"generation": 3, "failedPods": 1, "message": "1 of 1 pods failed"});
    let before = observed(set("agent:bad"), &json!({"failure": failure}));
    let pods = [carrying(&set("agent:bad"), &pod("a"))];

    let told = as_json(&plan(&cluster(&[before], &[], &pods), &written("agent:v2"), &["-o", "json"]));

    assert_eq!(told["upgrades"], json!(["shop/a"]));
    assert_eq!(told["holds"], json!([]));
}

#[test]
fn nothing_is_written_and_permission_to_read_is_enough() {
    let before = set("agent:v1");
    let server = cluster(slice::from_ref(&before), &[], &[carrying(&before, &pod("a"))]);

    let ended = plan(&server, &written("agent:v2"), &[]);

    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let asked = server.asked();
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
}

#[test]
fn what_new_pods_get_of_a_set_that_is_pinned_is_told_with_the_revision() {
    let (before, past) = (set("agent:v2"), revision(&set("agent:v1")));
    let mut wanted = written("agent:v2");
    wanted["spec"]["updateStrategy"] = json!({"partition": "30%"});
    wanted["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-a", "policy": "Partial"}});
    let server = cluster(&[before], &[past], &[]);

    let some = plan(&server, &wanted, &[]);
    wanted["spec"]["injectionStrategy"]["revision"]["policy"] = "Always".into();
    let all = as_json(&plan(&server, &wanted, &["-o", "json"]));
    wanted["spec"]["injectionStrategy"]["paused"] = true.into();
    let none = plan(&server, &wanted, &[]);

    let told = "A new Pod gets\n  containers: agent (agent:v2)\n\n\
                Some, as spec.injectionStrategy chooses, get what log-sc-a describes\n  containers: agent (agent:v1)\n";
    assert!(some.stdout.contains(told), "{}", some.stdout);
    assert_eq!(all["gives"].as_array().unwrap().len(), 1);
    assert_eq!(all["gives"][0]["revision"], "log-sc-a");
    assert_eq!(all["gives"][0]["containers"], json!(["agent (agent:v1)"]));
    assert!(none.stdout.contains("A new Pod gets nothing: the injection is paused\n"), "{}", none.stdout);
}

#[test]
fn both_containers_of_a_hot_sidecar_are_told() {
    let mut wanted = written("agent:v2");
    wanted["spec"]["containers"][0]["upgradeStrategy"] =
        json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"});

    let told = as_json(&plan(&cluster(&[], &[], &[]), &wanted, &["-o", "json"]));

    assert_eq!(told["gives"][0]["containers"], json!(["agent-1 (agent:v2)", "agent-2 (empty:1)"]));
}

#[test]
fn what_is_told_of_one_namespace_keeps_the_budget_of_all() {
    let before = set("agent:v1");
    let mut elsewhere = carrying(&before, &pod("a"));
    elsewhere["metadata"]["namespace"] = "other".into();
    let pods = [elsewhere, carrying(&before, &pod("b"))];

    let told = as_json(&plan(&cluster(&[before], &[], &pods), &written("agent:v2"), &["-o", "json", "-n", "shop"]));

    assert_eq!(told["upgrades"], json!(["shop/b"]));
    assert_eq!(told["namespaces"], json!({"shop": {"carrying": 1, "missing": 0}}));
}

#[test]
fn without_a_cluster_nothing_is_guessed() {
    let ended = plan(&Server::start(), &written("agent:v1"), &[]);

    assert!(ended.stderr.starts_with("error: the server doesn't have a resource type"), "{}", ended.stderr);
    assert_eq!((ended.code, &*ended.stdout), (1, ""));
}

#[test]
fn what_a_set_takes_from_running_pods_is_told_with_their_number() {
    let before = set("agent:v1");
    let named = |name: &str, container: &str| {
        let mut pod = pod(name);
        pod["spec"]["containers"] =
            json!([{"name": container, "image": "web:7", "ports": [{"name": "http", "containerPort": 8080}]}]);
        pod
    };
    let pods =
        [carrying(&before, &named("a", "web")), carrying(&before, &named("b", "web")), running(named("c", "other"))];
    let mut wanted = written("agent:v1");
    wanted["spec"]["containers"] =
        json!([{"name": "web", "image": "agent:v1", "ports": [{"name": "http", "containerPort": 9090}]}]);

    let ended = plan(&cluster(&[before], &[], &pods), &wanted, &["-o", "name"]);

    assert!(
        ended.stderr.contains("log-sc: spec.containers[web].name: replaces container web in 2 pods, such as shop/a"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("not to 8080 of container other in 1 pod, such as shop/c"), "{}", ended.stderr);
}

#[test]
fn pods_that_would_be_rejected_are_told_with_the_reason() {
    let before = set("agent:v1");
    let mut tight = pod("tight");
    tight["spec"]["resources"] = json!({"requests": {"cpu": "100m"}});
    let pods = [carrying(&before, &tight), running(tight.clone()), carrying(&before, &pod("roomy"))];
    let mut pods = pods.to_vec();
    pods[1]["metadata"]["name"] = "without".into();
    let mut wanted = written("agent:v1");
    wanted["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "200m"}});

    let ended = plan(&cluster(&[before], &[], &pods), &wanted, &["-o", "json"]);

    let told = as_json(&ended);
    assert_eq!(told["rejected"][0]["pods"], json!(["shop/tight", "shop/without"]));
    let because = told["rejected"][0]["because"].as_str().unwrap();
    assert!(because.contains("spec.containers[agent].resources.requests.cpu of SidecarSet log-sc"), "{because}");
}
