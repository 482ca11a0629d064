use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::Kind;
use serde_json::{Value, json};
use sidecarset_core::catalog::Entry;
use sidecarset_core::registration::{Coverage, RegisteredScopes};

fn injecting(cluster: &Cluster) -> (String, String) {
    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let conditions = status["conditions"].as_array().unwrap();
    let condition = conditions.iter().find(|condition| condition["type"] == "Injecting").unwrap();
    let text = |member: &str| condition[member].as_str().unwrap().to_owned();
    (text("status"), text("reason"))
}

fn told(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn in_force(set: &Value) -> RegisteredScopes {
    let entry = Entry::new(&serde_json::from_value(set.clone()).unwrap());
    RegisteredScopes::new(entry.scope().into_iter().map(|scope| (scope, Coverage::Exact)).collect())
}

#[tokio::test(start_paused = true)]
async fn a_set_says_when_the_api_server_knows_of_it() {
    let definition = set("agent:1", 1);
    let cluster = Cluster::new(&definition, &[]);
    cluster.in_force.send_replace(RegisteredScopes::new([].into()));
    let _operator = cluster.start().await;
    let before = injecting(&cluster);

    cluster.in_force.send_replace(in_force(&definition));
    settle().await;

    assert_eq!((before, injecting(&cluster)), (told("False", "NotRegistered"), told("True", "Registered")));
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_take_back_that_the_api_server_knows_of_a_set() {
    let definition = set("agent:1", 1);
    let cluster = Cluster::new(&definition, &[]);
    cluster.in_force.send_replace(in_force(&definition));
    cluster.start().await.stop().await;
    let writes = cluster.status_writes().len();

    cluster.in_force.send_replace(RegisteredScopes::default());
    let _operator = cluster.start().await;
    cluster.in_force.send_replace(in_force(&definition));
    settle().await;

    assert_eq!(cluster.status_writes().len(), writes);
    assert_eq!(injecting(&cluster), told("True", "Registered"));
}

#[tokio::test(start_paused = true)]
async fn a_set_whose_definition_cannot_be_acted_on_injects_nothing() {
    let mut definition = set("agent:1", 1);
    definition["spec"]["containers"] = json!([]);
    let cluster = Cluster::new(&definition, &[]);

    let _operator = cluster.start().await;

    assert_eq!(injecting(&cluster), told("False", "InvalidSpec"));
}

#[tokio::test(start_paused = true)]
async fn others_are_told_only_when_other_pods_may_be_selected() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    let mut selection = cluster.selection.subscribe();
    let _operator = cluster.start().await;
    assert!(selection.has_changed().unwrap());
    selection.mark_unchanged();

    cluster.set_image("agent:2");
    settle().await;
    let after_image = selection.has_changed().unwrap();
    cluster.edit_set(|spec| spec["namespace"] = json!("shop"));
    settle().await;

    assert!(!after_image);
    assert!(selection.has_changed().unwrap());
}
