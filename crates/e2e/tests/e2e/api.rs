//! What is read and written through the API server.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Scene, kubectl, sidecar};

#[tokio::test]
async fn kubectl_prints_the_numbers_of_a_set() -> Result<()> {
    let scene = Scene::open("printed").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.create_pod(scene.pod("one")).await?;
    scene.until_status("the pod is counted", |status| status.ready_pods == 1).await?;

    let table = kubectl(&["get", "scs", scene.namespace()]).await?;

    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "MATCHED", "UPDATED", "READY", "AGE"]);
    assert_eq!(rows[1][..4], [scene.namespace(), "1", "1", "1"]);
    Ok(())
}

#[tokio::test]
async fn a_set_is_readable_in_both_versions() -> Result<()> {
    let scene = Scene::open("versions").await?;
    let named = |name: &str| scene.sidecar_set_named(name).with("containers", json!([sidecar(name, AGENT_V1)]));
    scene.create(&named("older").in_version("v1alpha1")).await?;
    scene.create(&named("newer").in_version("v1beta1")).await?;

    for set in ["older", "newer"] {
        for version in ["v1alpha1", "v1beta1"] {
            let read = scene.raw_sets(version).get(&format!("{}-{set}", scene.namespace())).await?;

            let api_version = read.types.as_ref().map(|types| types.api_version.clone());
            assert_eq!(api_version, Some(format!("apps.kruise.io/{version}")));
            assert_eq!(read.data["spec"]["selector"], json!({"matchLabels": {"app": scene.namespace()}}));
            assert_eq!(read.data["spec"]["containers"][0]["image"], AGENT_V1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn fields_of_a_container_that_nobody_knows_survive() -> Result<()> {
    let scene = Scene::open("unknown").await?;
    let container = json!({"name": "sidecar", "image": AGENT_V1, "futureField": {"deep": ["x", 1]}});
    scene.create(&scene.sidecar_set().with("containers", json!([container]))).await?;

    scene.change_image(AGENT_V2).await?;

    let read = scene.raw_sets("v1beta1").get(scene.namespace()).await?;
    assert_eq!(read.data["spec"]["containers"][0]["futureField"], json!({"deep": ["x", 1]}));
    assert_eq!(read.data["spec"]["containers"][0]["image"], AGENT_V2);
    Ok(())
}
