//! The past of a set is shown, and returns.

use crate::acting::script::{SET, SETS, Script, refusal, set};
use serde_json::{Value, json};

const PODS: &str = "GET /api/v1/pods";

fn revision(number: i64, suffix: &str, image: &str, version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": format!("log-sc-{suffix}"), "namespace": "sidecarset-system",
            "creationTimestamp": format!("2026-01-0{number}T00:00:00Z"),
            "labels": {
                "kruise.io/sidecarset-name": "log-sc", "apps.kruise.io/sidecarset-custom-version": version,
            },
        },
        "revision": number,
        "data": {"spec": {
            "$patch": "replace", "containers": [{"name": "agent", "image": image, "resources": {}}],
            "volumes": null,
        }},
    })
}

/// A set at its second definition, and what is beside it.
fn script() -> Script {
    let script = Script::start();
    let mut set = set();
    set["spec"]["containers"][0]["image"] = "agent:v2".into();
    set["spec"]["customVersion"] = "second".into();
    let revisions = [revision(1, "a", "agent:v1", "first"), revision(2, "b", "agent:v2", "second")];
    script.answers(&format!("GET {SETS}"), 200, &json!({"metadata": {}, "items": [set]}));
    script.answers(&format!("GET {SET}"), 200, &set);
    script.answers(&format!("PATCH {SET}"), 200, &set);
    script.answers("GET /api/v1/namespaces", 200, &json!({"metadata": {}, "items": []}));
    script.answers("GET /apis/apps/v1/controllerrevisions", 200, &json!({"metadata": {}, "items": revisions}));
    script
}

/// A Pod that carries a revision.
fn pod(revision: &str) -> Value {
    let hash = json!({"log-sc": {
        "updateTimestamp": "2026-01-01T00:00:00Z", "hash": "x", "sidecarSetName": "log-sc", "sidecarList": ["agent"],
        "controllerRevision": revision,
    }});
    json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u2", "resourceVersion": "1",
            "annotations": {
                "kruise.io/sidecarset-injected-list": "log-sc", "kruise.io/sidecarset-hash": hash.to_string(),
                "kruise.io/sidecarset-hash-without-image": hash.to_string(),
            },
        },
        "spec": {"containers": []}, "status": {"phase": "Running"},
    })
}

#[test]
fn the_past_is_listed_with_the_pods_that_carry_it() {
    let script = script();
    script.answers(PODS, 200, &json!({"metadata": {}, "items": [pod("log-sc-a")]}));

    let ended = script.run(&["history", "log-sc"]);

    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["REVISION", "NAME", "CREATED", "CUSTOM-VERSION", "STATE", "PODS", "IMAGES"]);
    assert_eq!(lines[1], ["1", "log-sc-a", "2026-01-01T00:00:00Z", "first", "past", "1", "agent=agent:v1"]);
    assert_eq!(lines[2], ["2", "log-sc-b", "2026-01-02T00:00:00Z", "second", "present", "0", "agent=agent:v2"]);
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
}

#[test]
fn who_may_not_read_pods_sees_the_past_without_their_count() {
    let script = script();
    script.answers(PODS, 403, &refusal(403, "Forbidden", "pods is forbidden", ""));

    let ended = script.run(&["history", "log-sc"]);

    assert!(ended.stdout.contains("past      <unknown>   agent=agent:v1"), "{}", ended.stdout);
    assert_eq!((ended.code, &*ended.stderr), (0, "note: Pods are not counted: pods is forbidden\n"));
}

#[test]
fn a_revision_is_shown_and_what_changed_with_it() {
    let script = script();

    let shown = script.run(&["history", "log-sc", "--revision=1"]);
    assert_eq!((shown.code, &*shown.stdout), (0, "containers:\n- image: agent:v1\n  name: agent\n"));

    let changed = script.run(&["history", "log-sc", "--revision=log-sc-b", "--diff"]);
    let head = "--- revision 1 (log-sc-a)\n+++ revision 2 (log-sc-b)\n";
    let change = " containers:\n-- image: agent:v1\n+- image: agent:v2\n   imagePullPolicy: IfNotPresent\n";
    assert!(changed.stdout.starts_with(head) && changed.stdout.contains(change), "{}", changed.stdout);
    assert_eq!(changed.code, 0);
}

#[test]
fn a_revision_that_there_is_not_is_told_with_those_that_there_are() {
    let ended = script().run(&["history", "log-sc", "--revision=7"]);

    let told = "error: sidecarset \"log-sc\" has no revision 7\nhint: it has 1, 2\n";
    assert_eq!((ended.code, &*ended.stderr), (1, told));
}

#[test]
fn the_definition_before_returns_with_its_version() {
    let script = script();

    let ended = script.run(&["undo", "log-sc"]);

    let told = "sidecarset.apps.kruise.io/log-sc rolled back to revision 1 (log-sc-a)\n";
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, told, ""));
    let patch = json!([
        {"op": "replace", "path": "/spec/containers/0/image", "value": "agent:v1"},
        {"op": "replace", "path": "/spec/customVersion", "value": "first"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
    ]);
    assert_eq!(script.writes(), [(format!("PATCH {SET}?&fieldManager=sidecarset-cli"), patch)]);
}

#[test]
fn the_definition_that_is_there_is_not_written_again() {
    let script = script();

    let ended = script.run(&["undo", "log-sc", "--to-revision", "2"]);

    let told =
        "sidecarset.apps.kruise.io/log-sc not rolled back: it has the definition of revision 2 (log-sc-b) already\n";
    assert_eq!((ended.code, &*ended.stdout), (0, told));
    assert_eq!(script.writes(), []);
}

#[test]
fn a_definition_of_somebody_else_is_not_taken_back() {
    let script = Script::start();
    let mut changed = set();
    changed["metadata"]["generation"] = 4.into();
    script.answers(&format!("GET {SETS}"), 200, &json!({"metadata": {}, "items": [set()]}));
    script.answers(&format!("GET {SET}"), 200, &changed);
    script.answers("GET /api/v1/namespaces", 200, &json!({"metadata": {}, "items": []}));
    let revisions = [revision(1, "a", "agent:v0", "first"), revision(2, "b", "agent:v1", "second")];
    script.answers("GET /apis/apps/v1/controllerrevisions", 200, &json!({"metadata": {}, "items": revisions}));

    let ended = script.run(&["undo", "log-sc"]);

    let told = "error: sidecarset \"log-sc\" was changed by somebody else meanwhile\nhint: nothing was taken back: ";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    assert_eq!((ended.code, script.writes()), (1, Vec::new()));
}

#[test]
fn a_set_without_a_past_has_nothing_to_return_to() {
    let script = Script::start();
    script.answers(&format!("GET {SETS}"), 200, &json!({"metadata": {}, "items": [set()]}));
    script.answers("GET /api/v1/namespaces", 200, &json!({"metadata": {}, "items": []}));
    let revisions = [revision(1, "a", "agent:v1", "first")];
    script.answers("GET /apis/apps/v1/controllerrevisions", 200, &json!({"metadata": {}, "items": revisions}));

    let ended = script.run(&["undo", "log-sc"]);

    let told = "error: sidecarset \"log-sc\" has no revision before its present definition\n";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
}
