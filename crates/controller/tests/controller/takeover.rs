//! The controller where Kruise was before.

use super::cluster::{Cluster, settle};
use super::kruise::{Counts, Left, is_upgradable, left};
use super::server::Kind;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::revision::Record;
use std::time::Duration;
use tokio::time::sleep;

const PINNED: &str = "a_set_that_gives_new_pods_a_past_definition";
const IN_THE_MIDDLE: &str = "a_rollout_in_the_middle_of_an_upgrade";

/// The cluster, with the revisions of Kruise where the operator keeps its own.
fn cluster(left: &Left) -> Cluster {
    let cluster = without_revisions(left);
    cluster.change(|state| {
        for revision in &left.revisions {
            let mut revision = revision.clone();
            revision["metadata"]["namespace"] = "sidecarset-system".into();
            state.put(Kind::Revisions, revision);
        }
    });
    cluster
}

fn without_revisions(left: &Left) -> Cluster {
    let cluster = Cluster::new(&left.set, &[]);
    cluster.change(|state| left.pods.iter().for_each(|pod| state.put(Kind::Pods, pod.clone())));
    cluster
}

fn set(cluster: &Cluster) -> Value {
    cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"].clone())
}

fn pods(cluster: &Cluster) -> Vec<Value> {
    cluster.change(|state| state.objects[Kind::Pods as usize].values().cloned().collect())
}

/// Changes the image of the set, as a person does and then our webhook.
fn release(cluster: &Cluster, image: &str) {
    let old = set(cluster);
    let mut new = old.clone();
    new["spec"]["containers"][0]["image"] = image.into();
    new["metadata"]["generation"] = (old["metadata"]["generation"].as_i64().unwrap() + 1).into();
    let [old, written]: [SidecarSet; 2] = [old, new.clone()].map(|set| serde_json::from_value(set).unwrap());
    for (key, value) in Record::of(&written, Some(&old)).annotations() {
        new["metadata"]["annotations"][key] = value.into();
    }
    cluster.change(|state| state.put(Kind::Sets, new));
}

fn written_to_pods(cluster: &Cluster) -> usize {
    cluster.upgrades().len() + cluster.condition_writes().len()
}

/// What is the same Pod, with the same containers.
fn identities(pods: &[Value]) -> Vec<Value> {
    let names = |pod: &Value| -> Value {
        pod["spec"]["containers"].as_array().unwrap().iter().map(|container| container["name"].clone()).collect()
    };
    pods.iter().map(|pod| json!([pod["metadata"]["uid"], names(pod)])).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_but_the_status_of_a_set_is_written_where_kruise_was_before() {
    for left in left() {
        let cluster = cluster(&left);
        let before = pods(&cluster);

        let operator = cluster.start().await;
        sleep(Duration::from_secs(3600)).await;
        operator.stop().await;

        assert_eq!(pods(&cluster), before, "{}", left.claim);
        assert_eq!(written_to_pods(&cluster), 0, "{}", left.claim);
        assert_eq!(cluster.status_writes().len(), 1, "{}", left.claim);
        // An old release kept no past, and counted no Pods that are both updated and ready.
        let is_old = left.is_of_old_release();
        assert_eq!(cluster.revision_writes().len(), usize::from(is_old), "{}", left.claim);
        if !is_old {
            let (now, before) = (set(&cluster), &left.set);
            assert_eq!(Counts::told(&now), Counts::told(before), "{}", left.claim);
            assert_eq!(now["status"]["latestRevision"], before["status"]["latestRevision"], "{}", left.claim);
            assert_eq!(now["status"]["collisionCount"], 0, "{}", left.claim);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_image_reaches_every_pod_in_place_and_kruise_would_say_so() {
    for left in left().iter().filter(|left| left.holds.is_empty()) {
        let cluster = cluster(left).quick_kubelet();
        let operator = cluster.start().await;

        release(&cluster, "registry.example.com/obs/agent:1.6");
        sleep(Duration::from_secs(60)).await;
        operator.stop().await;

        let (set, pods) = (set(&cluster), pods(&cluster));
        let all = i64::try_from(pods.len()).unwrap();
        let expected = Counts { matched: all, updated: all, ready: all, updated_ready: all };
        assert_eq!(Counts::of(&set, &pods), expected, "{}", left.claim);
        assert_eq!(Counts::told(&set), expected, "{}", left.claim);
        assert_eq!(identities(&pods), identities(&left.pods), "{}", left.claim);
        assert!(pods.iter().all(|pod| is_upgradable(&set, pod)), "{}", left.claim);
        // A hot upgrade takes two.
        let is_hot = left.claim.starts_with("pairs_of_containers");
        assert_eq!(cluster.upgrades().len(), pods.len() * if is_hot { 2 } else { 1 }, "{}", left.claim);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_kruise_began_goes_on_within_its_budget() {
    let cluster = cluster(&Left::named(IN_THE_MIDDLE));
    let _operator = cluster.start().await;
    assert_eq!(cluster.upgrades().len(), 0, "one Pod is unavailable already");

    cluster.run_kubelet();
    settle().await;
    assert_eq!(cluster.upgrades_of("c").len(), 1);
    cluster.run_kubelet();
    settle().await;

    assert_eq!(cluster.upgrades().len(), 1);
    assert_eq!(Counts::told(&set(&cluster)), Counts { matched: 3, updated: 3, ready: 3, updated_ready: 3 });
}

#[tokio::test(start_paused = true)]
async fn without_the_past_the_present_gets_the_name_that_kruise_gave_it_and_no_pod_changes() {
    for left in left().iter().filter(|left| !left.is_of_old_release()) {
        let cluster = without_revisions(left);

        let operator = cluster.start().await;
        sleep(Duration::from_secs(60)).await;
        operator.stop().await;

        assert_eq!(written_to_pods(&cluster), 0, "{}", left.claim);
        assert_eq!(set(&cluster)["status"]["latestRevision"], left.set["status"]["latestRevision"], "{}", left.claim);
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_pinned_to_a_revision_that_was_left_behind_says_so() {
    let cluster = without_revisions(&Left::named(PINNED));

    let _operator = cluster.start().await;
    settle().await;

    let set = set(&cluster);
    let conditions = set["status"]["conditions"].as_array().unwrap();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&"False".into(), &"RevisionUnusable".into()));
    assert_eq!(written_to_pods(&cluster), 0);
}

#[tokio::test(start_paused = true)]
async fn a_past_that_is_copied_later_is_put_behind_the_present() {
    let left = Left::named(PINNED);
    let cluster = without_revisions(&left);
    let _operator = cluster.start().await;

    cluster.change(|state| state.put(Kind::Revisions, left.revisions[0].clone()));
    settle().await;

    let numbers = cluster.change(|state| {
        let revisions = state.objects[Kind::Revisions as usize].values();
        let mut all: Vec<_> = revisions.map(|it| (it["revision"].as_i64(), it["metadata"]["name"].clone())).collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    });
    assert_eq!(numbers, [left.revisions[0]["metadata"]["name"].clone(), left.set["status"]["latestRevision"].clone()]);
    assert_eq!(written_to_pods(&cluster), 0);
}
