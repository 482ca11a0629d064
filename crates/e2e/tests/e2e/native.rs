//! Sidecars that are init containers which keep running.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, PodView, Scene, running};

#[tokio::test]
async fn a_native_sidecar_is_injected_and_upgraded_in_place() -> Result<()> {
    let scene = Scene::open("native").await?;
    let proxy = json!({"name": "proxy", "image": AGENT_V1, "restartPolicy": "Always"});
    let set = scene.sidecar_set().without("containers").with("initContainers", json!([proxy]));
    scene.create(&set).await?;
    scene.create_pod(scene.pod("served")).await?;
    let before = scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    assert_eq!((before[0].init_container_names(), before[0].container_names()), (vec!["proxy"], vec!["app"]));
    assert!(before[0].runs("proxy", AGENT_V1) && before[0].container("proxy").is_ready, "{before:#?}");

    let image = json!([{"op": "replace", "path": "/spec/initContainers/0/image", "value": AGENT_V2}]);
    scene.change(set.name(), image).await?;
    let is_upgraded = |pod: &PodView| pod.is_ready && pod.runs("proxy", AGENT_V2) && pod.container("proxy").is_ready;
    let after = scene.until_pods("the proxy is upgraded", |pods| pods.iter().all(is_upgraded)).await?;

    assert_eq!(after[0].uid, before[0].uid);
    assert_eq!(after[0].container("proxy").restarts, 1);
    assert_ne!(after[0].container("proxy").image_id, before[0].container("proxy").image_id);
    assert_eq!(running(&after, "app"), running(&before, "app"));
    scene.until_status("the pod is counted as updated", |status| status.updated_ready_pods == 1).await.map(drop)
}
