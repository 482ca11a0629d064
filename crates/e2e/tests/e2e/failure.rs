//! Rollouts that are given up.

use super::hot::{hot_set, is_at_rest};
use anyhow::{Context, Result};
use kube::ResourceExt;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{
    AGENT_CRASHING, AGENT_MISSING, AGENT_V1, AGENT_V2, PodView, Scene, has_real_nodes, running, stays,
};

fn strategy(on_failure: &str) -> Value {
    json!({
        "maxUnavailable": 2, "failureThreshold": 2, "progressDeadlineSeconds": 4, "onFailure": on_failure,
    })
}

fn says(status: &SidecarSetStatus, kind: &str, value: &str, reason: &str) -> bool {
    let mut conditions = status.conditions.iter();
    conditions.any(|it| it.type_ == kind && it.status == value && it.reason == reason)
}

fn has_failed(status: &SidecarSetStatus, rollout: &str) -> bool {
    says(status, "Degraded", "True", "FailureThresholdReached") && says(status, "Progressing", "False", rollout)
}

fn message(status: &SidecarSetStatus) -> &str {
    let degraded = status.conditions.iter().find(|it| it.type_ == "Degraded");
    degraded.map(|it| it.message.as_str()).unwrap_or_default()
}

async fn a_good_image_ends_it(scene: &Scene, before: &[PodView]) -> Result<()> {
    scene.change_image(AGENT_V2).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);
    let after = scene.until_pods("the good image is everywhere", |pods| pods.iter().all(is_upgraded)).await?;
    let status = scene
        .until_status("the rollout is complete", |status| says(status, "Progressing", "False", "Complete"))
        .await?;
    assert!(says(&status, "Degraded", "False", "AsExpected"), "{status:?}");
    assert_eq!(status.failure, None);
    let known: Vec<PodView> = after.into_iter().filter(|pod| before.iter().any(|it| it.name == pod.name)).collect();
    assert_eq!(running(&known, "app"), running(before, "app"));
    Ok(())
}

#[tokio::test]
async fn a_rollout_that_fails_is_halted_until_another_image_is_set() -> Result<()> {
    let scene = Scene::open("halt").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", strategy("Halt"))).await?;
    let before = scene.deploy(4).await?;

    scene.change_image(AGENT_MISSING).await?;
    let status = scene.until_status("the rollout is halted", |status| has_failed(status, "Halted")).await?;
    assert!(
        message(&status).starts_with("2 of 4 pods did not become ready within 4 s of their upgrade to "),
        "{status:?}"
    );
    let images = async || {
        let pods = scene.pods().await?;
        Ok(pods.iter().map(|pod| pod.container("sidecar").image.clone()).collect::<Vec<_>>())
    };
    stays("the images while the rollout is halted", images).await?;
    assert_eq!(images().await?.iter().filter(|image| *image == AGENT_MISSING).count(), 2);

    a_good_image_ends_it(&scene, &before).await
}

#[tokio::test]
async fn a_rollout_that_fails_is_rolled_back_also_for_new_pods() -> Result<()> {
    let scene = Scene::open("rollback").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", strategy("Rollback"))).await?;
    let before = scene.deploy(4).await?;

    scene.change_image(AGENT_MISSING).await?;
    let status = scene.until_status("the rollout is rolled back", |status| has_failed(status, "RolledBack")).await?;
    let rollback = status.failure.context("the status tells of the failure")?.rollback_revision;
    let is_back = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V1);
    let after = scene.until_pods("every pod is as it was", |pods| pods.iter().all(is_back)).await?;
    assert_eq!(running(&after, "app"), running(&before, "app"));

    let new = scene.create_pod(scene.pod("new")).await?;
    let recorded: Value = serde_json::from_str(&new.annotations()["kruise.io/sidecarset-hash"])?;
    assert_eq!(recorded[scene.namespace()]["controllerRevision"].as_str(), rollback.as_deref());
    let pods = scene.until_pods("the new pod is ready", |pods| pods.len() == 5 && pods.iter().all(is_back)).await?;
    assert!(pods.iter().any(|pod| pod.name == "new"));

    a_good_image_ends_it(&scene, &before).await
}

#[tokio::test]
async fn an_image_that_crashes_again_and_again_is_rolled_back() -> Result<()> {
    let scene = Scene::open("crashes").await?;
    if !has_real_nodes().await? {
        eprintln!("left out: the nodes are simulated, so no container ends by itself");
        return Ok(());
    }
    let strategy = json!({"failureThreshold": 1, "progressDeadlineSeconds": 8, "onFailure": "Rollback"});
    scene.create(&scene.sidecar_set().with("updateStrategy", strategy)).await?;
    let before = scene.deploy(2).await?;

    scene.change_image(AGENT_CRASHING).await?;
    scene.until_status("the rollout is rolled back", |status| has_failed(status, "RolledBack")).await?;

    let is_back = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V1);
    let after = scene.until_pods("every pod is as it was", |pods| pods.iter().all(is_back)).await?;
    assert_eq!(running(&after, "app"), running(&before, "app"));
    Ok(())
}

#[tokio::test]
async fn a_hot_upgrade_that_fails_is_rolled_back_and_interrupts_nothing() -> Result<()> {
    let scene = Scene::open("hot-rollback").await?;
    scene.create(&hot_set(&scene).with("updateStrategy", strategy("Rollback"))).await?;
    let before = scene.deploy(2).await?;

    scene.change_image(AGENT_MISSING).await?;
    scene.until_status("the rollout is rolled back", |status| has_failed(status, "RolledBack")).await?;

    let is_back = |pod: &PodView| is_at_rest(pod, ("sidecar-1", AGENT_V1), "sidecar-2");
    let after = scene.until_pods("every pod is as it was", |pods| pods.iter().all(is_back)).await?;
    assert_eq!(running(&after, "sidecar-1"), running(&before, "sidecar-1"));
    Ok(())
}
