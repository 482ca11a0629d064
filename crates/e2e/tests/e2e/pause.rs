//! A rollout is stopped and goes on again.

use anyhow::Result;
use serde_json::json;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, PodView, Scene, SetDraft, running, stays};

/// Creates the set, pauses it at `path`, changes the image, and resumes.
async fn pauses_and_resumes(scene: &Scene, set: &SetDraft, path: &str) -> Result<()> {
    scene.create(set).await?;
    let before = scene.deploy(2).await?;
    let name = set.name();

    let pause = json!({"op": "add", "path": path, "value": true});
    let image = json!({"op": "replace", "path": "/spec/containers/0/image", "value": AGENT_V2});
    scene.change(name, json!([pause, image])).await?;
    let is_paused = |status: &SidecarSetStatus| reason(status) == "Paused" && status.ready_pods == 2;
    let status = scene.until_status("both pods wait", is_paused).await?;
    stays("the pods of a paused rollout", async || scene.pods().await).await?;

    assert_eq!((status.matched_pods, status.updated_pods), (2, 0));
    let paused = scene.pods().await?;
    assert!(paused.iter().all(|pod| pod.runs("sidecar", AGENT_V1)), "{paused:#?}");

    scene.change(name, json!([{"op": "replace", "path": path, "value": false}])).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);
    let after = scene.until_pods("both pods are upgraded", |pods| pods.iter().all(is_upgraded)).await?;

    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    scene.until_status("the rollout is complete", |status| reason(status) == "Complete").await.map(drop)
}

fn reason(status: &SidecarSetStatus) -> &str {
    let progressing = status.conditions.iter().find(|condition| condition.type_ == "Progressing");
    progressing.map_or("", |condition| &condition.reason)
}

#[tokio::test]
async fn a_paused_rollout_waits_until_it_is_resumed() -> Result<()> {
    let scene = Scene::open("pause").await?;
    let set = scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}));

    pauses_and_resumes(&scene, &set, "/spec/updateStrategy/paused").await
}

#[tokio::test]
async fn a_rollout_paused_as_the_guide_spells_it_waits_until_it_is_resumed() -> Result<()> {
    let scene = Scene::open("pause-as-in-guide").await?;
    let strategy = json!({"rollingUpdate": {"maxUnavailable": 2}});
    let set = scene.sidecar_set().in_version("v1alpha1").with("strategy", strategy);

    pauses_and_resumes(&scene, &set, "/spec/paused").await
}
