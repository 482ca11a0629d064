//! `/mutate-pod`.

use crate::exchange::{Lookup, POD, ask, ask_in_vain, blank, create_pod, knowing, patched, sidecar_set};
use serde_json::{Value, json};

fn nginx() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
    })
}

fn in_namespaces_of(team: &str) -> Value {
    let mut set = sidecar_set("agent-set");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": team}});
    set
}

fn names(pod: &Value) -> Vec<&str> {
    pod["spec"]["containers"].as_array().unwrap().iter().map(|container| container["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_selected_pod_gets_the_sidecar() {
    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&nginx())).await;

    assert_eq!(response["allowed"], true);
    assert_eq!(names(&patched(&nginx(), &response)), ["agent", "nginx"]);
}

#[tokio::test]
async fn what_this_build_does_not_know_stays_where_it_is() {
    let mut pod = nginx();
    pod["metadata"]["ofTheFuture"] = json!({"a": [1, 2.50, "x"]});
    pod["spec"]["ofTheFuture"] = json!(null);
    pod["spec"]["containers"][0]["ofTheFuture"] = json!({"deep": {"er": true}});
    pod["topLevel"] = json!([[]]);

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    let mut after = patched(&pod, &response);
    let containers = after["spec"]["containers"].as_array_mut().unwrap();
    assert_eq!(containers.remove(0)["name"], "agent");
    let annotations = after["metadata"].as_object_mut().unwrap().remove("annotations").unwrap();
    assert_eq!(annotations["kruise.io/sidecarset-injected-list"], "agent-set");
    assert_eq!(after, pod);
}

