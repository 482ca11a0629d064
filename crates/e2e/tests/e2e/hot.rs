//! A sidecar that is to be upgraded without a pause: two containers stand for it.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Scene};

#[tokio::test]
async fn a_hot_sidecar_runs_as_a_pair_of_which_one_waits() -> Result<()> {
    let scene = Scene::open("hot").await?;
    let strategy = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": AGENT_V2});
    let container = json!({"name": "sidecar", "image": AGENT_V1, "upgradeStrategy": strategy});
    let set = scene.sidecar_set().with("containers", json!([container]));
    scene.create(&set.with("updateStrategy", json!({"type": "NotUpdate"}))).await?;

    let pods = scene.deploy(1).await?;

    assert!(pods[0].runs("sidecar-1", AGENT_V1) && pods[0].runs("sidecar-2", AGENT_V2), "{pods:#?}");
    let pod = scene.pod_api().get(&pods[0].name).await?;
    let annotations = pod.metadata.annotations.unwrap_or_default();
    assert_eq!(annotations["kruise.io/sidecarset-working-hotupgrade-container"], r#"{"sidecar":"sidecar-1"}"#);
    assert_eq!(annotations["version.sidecarset.kruise.io/sidecar-1"], "1");
    assert_eq!(annotations["versionalt.sidecarset.kruise.io/sidecar-1"], "0");
    scene.until_status("the pod is ready", |status| status.ready_pods == 1).await.map(drop)
}
