//! Labels of namespaces about which a replica is asked that does not lead, or while much else is written.

use super::{alone, kubeconfig, two};
use crate::relabeling::{label, missed, of_team, trials};
use anyhow::{Context, Result};
use axum::http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;
use sidecarset_e2e::{Place, Scene, balance};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// How many clients write other things at the same time.
const WRITERS: usize = 6;
/// How often the API server calls at most about a Pod that is selected: the leader, the other replica and the namespace each have a
/// webhook for it, and what one of them changes leads to one more call.
const MOST_CALLS: usize = 4;

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn a_replica_that_does_not_lead_leaves_no_gap_behind_a_label() -> Result<()> {
    let scene = alone("follower").await?;
    let [mut one, mut two] = [Place::find("one", kubeconfig()?).await?, Place::find("two", kubeconfig()?).await?];
    // The API server reaches the second one alone.
    let service = balance(vec![two.webhook]).await?;
    [&mut one, &mut two].into_iter().for_each(|place| place.asked_at = Some(service));
    let _operators = [one.start_ready().await?, two.start_ready().await?];
    scene.create(&of_team(&scene)).await?;

    assert_eq!(missed(&scene, scene.namespace()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn under_load_labels_leave_no_gap_and_other_pods_are_not_called_for() -> Result<()> {
    let scene = alone("load").await?;
    let (_places, _operators) = two().await?;
    let team = scene.namespace();
    scene.create(&of_team(&scene)).await?;
    // The set is for the namespace in which others write, but not for their Pods.
    label(&scene, team, Some(team)).await?;

    let others = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(scene.client(), team.to_owned(), writer, Arc::clone(&others)));
    }
    let before = calls(&scene).await?;
    let missed = tokio::select! {
        missed = missed(&scene, team) => missed?,
        Some(ended) = writers.join_next() => return ended?,
    };
    let (calls, others) = (calls(&scene).await? - before, others.load(Ordering::Relaxed));

    println!("{} trials, {others} other Pods, {calls} calls about Pods", trials());
    assert_eq!(missed, [""; 0]);
    assert!(calls <= MOST_CALLS * trials(), "{calls} calls");
    Ok(())
}

/// Creates, reads and deletes, for ever. Counts the Pods.
async fn write(client: Client, namespace: String, writer: usize, pods_created: Arc<AtomicUsize>) -> Result<()> {
    let (pods, maps) =
        (Api::<Pod>::namespaced(client.clone(), &namespace), Api::<ConfigMap>::namespaced(client, &namespace));
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"generateName": "other-", "labels": {"app": "other"}},
        "spec": {"containers": [{"name": "app", "image": "agent:v1"}]},
    }))?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    for number in 0_usize.. {
        let name = format!("other-{writer}-{number}");
        let map = serde_json::from_value(json!({"metadata": {"name": name}, "data": {"x": "y".repeat(2000)}}))?;
        maps.create(&PostParams::default(), &map).await?;
        maps.list(&ListParams::default()).await?;
        pods.create(&dry_run, &pod).await?;
        pods_created.fetch_add(1, Ordering::Relaxed);
        maps.delete(&name, &DeleteParams::default()).await?;
    }
    Ok(())
}

/// How often the API server has called about Pods.
async fn calls(scene: &Scene) -> Result<usize> {
    let metrics = scene.client().request_text(Request::get("/metrics").body(Vec::new())?).await?;
    let of_webhook =
        |line: &&str| line.starts_with("apiserver_admission_webhook_admission_duration_seconds_count{name=\"mpod");
    let counts = metrics.lines().filter(of_webhook).map(|line| {
        let (_, count) = line.rsplit_once(' ').context("a sample has a value")?;
        Ok(count.parse::<usize>()?)
    });
    counts.sum()
}
