//! `kubectl wait` on a set.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, PodView, Scene, kubectl};

async fn change_and_wait(scene: &Scene, change: serde_json::Value, condition: &str) -> Result<Vec<PodView>> {
    let name = scene.namespace();
    scene.try_change(name, change).await?;
    kubectl(&["wait", &format!("sidecarset/{name}"), &format!("--for=condition={condition}"), "--timeout=90s"]).await?;
    scene.pods().await
}

#[tokio::test]
async fn waiting_right_after_a_write_never_ends_on_what_was_said_before_it() -> Result<()> {
    let scene = Scene::open("waiting").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(3).await?;
    scene.until_status("all pods are ready", |status| status.updated_ready_pods == 3).await?;
    let image = |image: &str| json!({"op": "replace", "path": "/spec/containers/0/image", "value": image});

    let pods = change_and_wait(&scene, json!([image(AGENT_V2)]), "Ready").await?;
    assert!(pods.iter().all(|pod| pod.runs("sidecar", AGENT_V2)), "{pods:#?}");

    let partition = json!({"op": "add", "path": "/spec/updateStrategy", "value": {"partition": 2}});
    let pods = change_and_wait(&scene, json!([image(AGENT_V3), partition]), "Progressing=False").await?;
    assert_eq!(pods.iter().filter(|pod| pod.runs("sidecar", AGENT_V3)).count(), 1);
    assert_eq!(pods.iter().filter(|pod| pod.runs("sidecar", AGENT_V1)).count(), 0);
    Ok(())
}
