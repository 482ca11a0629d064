//! The operator itself: killed in the middle of its work, and at rest.

use anyhow::{Result, ensure};
use kube::api::PostParams;
use serde_json::json;
use sidecarset_e2e::{
    AGENT_V1, AGENT_V2, Look, Operators, PodView, PodWatch, Scene, eventually, running, sidecar, stays,
};

/// Waits until the operator answers, so that the next test finds it at work.
async fn until_it_answers(scene: &Scene) -> Result<()> {
    let draft = scene.sidecar_set_named("probe").with("containers", json!([sidecar("probe", AGENT_V1)]));
    let object = serde_json::from_value(draft.object().clone())?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the operator answers", async || {
        scene.raw_sets("v1beta1").create(&dry_run, &object).await?;
        Ok(Look::Found(()))
    })
    .await
}

#[tokio::test]
#[ignore = "kills the operator: scripts/test.sh runs it when the others are done"]
async fn an_operator_killed_in_the_middle_of_a_rollout_finishes_it() -> Result<()> {
    let scene = Scene::open_alone("killed").await?;
    let Some(operators) = Operators::find(&scene.client()).await? else {
        eprintln!("left out: the operator does not run in this cluster, so it cannot be killed there");
        return Ok(());
    };
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}))).await?;
    let before = scene.deploy(8).await?;
    let mut watch = PodWatch::start(&scene).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);

    scene.change_image(AGENT_V2).await?;
    let begun = watch.until("a pod is upgraded", |pods| pods.iter().any(is_upgraded)).await?;
    ensure!(!begun.iter().all(is_upgraded), "the rollout was over before the operator could be killed");
    assert!(operators.kill_all().await? > 0);
    let after = watch.until("all pods are upgraded", |pods| pods.iter().all(is_upgraded)).await?;
    operators.until_all_are_ready().await?;
    until_it_answers(&scene).await?;

    assert_eq!(watch.most_disturbed(), 2);
    assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [1; 8]);
    assert_eq!(running(&after, "app"), running(&before, "app"));
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 8).await.map(drop)
}

#[tokio::test]
async fn a_status_that_says_the_same_is_not_written_again() -> Result<()> {
    let scene = Scene::open("quiet").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(2).await?;
    scene.change_image(AGENT_V2).await?;
    scene.until_status("both pods are updated", |status| status.updated_ready_pods == 2).await?;
    let is_complete = |it: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| it.reason == "Complete";
    scene.until_status("the rollout is complete", |status| status.conditions.iter().any(is_complete)).await?;

    stays("the version of the set", async || Ok(scene.set(scene.namespace()).await?.metadata.resource_version))
        .await
        .map(drop)
}
