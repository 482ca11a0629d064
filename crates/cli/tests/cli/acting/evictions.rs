//! Pods that have to be created anew are evicted.

use crate::acting::script::{SET, SETS, Script, refusal, set};
use serde_json::{Value, json};

const EVICTION: &str = "POST /api/v1/namespaces/shop/pods/web-0/eviction";
const POD: &str = "GET /api/v1/namespaces/shop/pods/web-0";
const PODS: &str = "GET /api/v1/namespaces/shop/pods";

/// A Pod that the set selects. It has got its sidecars, and is ready, or neither.
fn pod(name: &str, uid: &str, has_sidecars: bool) -> Value {
    let mut annotations = json!({});
    if has_sidecars {
        annotations["kruise.io/sidecarset-injected-list"] = "log-sc".into();
    }
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": true});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": uid, "resourceVersion": "1", "labels": {"app": "web"},
            "annotations": annotations, "ownerReferences": [owner],
        },
        "spec": {"containers": []},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn list(items: &[Value]) -> Value {
    json!({"metadata": {}, "items": items})
}

/// A set, and Pods without its sidecars.
fn script(pods: &[Value]) -> Script {
    let script = Script::start();
    let namespace = json!({"metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop"}}});
    script.answers(&format!("GET {SETS}"), 200, &list(&[set()]));
    script.answers(&format!("GET {SET}"), 200, &set());
    script.answers("GET /api/v1/namespaces", 200, &list(&[namespace]));
    script.answers("GET /apis/apps/v1/controllerrevisions", 200, &list(&[]));
    script.answers("GET /api/v1/pods", 200, &list(pods));
    for pod in pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        script.answers(&format!("GET /api/v1/namespaces/shop/pods/{name}"), 200, pod);
    }
    script.answers(PODS, 200, &list(pods));
    script
}

fn evicted() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201})
}

fn protected() -> Value {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut status = refusal(429, "TooManyRequests", message, "web-0");
    let cause = "The disruption budget web needs 1 healthy pods and has 1 currently";
    status["details"]["causes"] = json!([{"reason": "DisruptionBudget", "message": cause}]);
    status["details"]["retryAfterSeconds"] = 1.into();
    status
}

const WAITS: &str = "Cannot evict pod as it would violate the pod's disruption budget: \
                     The disruption budget web needs 1 healthy pods and has 1 currently";

#[test]
fn a_pod_that_a_budget_protects_is_evicted_once_that_allows_it() {
    let script = script(&[pod("web-0", "u0", false)]);
    script.answers(EVICTION, 429, &protected()).answers(EVICTION, 201, &evicted());
    script.answers(PODS, 200, &list(&[pod("web-0", "u0", false)]));
    script.answers(PODS, 200, &list(&[pod("web-1", "u1", true)]));

    let ended = script.run(&["restart-outdated", "log-sc"]);

    assert_eq!(ended.stdout, "pod/web-0 evicted from namespace shop: missing\n");
    let told = format!(
        "evicting pod shop/web-0\npod shop/web-0 has to wait: {WAITS}\npod shop/web-1 is ready in the place of web-0\n"
    );
    assert_eq!((ended.code, ended.stderr), (0, told));
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web-0", "namespace": "shop"},
        "deleteOptions": {"preconditions": {"uid": "u0"}},
    });
    let line = format!("{EVICTION}?");
    assert_eq!(script.writes(), [(line.clone(), eviction.clone()), (line, eviction)]);
}

#[test]
fn a_budget_that_does_not_allow_it_in_time_is_told() {
    let script = script(&[pod("web-0", "u0", false)]);
    script.answers(EVICTION, 429, &protected());

    let ended = script.run(&["restart-outdated", "log-sc", "--timeout=1s"]);

    assert!(
        ended.stderr.ends_with(&format!("error: pod shop/web-0: not allowed within 1 s: {WAITS}\n")),
        "{}",
        ended.stderr
    );
    assert_eq!((ended.code, &*ended.stdout), (1, ""));
}

#[test]
fn no_further_pod_is_evicted_when_one_comes_back_without_its_sidecars() {
    let script = script(&[pod("web-0", "u0", false), pod("web-1", "u1", false)]);
    script.answers(EVICTION, 201, &evicted());
    script.answers(PODS, 200, &list(&[pod("web-1", "u1", false), pod("web-2", "u2", false)]));

    let ended = script.run(&["restart-outdated", "log-sc"]);

    let told = "error: pod shop/web-0: web-2, which came in its place, has not got the sidecars of log-sc\n\
                error: 1 more Pods were not touched: run it again when the reason is gone\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
    assert_eq!((ended.code, script.writes().len()), (1, 1));
}

#[test]
fn no_further_pod_is_evicted_when_none_comes_in_its_place() {
    let script = script(&[pod("web-0", "u0", false), pod("web-1", "u1", false)]);
    script.answers(EVICTION, 201, &evicted());

    let ended = script.run(&["restart-outdated", "log-sc", "--timeout=1s", "--limit=1"]);

    let told = "note: 1 more Pods have to be created anew: --limit leaves them for the next time\n\
                error: pod shop/web-0: no Pod that log-sc selects came in its place within 1 s\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
    assert_eq!((ended.code, script.writes().len()), (1, 1));
}

