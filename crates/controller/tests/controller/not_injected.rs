//! Pods that a set selects and that were created without it.

use super::cluster::{Cluster, settle};
use super::objects::{pod, set};
use super::server::Kind;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// A running Pod without sidecars.
fn bare(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "labels": {"app": "web"}},
        "spec": {"nodeName": "node", "containers": [{"name": "main", "image": "main:1"}]},
        "status": {"phase": "Running"},
    })
}

fn count(cluster: &Cluster) -> Value {
    cluster.counts()["notInjectedPods"].clone()
}

fn put(cluster: &Cluster, pods: &[Value]) {
    cluster.change(|state| {
        for pod in pods {
            state.put(Kind::Pods, pod.clone());
        }
    });
}

#[tokio::test(start_paused = true)]
async fn pods_that_were_there_before_the_set_are_counted_until_they_are_created_anew() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    put(&cluster, &[bare("b"), bare("c")]);
    let _operator = cluster.start().await;
    let before = (count(&cluster), cluster.counts()["matchedPods"].clone());

    cluster.change(|state| state.remove(Kind::Pods, "b"));
    put(&cluster, &[pod("b", &set("agent:1", 1))]);
    settle().await;

    assert_eq!(before, (json!(2), json!(1)));
    assert_eq!((count(&cluster), cluster.counts()["matchedPods"].clone()), (json!(1), json!(2)));
}

#[tokio::test(start_paused = true)]
async fn the_condition_ready_speaks_of_them_and_stays_true() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    put(&cluster, &[bare("b")]);
    let _operator = cluster.start().await;

    let ready = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"]["conditions"][0].clone());

    assert_eq!((ready["type"].clone(), ready["status"].clone()), (json!("Ready"), json!("True")));
    let message = ready["message"].as_str().unwrap();
    assert!(message.ends_with("; 1 more is selected and was created without the sidecars"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn pods_that_have_ended_or_go_away_are_not_counted() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    put(&cluster, &[bare("a"), bare("b"), bare("c")]);
    let _operator = cluster.start().await;
    let before = count(&cluster);

    let (mut ended, mut going) = (bare("a"), bare("b"));
    ended["status"]["phase"] = "Succeeded".into();
    going["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
    put(&cluster, &[ended, going]);
    settle().await;

    assert_eq!((before, count(&cluster)), (json!(3), json!(1)));
}

#[tokio::test(start_paused = true)]
async fn all_pods_are_counted_anew_when_a_set_or_a_namespace_selects_others() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    let mut other = bare("c");
    other["metadata"]["labels"]["app"] = "other".into();
    put(&cluster, &[bare("a"), bare("b"), other]);
    let _operator = cluster.start().await;
    let mut counts = vec![count(&cluster)];

    cluster.edit_set(|spec| spec["selector"]["matchLabels"]["app"] = "other".into());
    settle().await;
    counts.push(count(&cluster));
    cluster.edit_set(|spec| spec["namespaceSelector"] = json!({"matchLabels": {"team": "shop"}}));
    settle().await;
    counts.push(count(&cluster));
    cluster.change(|state| {
        let mut shop = state.objects[Kind::Namespaces as usize]["shop"].clone();
        shop["metadata"]["labels"]["team"] = "shop".into();
        state.put(Kind::Namespaces, shop);
    });
    settle().await;
    counts.push(count(&cluster));

    assert_eq!(counts, [json!(2), json!(1), Value::Null, json!(1)]);
}

#[tokio::test(start_paused = true)]
async fn pods_that_nobody_selects_lead_to_no_write() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    let before = cluster.change(|state| state.writes.len());

    for at in 0..100 {
        let mut other = bare(&format!("other-{at}"));
        other["metadata"]["labels"]["app"] = "other".into();
        put(&cluster, &[other]);
    }
    sleep(Duration::from_secs(60)).await;

    assert_eq!(cluster.change(|state| state.writes.len()), before);
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_missed_is_made_up_for_by_the_next_list() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    put(&cluster, &[bare("a"), bare("b")]);
    let _operator = cluster.start().await;

    cluster.change(|state| {
        state.lose_watches();
        state.remove(Kind::Pods, "a");
        state.lose_watches();
    });
    sleep(Duration::from_secs(60)).await;

    assert_eq!(count(&cluster), 1);
}
