//! The revisions that the controller writes.

use super::cluster::{Cluster, settle};
use super::objects::{revision, set};
use super::server::{Fault, Kind};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// What the revision of each image is called.
const FIRST: &str = "log-sc-7d44b88555";
const SECOND: &str = "log-sc-659cdf7f46";
/// What the first one is called where that name is another object's.
const FIRST_AFTER_COLLISION: &str = "log-sc-7d44b88554";

/// The name and number of each revision.
fn revisions(cluster: &Cluster) -> Vec<(String, i64)> {
    cluster.change(|state| {
        let revisions = state.objects[Kind::Revisions as usize].iter();
        revisions.map(|(name, object)| (name.clone(), object["revision"].as_i64().unwrap())).collect()
    })
}

fn stored(revisions: &[(&str, i64)]) -> Vec<(String, i64)> {
    revisions.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
}

/// The revision that a Pod names.
fn recorded(cluster: &Cluster, pod: &str) -> Value {
    let annotations =
        cluster.change(|state| state.objects[Kind::Pods as usize][pod]["metadata"]["annotations"].clone());
    let text = annotations["kruise.io/sidecarset-hash"].as_str().unwrap();
    serde_json::from_str::<Value>(text).unwrap()["log-sc"]["controllerRevision"].take()
}

#[tokio::test(start_paused = true)]
async fn the_definition_of_a_new_set_is_stored_once() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    sleep(Duration::from_secs(3600)).await;

    let writes = cluster.revision_writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].method, Method::POST);
    assert_eq!(
        writes[0].path,
        "/apis/apps/v1/namespaces/sidecarset-system/controllerrevisions?&fieldManager=sidecarset-operator"
    );
    assert_eq!(
        (&writes[0].body["kind"], &writes[0].body["apiVersion"]),
        (&"ControllerRevision".into(), &"apps/v1".into())
    );
    assert_eq!(writes[0].body["data"]["spec"]["containers"][0]["image"], "agent:1");
    assert_eq!(revisions(&cluster), stored(&[(FIRST, 1)]));
    let counts = cluster.counts();
    assert_eq!((&counts["latestRevision"], &counts["collisionCount"]), (&FIRST.into(), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_a_second_revision_and_the_upgraded_pods_name_it() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2), (FIRST, 1)]));
    assert_eq!(recorded(&cluster, "a"), SECOND);
    assert_eq!(cluster.counts()["latestRevision"], SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_renumbers_the_first_revision() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;

    cluster.set_image("agent:1");
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2), (FIRST, 3)]));
    assert_eq!(recorded(&cluster, "a"), FIRST);
    assert_eq!(cluster.counts()["latestRevision"], FIRST);
    assert_eq!(cluster.revision_writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_changed_before_it_was_renumbered_is_looked_at_again() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    cluster.fail(FIRST, &[Fault::Code(409), Fault::Code(404)]);

    cluster.set_image("agent:1");
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2), (FIRST, 3)]));
    assert_eq!(cluster.revision_writes().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_past_is_cut_to_its_limit_but_for_what_pods_have() {
    let mut definition = set("agent:1", "100%");
    definition["spec"]["revisionHistoryLimit"] = json!(1);
    let cluster = Cluster::new(&definition, &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2)]));

    cluster.edit_set(|spec| spec["updateStrategy"]["paused"] = true.into());
    cluster.set_image("agent:3");
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2), ("log-sc-65d9b6c65c", 3)]));
}

#[tokio::test(start_paused = true)]
async fn pods_and_status_do_not_wait_for_a_revision_that_cannot_be_written() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail(SECOND, &[Fault::Code(403); 5]);

    cluster.set_image("agent:2");
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(recorded(&cluster, "a"), SECOND);
    assert_eq!(cluster.counts()["updatedPods"], 1);
    assert_eq!(cluster.counts()["latestRevision"], FIRST);
    sleep(Duration::from_secs(60)).await;

    assert_eq!(revisions(&cluster), stored(&[(SECOND, 2), (FIRST, 1)]));
    assert_eq!(cluster.counts()["latestRevision"], SECOND);
    assert_eq!(cluster.revision_writes().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_revision_whose_creation_nobody_confirmed_is_taken_as_it_is() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    cluster.fail(FIRST, &[Fault::Silence]);
    let _operator = cluster.start().await;
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(FIRST, 1)]));
    assert_eq!(cluster.counts()["latestRevision"], FIRST);
    assert_eq!(cluster.counts()["collisionCount"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_another_objects_is_given_up() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let mut other = revision(FIRST, "other:1");
    other["metadata"]["ownerReferences"] = json!([]);
    cluster.change(|state| state.put(Kind::Revisions, other));
    let _operator = cluster.start().await;
    settle().await;

    assert_eq!(revisions(&cluster), stored(&[(FIRST_AFTER_COLLISION, 2), (FIRST, 1)]));
    let counts = cluster.counts();
    assert_eq!((&counts["latestRevision"], &counts["collisionCount"]), (&FIRST_AFTER_COLLISION.into(), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn the_revision_of_a_deleted_set_of_the_name_is_waited_for_and_not_used() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let mut leftover = revision(FIRST, "agent:1");
    leftover["metadata"]["ownerReferences"][0]["uid"] = "uid-of-the-deleted-one".into();
    cluster.change(|state| state.put(Kind::Revisions, leftover));
    let _operator = cluster.start().await;
    settle().await;
    assert_eq!(cluster.counts().get("latestRevision"), None);

    cluster.change(|state| state.remove(Kind::Revisions, FIRST));
    sleep(Duration::from_secs(60)).await;

    assert_eq!(revisions(&cluster), stored(&[(FIRST, 1)]));
    let counts = cluster.counts();
    assert_eq!((&counts["latestRevision"], &counts["collisionCount"]), (&FIRST.into(), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_somebody_deletes_is_written_again_unless_the_set_goes_too() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.change(|state| state.remove(Kind::Revisions, FIRST));
    settle().await;
    assert_eq!(revisions(&cluster), stored(&[(FIRST, 1)]));
    assert_eq!(cluster.revision_writes().len(), 2);
    cluster.change(|state| {
        let mut set = state.objects[Kind::Sets as usize]["log-sc"].clone();
        set["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
        set["metadata"]["generation"] = 2.into();
        state.put(Kind::Sets, set);
    });
    settle().await;
    cluster.change(|state| state.remove(Kind::Revisions, FIRST));
    settle().await;

    assert_eq!(revisions(&cluster), []);
}

#[tokio::test(start_paused = true)]
async fn a_set_whose_deletion_is_told_after_that_of_its_revisions_gets_none_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.change(|state| state.remove(Kind::Revisions, FIRST));
    sleep(Duration::from_millis(500)).await;
    cluster.change(|state| state.remove(Kind::Sets, "log-sc"));
    settle().await;

    assert_eq!(cluster.revision_writes().len(), 1);
}
