//! A change of more than an image waits for a Pod's next creation.

use anyhow::Result;
use kube::api::DeleteParams;
use serde_json::json;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V2, Scene, find, stays};

#[tokio::test]
async fn a_changed_environment_reaches_a_pod_when_it_is_created_anew() -> Result<()> {
    let scene = Scene::open("lazy").await?;
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(2).await?;

    let operations = json!([
        {"op": "add", "path": "/spec/containers/0/env", "value": [{"name": "LEVEL", "value": "debug"}]},
        {"op": "replace", "path": "/spec/containers/0/image", "value": AGENT_V2},
    ]);
    scene.change(scene.namespace(), operations).await?;
    let status = scene
        .until_status("both pods are counted", |status| (status.not_upgradable_pods, status.ready_pods) == (2, 2))
        .await?;

    let progressing = status.conditions.iter().find(|condition| condition.type_ == "Progressing");
    let said = progressing.map(|it| (it.status.as_str(), it.reason.as_str(), it.message.as_str()));
    let message = "0 of 2 pods are updated; 2 take the change when they are created anew: more than an image changed";
    assert_eq!(said, Some(("False", "NotUpgradable", message)));
    assert_eq!((status.matched_pods, status.updated_pods), (2, 0));
    assert_eq!(stays("pods that cannot be upgraded", async || scene.pods().await).await?, before);

    scene.pod_api().delete(&before[0].name, &DeleteParams::default()).await?;
    let is_replaced = "the deployment has replaced the pod";
    let after = scene
        .until_pods(is_replaced, |pods| {
            let is_new = |name: &str| before.iter().all(|pod| pod.name != name);
            pods.len() == 2 && pods.iter().any(|pod| is_new(&pod.name) && pod.is_undisturbed())
        })
        .await?;

    assert_eq!(find(&after, &before[1].name), &before[1]);
    let new = after.iter().find(|pod| pod.name != before[1].name).map(|pod| pod.container("sidecar"));
    assert_eq!(new.map(|sidecar| sidecar.has_env("LEVEL", "debug")), Some(true));
    assert_eq!(new.map(|sidecar| sidecar.image.as_str()), Some(AGENT_V2));
    let is_counted = |status: &SidecarSetStatus| (status.matched_pods, status.updated_ready_pods) == (2, 1);
    let status = scene.until_status("the new pod is counted as updated", is_counted).await?;
    assert_eq!(status.not_upgradable_pods, 1);
    Ok(())
}
