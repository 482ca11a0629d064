//! How sets stand.

use crate::looking::server::{SETS, Server};
use crate::looking::world::{carrying, cluster, condition, observed, pod, running, set, waiting};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn complete() -> Value {
    let conditions = [condition("Progressing", "False", "Complete", "2 of 2 pods are updated and ready")];
    let counts = json!({
        "matchedPods": 2, "updatedPods": 2, "readyPods": 2, "updatedReadyPods": 2, "conditions": conditions,
    });
    observed(set("agent:v1"), &counts)
}

fn failed() -> Value {
    let conditions = [condition("Progressing", "False", "Halted", "1 of 2 pods failed")];
    let failure = json!({
        "generation": 3, "failedPods": 1, "message": "1 of 2 pods failed",
    });
    observed(set("agent:v1"), &json!({"matchedPods": 2, "conditions": conditions, "failure": failure}))
}

fn going_on() -> Value {
    let conditions = [condition("Progressing", "True", "Upgrading", "1 of 2 pods are updated")];
    observed(set("agent:v1"), &json!({"matchedPods": 2, "updatedPods": 1, "conditions": conditions}))
}

fn only(set: Value) -> Server {
    cluster(&[set], &[], &[])
}

#[test]
fn every_set_is_a_line() {
    let mut other = complete();
    other["metadata"]["name"] = "mesh".into();
    other["metadata"]["labels"] = json!({"team": "net"});
    let server = cluster(&[complete(), other], &[], &[]);

    let ended = server.run(&["status"]);

    let names: Vec<&str> = ended.words().iter().map(|line| line[0]).collect();
    assert_eq!(names, ["NAME", "log-sc", "mesh"]);
    assert!(ended.stdout.contains("2/2") && ended.stdout.contains("Complete"), "{}", ended.stdout);
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    assert_eq!(server.run(&["status", "-l", "team=net", "-o", "name"]).stdout, "sidecarset.apps.kruise.io/mesh\n");
}

#[test]
fn one_set_is_told_whole() {
    let (before, after) = (set("agent:v1"), set("agent:v2"));
    let conditions = [condition("Degraded", "True", "ImagePullFailing", "1 pod fails to pull agent:v2 (shop/failing)")];
    let counts =
        json!({"matchedPods": 2, "updatedPods": 1, "readyPods": 1, "notInjectedPods": 1, "conditions": conditions});
    let pods = [
        waiting(carrying(&after, &pod("failing")), "ImagePullBackOff", "Back-off pulling image \"agent:v2\""),
        carrying(&before, &pod("outdated")),
        running(pod("missing")),
    ];

    let ended = cluster(&[observed(after, &counts)], &[], &pods).run(&["status", "log-sc"]);

    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    for told in [
        "ImagePullFailing",
        "1 pod fails to pull agent:v2 (shop/failing)",
        "BudgetSpent",
        "as many Pods are unavailable as maxUnavailable allows",
        "Back-off pulling image \"agent:v2\"",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains('\u{1b}'), "colours where nobody sees them: {}", ended.stdout);
}

#[test]
fn of_many_failing_pods_the_first_are_told_and_how_many_more() {
    let set = set("agent:v1");
    let carrying = carrying(&set, &pod("web"));
    let failing = (0..13).map(|number| {
        let mut pod = waiting(carrying.clone(), "ImagePullBackOff", "not found");
        pod["metadata"]["name"] = format!("web-{number:02}").into();
        pod
    });
    let pods: Vec<Value> = failing.collect();

    let ended = cluster(&[observed(set, &json!({"matchedPods": 13}))], &[], &pods).run(&["status", "log-sc"]);

    assert!(ended.stdout.contains("web-09") && !ended.stdout.contains("web-10"), "{}", ended.stdout);
    assert!(ended.stdout.contains("and 3 more"), "{}", ended.stdout);
}

#[test]
fn a_status_that_speaks_of_an_earlier_spec_is_not_taken_for_the_present_one() {
    let mut set = complete();
    set["metadata"]["generation"] = 4.into();

    let ended = cluster(&[set], &[], &[]).run(&["status", "log-sc"]);

    assert!(ended.stdout.contains("NotObserved"), "{}", ended.stdout);
    assert!(!ended.words().iter().any(|line| line.starts_with(&["Rollout:", "Complete"])), "{}", ended.stdout);
}

