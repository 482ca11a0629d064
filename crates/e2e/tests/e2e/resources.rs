//! Resources that are computed, through the real API server.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V1, Scene, SetDraft, refusal};

/// A set whose sidecar computes its resources.
fn computing(scene: &Scene, expressions: &Value) -> SetDraft {
    let policy = json!({
        "targetContainersMode": "sum",
        "targetContainersNameRegex": "^app",
        "resourcesExpr": expressions,
    });
    let container = json!({"name": "sidecar", "image": AGENT_V1, "resourcesPolicy": policy});
    scene.sidecar_set().with("containers", json!([container]))
}

fn resources_of_the_sidecar(pod: &Pod) -> Result<Value> {
    let spec = pod.spec.as_ref().context("a pod has a spec")?;
    let sidecar = spec.containers.iter().find(|container| container.name == "sidecar").context("it was injected")?;
    Ok(serde_json::to_value(&sidecar.resources)?)
}

#[tokio::test]
async fn a_sidecar_gets_resources_that_are_computed_from_those_of_the_application() -> Result<()> {
    let scene = Scene::open("computed").await?;
    let expressions = json!({
        "limits": {"cpu": "max(cpu*50%, 50m)", "memory": "memory/4"},
        "requests": {"cpu": "cpu*10%", "memory": "memory*0.1"},
    });
    scene.create(&computing(&scene, &expressions)).await?;
    let mut pod = scene.pod("sized");
    pod["spec"]["containers"][0]["resources"] = json!({
        "limits": {"cpu": "200m", "memory": "512Mi"},
        "requests": {"cpu": "100m"},
    });
    let second = json!({
        "name": "app-cache", "image": AGENT_V1,
        "resources": {"limits": {"cpu": "400m", "memory": "512Mi"}, "requests": {"cpu": "50m", "memory": "0"}},
    });
    pod["spec"]["containers"].as_array_mut().context("a pod has containers")?.push(second);

    let created = scene.create_pod(pod).await?;

    // The API server takes what the first container is limited to for its request of memory, and a request that
    // is no whole number of bytes as it is.
    assert_eq!(
        resources_of_the_sidecar(&created)?,
        json!({
            "limits": {"cpu": "300m", "memory": "256Mi"},
            "requests": {"cpu": "15m", "memory": "53687091200m"},
        })
    );
    Ok(())
}

#[tokio::test]
async fn a_pod_without_a_container_to_compute_from_is_refused() -> Result<()> {
    let scene = Scene::open("no-target").await?;
    scene.create(&computing(&scene, &json!({"requests": {"cpu": "50m"}}))).await?;
    let mut pod = scene.pod("other");
    pod["spec"]["containers"][0]["name"] = json!("other");

    let status = refusal(scene.pod_api().create(&PostParams::default(), &serde_json::from_value(pod)?).await)?;

    assert_eq!(status.code, 422, "{}", status.message);
    assert!(status.message.contains("computes the resources of container sidecar"), "{}", status.message);
    assert!(status.message.contains("\"^app\""), "{}", status.message);
    Ok(())
}

#[tokio::test]
async fn an_expression_that_is_not_understood_is_refused_with_its_path() -> Result<()> {
    let scene = Scene::open("bad-expression").await?;
    let set = computing(&scene, &json!({"limits": {"cpu": "10K", "memory": "memory*memory"}}));

    let status = refusal(scene.submit(&set).await)?;

    let path = "spec.containers[0].resourcesPolicy.resourcesExpr.limits";
    assert_eq!(status.code, 422, "{}", status.message);
    assert!(status.message.contains(&format!("{path}.cpu: \"10K\" is neither a number")), "{}", status.message);
    assert!(status.message.contains(&format!("{path}.memory: must not multiply")), "{}", status.message);
    Ok(())
}