#[tokio::test]
async fn a_pod_that_has_its_sidecars_is_left_as_it_is() {
    let sets = [sidecar_set("agent-set")];
    let first = ask(knowing(&sets, Lookup::NotExpected), POD, create_pod(&nginx())).await;

    let again = ask(knowing(&sets, Lookup::NotExpected), POD, create_pod(&patched(&nginx(), &first))).await;

    assert_eq!(again, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn a_pod_that_no_set_selects_is_left_as_it_is() {
    let mut pod = nginx();
    pod["metadata"]["labels"]["app"] = json!("redis");

    let response = ask(knowing(&[in_namespaces_of("a")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn a_pod_without_labels_is_left_as_it_is() {
    let mut pod = nginx();
    pod["metadata"].as_object_mut().unwrap().remove("labels");

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

// The API server resets both on creation: such a Pod runs like any other.
#[tokio::test]
async fn a_pod_created_from_the_manifest_of_one_that_failed_or_was_being_deleted_gets_the_sidecar() {
    let mut failed = nginx();
    failed["status"] = json!({"phase": "Failed", "reason": "Evicted"});
    let mut deleted = nginx();
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    deleted["metadata"]["deletionGracePeriodSeconds"] = json!(30);

    for pod in [failed, deleted] {
        let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

        assert_eq!(names(&patched(&pod, &response)), ["agent", "nginx"]);
    }
}

#[tokio::test]
async fn a_mirror_pod_is_left_as_it_is() {
    let mut pod = nginx();
    pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "1"});

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn a_subresource_is_left_as_it_is() {
    let mut request = create_pod(&nginx());
    request["subResource"] = json!("binding");
    request["kind"]["kind"] = json!("Binding");

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, request).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn an_update_is_left_as_it_is() {
    let mut request = create_pod(&nginx());
    request["operation"] = json!("UPDATE");

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, request).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn something_else_than_a_pod_is_refused() {
    let mut request = create_pod(&nginx());
    request["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    request["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});

    let response = ask(blank(), POD, request).await;

    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 400);
    let expected = "expected a Pod (v1) as v1/pods, got apps/v1/Deployment as apps/v1/deployments";
    assert_eq!(response["status"]["message"], expected);
}

#[tokio::test]
async fn a_pod_that_is_not_there_is_refused() {
    let response = ask(blank(), POD, create_pod(&json!(null))).await;

    assert_eq!(response["status"]["code"], 400);
    assert_eq!(response["status"]["message"], "the request to create a Pod has no object");
}

#[tokio::test]
async fn a_namespace_that_is_not_in_memory_is_looked_up() {
    let router = knowing(&[in_namespaces_of("a")], Lookup::Finds("team", "a"));

    let response = ask(router, POD, create_pod(&nginx())).await;

    assert_eq!(names(&patched(&nginx(), &response)), ["agent", "nginx"]);
}

#[tokio::test]
async fn a_namespace_with_other_labels_leaves_the_pod_as_it_is() {
    let router = knowing(&[in_namespaces_of("a")], Lookup::Finds("team", "b"));

    let response = ask(router, POD, create_pod(&nginx())).await;

    assert_eq!(response, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn what_becomes_of_a_pod_of_a_namespace_that_nobody_knows_is_not_for_us_to_say() {
    let status = ask_in_vain(knowing(&[in_namespaces_of("a")], Lookup::FindsNothing), POD, create_pod(&nginx())).await;

    assert_eq!(
        status,
        json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": 503,
            "message": "the SidecarSet operator does not know the labels of namespace \"shop\", on which it depends whether \
                        agent-set selects this pod: there is no such namespace",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_does_not_wait_for_a_namespace_longer_than_a_second() {
    let start = tokio::time::Instant::now();

    ask_in_vain(knowing(&[in_namespaces_of("a")], Lookup::NeverEnds), POD, create_pod(&nginx())).await;

    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test]
async fn the_pods_own_namespace_wins_over_the_requests() {
    let mut pod = nginx();
    pod["metadata"]["namespace"] = json!("mill");

    let status = ask_in_vain(knowing(&[in_namespaces_of("a")], Lookup::FindsNothing), POD, create_pod(&pod)).await;

    let message = status["message"].as_str().unwrap();
    assert!(message.contains("namespace \"mill\""), "{message}");
}

#[tokio::test]
async fn a_pod_of_no_namespace_is_in_the_default_one() {
    let mut request = create_pod(&nginx());
    request["namespace"] = json!("");

    let status = ask_in_vain(knowing(&[in_namespaces_of("a")], Lookup::FindsNothing), POD, request).await;

    let message = status["message"].as_str().unwrap();
    assert!(message.contains("namespace \"default\""), "{message}");
}

#[tokio::test]
async fn a_set_that_gives_its_namespaces_by_name_needs_no_labels_of_them() {
    let mut set = sidecar_set("agent-set");
    set["spec"]["namespace"] = json!("shop");

    let response = ask(knowing(&[set], Lookup::NotExpected), POD, create_pod(&nginx())).await;

    assert_eq!(names(&patched(&nginx(), &response)), ["agent", "nginx"]);
}

#[tokio::test]
async fn a_pod_that_an_invalid_set_selects_is_refused() {
    let mut set = sidecar_set("broken");
    set["spec"]["updateStrategy"] = json!({"type": "Sometimes"});

    let response = ask(knowing(&[set], Lookup::NotExpected), POD, create_pod(&nginx())).await;

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "SidecarSet \"broken\" selects this pod but is invalid: spec.updateStrategy.type: \"Sometimes\" is not one of \
         RollingUpdate, NotUpdate"
    );
}

#[tokio::test]
async fn a_pod_whose_sidecars_collide_is_refused() {
    let sets = [sidecar_set("one"), sidecar_set("two")];

    let response = ask(knowing(&sets, Lookup::NotExpected), POD, create_pod(&nginx())).await;

    assert_eq!(response["status"]["code"], 422);
    assert_eq!(
        response["status"]["message"],
        "the sidecars of SidecarSet one, two cannot be injected: SidecarSets one and two both inject a container \
         named agent"
    );
}

#[tokio::test]
async fn a_pod_that_is_no_pod_is_refused_and_not_panicked_over() {
    let mut pod = nginx();
    pod["spec"]["containers"] = json!("none");

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    assert_eq!(response["status"]["code"], 422);
}

#[tokio::test]
async fn the_author_of_a_pod_is_told_what_may_surprise() {
    let mut pod = nginx();
    pod["spec"]["containers"][0]["name"] = json!("agent");

    let response = ask(knowing(&[sidecar_set("agent-set")], Lookup::NotExpected), POD, create_pod(&pod)).await;

    assert_eq!(response["allowed"], true);
    let warning = response["warnings"][0].as_str().unwrap();
    assert!(warning.contains("agent"), "{warning}");
}