#[test]
fn whoever_waits_for_a_rollout_that_is_complete_goes_on_at_once() {
    let ended = only(complete()).run(&["status", "log-sc", "--wait", "--timeout", "30s"]);

    assert_eq!((ended.code, &*ended.stderr), (0, ""));
}

#[test]
fn whoever_waits_for_a_rollout_that_has_failed_is_told_why() {
    let ended = only(failed()).run(&["status", "log-sc", "--wait", "--timeout", "30s"]);

    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.starts_with("error: the rollout of log-sc has failed (Halted): 1 of 2 pods failed"),
        "{}",
        ended.stderr
    );
}

#[test]
fn whoever_waits_no_longer_is_told_how_it_stands() {
    let began = Instant::now();

    let ended = only(going_on()).run(&["status", "log-sc", "--wait", "--timeout", "2s"]);

    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: timed out waiting for the rollout of log-sc"), "{}", ended.stderr);
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn whoever_waits_sees_each_change_as_a_line_until_the_end() {
    let ended = only(going_on()).then(complete()).run(&["status", "log-sc", "--wait", "--timeout", "30s"]);

    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.stdout);
    assert!(lines[0].starts_with("log-sc: 0/2 updated and ready, Upgrading"), "{}", ended.stdout);
    assert!(lines[1].starts_with("log-sc: 2/2 updated and ready, Complete"), "{}", ended.stdout);
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
}

#[test]
fn a_program_that_waits_reads_each_change_as_a_line_of_json() {
    let server = only(going_on()).then(complete());

    let ended = server.run(&["status", "log-sc", "--wait", "--timeout", "30s", "-o", "json"]);

    let events: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = events.iter().map(|it| (&it["type"], &it["object"]["rollout"])).collect();
    assert_eq!(told, [(&json!("ADDED"), &json!("Upgrading")), (&json!("MODIFIED"), &json!("Complete"))]);
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
}

// An API server that is overwhelmed is not asked again and again without a pause.
#[test]
fn a_watch_that_fails_is_asked_for_again_only_after_a_pause() {
    let server = only(going_on()).refuses(&format!("watch {SETS}"), 503, "ServiceUnavailable", "try again");

    server.run(&["status", "log-sc", "--wait", "--timeout", "3s"]);

    let asked = server.asked().len();
    assert!((2..30).contains(&asked), "it was asked {asked} times within 3 s");
}

#[test]
fn whoever_asks_a_busy_api_server_waits_some_seconds_and_is_told() {
    let server = only(going_on()).refuses(SETS, 503, "ServiceUnavailable", "the server is starting");
    let began = Instant::now();

    let ended = server.run(&["status"]);

    assert_eq!((ended.code, &*ended.stderr), (1, "Error from server (ServiceUnavailable): the server is starting\n"));
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    assert_eq!(server.asked().iter().filter(|asked| asked.contains("sidecarsets")).count(), 4);
}

#[test]
fn who_may_not_watch_is_told_so_and_does_not_wait() {
    let forbidden = "sidecarsets.apps.kruise.io is forbidden: User \"eve\" cannot watch resource \"sidecarsets\"";
    let server = only(going_on()).refuses(&format!("watch {SETS}"), 403, "Forbidden", forbidden);

    let ended = server.run(&["status", "log-sc", "--wait", "--timeout", "5s"]);

    assert!(ended.stderr.starts_with(&format!("Error from server (Forbidden): {forbidden}")), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
    let asked = server.asked().len();
    assert!(asked < 10, "it was asked {asked} times");
}

#[test]
fn a_set_that_is_deleted_while_the_watch_is_cut_is_not_waited_for() {
    let ended = only(going_on()).deletes_unseen().run(&["status", "log-sc", "--wait", "--timeout", "20s"]);

    assert_eq!((ended.code, &*ended.stderr), (1, "error: SidecarSet \"log-sc\" was deleted\n"));
}