#[test]
fn of_two_that_are_on_their_way_it_does_not_matter_which_new_one_comes_for_which() {
    let script = script(&[pod("web-0", "u0", false), pod("web-1", "u1", false)]);
    script.answers(EVICTION, 201, &evicted());
    script.answers("POST /api/v1/namespaces/shop/pods/web-1/eviction", 201, &evicted());
    // The one that comes for the first is there before the second is evicted.
    script.answers(PODS, 200, &list(&[pod("web-1", "u1", false), pod("web-2", "u2", true)]));
    script.answers(PODS, 200, &list(&[pod("web-3", "u3", true), pod("web-2", "u2", true)]));

    let ended = script.run(&["restart-outdated", "log-sc", "--max-unavailable=2", "--timeout=5s"]);

    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 2), "{}", ended.stderr);
    assert!(ended.stderr.ends_with("pod shop/web-3 is ready in the place of web-1\n"), "{}", ended.stderr);
}

#[test]
fn a_pod_that_nothing_creates_anew_is_left_alone_without_force() {
    let mut lonely = pod("web-0", "u0", false);
    lonely["metadata"]["ownerReferences"] = json!([]);
    let script = script(&[lonely]);
    script.answers(EVICTION, 201, &evicted());

    let spared = script.run(&["restart-outdated", "log-sc"]);
    let told = "leaving pod shop/web-0 alone: nothing would create it anew (--force evicts it all the same)\n";
    assert_eq!((spared.code, &*spared.stdout, &*spared.stderr), (0, "", told));

    let forced = script.run(&["restart-outdated", "log-sc", "--force", "--output=name"]);
    assert_eq!((forced.code, &*forced.stdout), (0, "pod/web-0\n"));
}

#[test]
fn a_pod_that_is_another_one_by_now_is_not_evicted() {
    let script = script(&[pod("web-0", "u0", false)]);
    script.answers(EVICTION, 409, &refusal(409, "Conflict", "the UID in the precondition does not match", "web-0"));

    let ended = script.run(&["restart-outdated", "log-sc", "--output=json"]);

    let rows: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &rows[0]["outcome"]), (0, &json!("gone")));
}

#[test]
fn a_dry_run_of_the_server_says_what_would_have_to_wait() {
    let script = script(&[pod("web-0", "u0", false), pod("web-1", "u1", false)]);
    script.answers(EVICTION, 429, &protected());
    script.answers("POST /api/v1/namespaces/shop/pods/web-1/eviction", 201, &evicted());

    let ended = script.run(&["restart-outdated", "log-sc", "--dry-run=server"]);

    assert_eq!(ended.stdout, "pod/web-1 evicted from namespace shop: missing (server dry run)\n");
    assert!(ended.stderr.contains(&format!("pod shop/web-0 would have to wait: {WAITS}\n")), "{}", ended.stderr);
    assert_eq!((ended.code, &*script.writes()[0].0), (0, &*format!("{EVICTION}?&dryRun=All")));
}

#[test]
fn a_dry_run_of_the_client_asks_for_no_eviction() {
    let script = script(&[pod("web-0", "u0", false)]);

    let ended = script.run(&["restart-outdated", "log-sc", "--dry-run=client"]);

    assert_eq!((ended.code, &*ended.stdout), (0, "pod/web-0 evicted from namespace shop: missing (dry run)\n"));
    assert_eq!(script.writes(), []);
}

#[test]
fn who_may_not_evict_is_told_once() {
    let script = script(&[pod("web-0", "u0", false), pod("web-1", "u1", false)]);
    script.answers(EVICTION, 403, &refusal(403, "Forbidden", "pods \"web-0\" is forbidden", "web-0"));

    let ended = script.run(&["restart-outdated", "log-sc"]);

    assert!(ended.stderr.contains("error: pod shop/web-0: pods \"web-0\" is forbidden\n"), "{}", ended.stderr);
    assert_eq!((ended.code, script.writes().len()), (1, 1));
}

#[test]
fn nothing_is_evicted_for_a_set_that_was_changed_meanwhile() {
    let script = script(&[pod("web-0", "u0", false)]);
    let mut changed = set();
    changed["metadata"]["generation"] = 4.into();
    // The first answer is used up by the first run.
    script.answers(&format!("GET {SET}"), 200, &changed);
    script.answers(EVICTION, 409, &refusal(409, "Conflict", "no", "web-0"));
    script.run(&["restart-outdated", "log-sc"]);

    let ended = script.run(&["restart-outdated", "log-sc"]);

    let told = "error: sidecarset \"log-sc\" was changed meanwhile: no further Pod is evicted\n";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    assert_eq!((ended.code, script.writes().len()), (1, 1));
}

#[test]
fn nothing_is_evicted_while_new_pods_would_not_get_the_sidecars() {
    let script = Script::start();
    let mut paused = set();
    paused["spec"]["injectionStrategy"] = json!({"paused": true});
    script.answers(&format!("GET {SETS}"), 200, &list(&[paused]));
    script.answers("GET /api/v1/namespaces", 200, &list(&[]));
    script.answers("GET /apis/apps/v1/controllerrevisions", 200, &list(&[]));
    script.answers("GET /api/v1/pods", 200, &list(&[]));

    let ended = script.run(&["restart-outdated", "log-sc"]);

    let told = "error: new Pods would not get the sidecars of \"log-sc\": its injection is paused\n\
                hint: `sidecarset resume log-sc --injection` lets it go on\n";
    assert_eq!((ended.code, &*ended.stderr), (1, told));
}

#[test]
fn the_pod_is_looked_at_before_it_is_evicted() {
    let script = script(&[pod("web-0", "u0", false)]);
    let mut leaving = pod("web-0", "u0", false);
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    script.answers(POD, 200, &leaving);
    script.run(&["restart-outdated", "log-sc", "--dry-run=client"]);

    let ended = script.run(&["restart-outdated", "log-sc"]);

    assert_eq!((ended.code, &*ended.stdout, script.writes()), (0, "", Vec::new()));
}
