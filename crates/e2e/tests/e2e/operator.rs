//! The operator itself: killed in the middle of its work, and at rest.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Look, PodView, PodWatch, Scene, eventually, running, sidecar, stays};

const NAMESPACE: &str = "sidecarset-system";
const NAME: &str = "sidecarset-operator";

/// Returns the Pods of the operator.
async fn operators(scene: &Scene) -> Result<Vec<Pod>> {
    let deployments: Api<Deployment> = Api::namespaced(scene.client(), NAMESPACE);
    let selector = deployments.get(NAME).await?.spec.context("a deployment has a spec")?.selector;
    let labels = selector.match_labels.context("the operator's pods have labels")?;
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(scene.client(), NAMESPACE);
    Ok(pods.list(&ListParams::default().labels(&labels.join(","))).await?.items)
}

/// Deletes the Pods of the operator and returns them.
async fn kill_the_operator(scene: &Scene) -> Result<Vec<Pod>> {
    let killed = operators(scene).await?;
    let pods: Api<Pod> = Api::namespaced(scene.client(), NAMESPACE);
    for pod in &killed {
        pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
    }
    Ok(killed)
}

/// Waits until others than those that were killed answer reviews, so that the next test finds them at work: the kubelet may take
/// its time to end what is no longer there for anybody else, and so long that answers, too.
async fn until_the_operator_is_back(scene: &Scene, killed: &[Pod]) -> Result<()> {
    eventually("others are ready", async || {
        let operators = operators(scene).await?;
        let are_others = operators.iter().all(|pod| killed.iter().all(|killed| killed.uid() != pod.uid()));
        let is_back = are_others && operators.len() >= killed.len() && operators.iter().all(is_ready);
        Ok(if is_back { Look::Found(()) } else { Look::NotYet(format!("{} pods", operators.len())) })
    })
    .await?;
    let draft = scene.sidecar_set_named("probe").with("containers", json!([sidecar("probe", AGENT_V1)]));
    let object = serde_json::from_value(draft.object().clone())?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the operator answers", async || {
        scene.raw_sets("v1beta1").create(&dry_run, &object).await?;
        Ok(Look::Found(()))
    })
    .await
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[tokio::test]
#[ignore = "kills the operator: scripts/test.sh runs it when the others are done"]
async fn an_operator_killed_in_the_middle_of_a_rollout_finishes_it() -> Result<()> {
    let scene = Scene::open_alone("killed").await?;
    let deployments: Api<Deployment> = Api::namespaced(scene.client(), NAMESPACE);
    if deployments.get_opt(NAME).await?.is_none() {
        eprintln!("left out: the operator does not run in this cluster, so it cannot be killed there");
        return Ok(());
    }
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}))).await?;
    let before = scene.deploy(8).await?;
    let mut watch = PodWatch::start(&scene).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);

    scene.change_image(AGENT_V2).await?;
    let begun = watch.until("a pod is upgraded", |pods| pods.iter().any(is_upgraded)).await?;
    ensure!(!begun.iter().all(is_upgraded), "the rollout was over before the operator could be killed");
    let killed = kill_the_operator(&scene).await?;
    assert!(!killed.is_empty());
    let after = watch.until("all pods are upgraded", |pods| pods.iter().all(is_upgraded)).await?;
    until_the_operator_is_back(&scene, &killed).await?;

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
