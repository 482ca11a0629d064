//! A new image reaches the Pods of a Deployment, a few at a time.

use anyhow::Result;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V2, PodView, PodWatch, Scene, running};

/// Rolls a new image out over a Deployment of 4 and returns how many Pods were disturbed at the worst moment.
async fn most_disturbed_of_four(topic: &str, max_unavailable: Value) -> Result<usize> {
    let scene = Scene::open(topic).await?;
    let set = scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": max_unavailable}));
    scene.create(&set).await?;
    let before = scene.deploy(4).await?;
    let deployment = scene.deployment().await?;
    let mut watch = PodWatch::start(&scene).await?;

    scene.change_image(AGENT_V2).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);
    let after = watch.until("all sidecars are upgraded", |pods| pods.iter().all(is_upgraded)).await?;

    let uids = |pods: &[PodView]| pods.iter().map(|pod| pod.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&after), uids(&before), "pods were replaced");
    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [1, 1, 1, 1]);
    let now = scene.deployment().await?;
    assert_eq!(now.metadata.generation, deployment.metadata.generation);
    assert_eq!(now.spec, deployment.spec, "the template was touched");
    let status = scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 4).await?;
    assert_eq!((status.matched_pods, status.updated_pods, status.ready_pods), (4, 4, 4));
    Ok(watch.most_disturbed())
}

#[tokio::test]
async fn max_unavailable_1_upgrades_one_pod_at_a_time() -> Result<()> {
    assert_eq!(most_disturbed_of_four("one-of-four", json!(1)).await?, 1);
    Ok(())
}

#[tokio::test]
async fn max_unavailable_50_percent_upgrades_two_of_four_at_a_time() -> Result<()> {
    assert_eq!(most_disturbed_of_four("half-of-four", json!("50%")).await?, 2);
    Ok(())
}
