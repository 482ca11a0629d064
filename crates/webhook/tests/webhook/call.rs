//! `/mutate-pod/POLICY/SCOPE`: what the API server knows when it calls.

use crate::exchange::{Lookup, POD, Stored, ask, ask_in_vain, context, create_pod, patched, sidecar_set};
use axum::Router;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, Entry, SetIdentity};
use sidecarset_webhook::server::router;
use sidecarset_webhook::{Confirmation, Context};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

fn nginx() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
    })
}

fn of_team(team: &str) -> Value {
    let mut set = sidecar_set("agent-set");
    set["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": team}});
    set
}

fn ignoring(mut set: Value) -> Value {
    set["spec"]["injectionStrategy"] = json!({"failurePolicy": "Ignore"});
    set
}

/// A router that knows a set, and that the namespace `shop` is one of this team.
fn knowing(set: &Value, team: &str, lookup: Lookup) -> Router {
    let mut catalog = Catalog::default();
    catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    let labels = [("team", team), ("kubernetes.io/metadata.name", "shop")];
    catalog.put_namespace("shop", labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    router(context(catalog, lookup))
}

/// Where the API server calls for the sets that depend on this team.
fn matching(team: &str) -> String {
    let scope = Entry::new(&serde_json::from_value(of_team(team)).unwrap()).scope().unwrap();
    format!("{POD}/fail/{}", scope.namespaces.label_requirements().unwrap().digest())
}

fn is_injected(response: &Value) -> bool {
    response.get("patch").is_some() && patched(&nginx(), response)["spec"]["containers"][0]["name"] == "agent"
}

#[tokio::test]
async fn a_namespace_of_which_the_api_server_knows_a_newer_label_is_looked_up() {
    let router = knowing(&of_team("red"), "blue", Lookup::Finds("team", "red"));

    assert!(is_injected(&ask(router, &matching("red"), create_pod(&nginx())).await));
}

#[tokio::test]
async fn where_the_namespace_cannot_be_read_what_the_api_server_has_found_counts() {
    let router = knowing(&of_team("red"), "blue", Lookup::FindsNothing);

    assert!(is_injected(&ask(router, &matching("red"), create_pod(&nginx())).await));
}

#[tokio::test]
async fn what_the_api_server_has_not_looked_at_is_looked_up() {
    let path = format!("{POD}/fail/unjudged");
    let router = |lookup| knowing(&of_team("red"), "blue", lookup);

    let found = ask(router(Lookup::Finds("team", "red")), &path, create_pod(&nginx())).await;
    ask_in_vain(router(Lookup::FindsNothing), &path, create_pod(&nginx())).await;

    assert!(is_injected(&found));
}

#[tokio::test]
async fn a_call_for_sets_of_one_policy_is_answered_although_those_of_the_other_are_in_doubt() {
    let router = knowing(&ignoring(of_team("red")), "blue", Lookup::FindsNothing);

    let answer = ask(router.clone(), &format!("{POD}/fail/unjudged"), create_pod(&nginx())).await;
    ask_in_vain(router, &format!("{POD}/ignore/unjudged"), create_pod(&nginx())).await;

    assert_eq!(answer, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn a_path_of_another_version_is_answered_with_all_care() {
    let router = |lookup| knowing(&of_team("red"), "blue", lookup);

    for path in ["warn/named", "fail/of-another-version", "fail/%FF"] {
        let path = format!("{POD}/{path}");
        assert!(is_injected(&ask(router(Lookup::Finds("team", "red")), &path, create_pod(&nginx())).await), "{path}");
    }
}

/// What a webhook knows that knows no set, while the API server has this one.
fn behind(name: &str) -> Context {
    let set = SetIdentity { name: name.to_owned(), uid: None, generation: 0 };
    let confirmation = Arc::new(Confirmation::new(Arc::new(Stored(vec![set]))));
    Context { confirmation, ..context(Catalog::default(), Lookup::NotExpected) }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_called_for_a_set_that_it_does_not_know_waits_for_it() {
    let context = behind("agent-set");
    let router = router(context.clone());

    let arrival = async {
        sleep(Duration::from_millis(300)).await;
        context.catalog.write().put_set(&serde_json::from_value(sidecar_set("agent-set")).unwrap());
    };
    let path = format!("{POD}/fail/named");
    let (answer, ()) = tokio::join!(ask(router, &path, create_pod(&nginx())), arrival);

    assert!(is_injected(&answer));
}

#[tokio::test(start_paused = true)]
async fn a_set_that_does_not_come_is_not_a_pod_without_sidecars() {
    let status = ask_in_vain(router(behind("agent-set")), &format!("{POD}/fail/named"), create_pod(&nginx())).await;

    assert_eq!(
        status["message"],
        "the SidecarSet operator knows no SidecarSet for which the API server could have called it: \
         SidecarSet \"agent-set\" is not known yet"
    );
}

#[tokio::test]
async fn a_set_that_is_gone_is_not_waited_for() {
    let context = context(Catalog::default(), Lookup::NotExpected);

    let answer = ask(router(context), &format!("{POD}/fail/named"), create_pod(&nginx())).await;

    assert_eq!(answer, json!({"uid": "11", "allowed": true}));
}

#[tokio::test]
async fn whoever_may_be_called_for_every_pod_has_nothing_confirmed() {
    let answer = ask(router(behind("agent-set")), &format!("{POD}/fail/any"), create_pod(&nginx())).await;

    assert_eq!(answer, json!({"uid": "11", "allowed": true}));
}
