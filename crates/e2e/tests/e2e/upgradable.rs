//! The condition of a Pod that says which sets can be upgraded in it.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{Look, Scene, eventually};

/// Waits until the condition of a Pod has this status and message, or until there is none.
async fn until_told(scene: &Scene, pod: &str, expected: Option<(&str, String)>) -> Result<()> {
    eventually("the condition of the pod is as it should be", async || {
        let pod = scene.pod_api().get(pod).await?;
        let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
        let condition = conditions.into_iter().find(|condition| condition.type_ == "SidecarSetUpgradable");
        let said = condition.as_ref().map(|it| (it.status.as_str(), it.message.clone().unwrap_or_default()));
        Ok(if said == expected { Look::Found(()) } else { Look::NotYet(format!("{condition:?}")) })
    })
    .await
}

#[tokio::test]
async fn a_pod_says_which_sets_can_be_upgraded_in_it_until_they_are_gone() -> Result<()> {
    let scene = Scene::open("upgradable").await?;
    scene.create(&scene.sidecar_set()).await?;
    let pod = scene.deploy(1).await?.remove(0).name;
    let set = scene.namespace();

    let env = json!([{"op": "add", "path": "/spec/containers/0/env", "value": [{"name": "LEVEL", "value": "debug"}]}]);
    scene.change(set, env).await?;
    until_told(&scene, &pod, Some(("False", json!({set: false}).to_string()))).await?;
    scene.change(set, json!([{"op": "remove", "path": "/spec/containers/0/env"}])).await?;
    until_told(&scene, &pod, Some(("True", json!({set: true}).to_string()))).await?;
    scene.delete_set(set).await?;

    until_told(&scene, &pod, None).await?;
    Ok(())
}
