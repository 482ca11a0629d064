//! A set that takes the place of another one, and sets that are in each other's way.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Scene, SetDraft, refusal, sidecar};

fn canary_of(scene: &Scene, base: &SetDraft) -> SetDraft {
    let selector = json!({"matchLabels": {"app": scene.namespace(), "track": "canary"}});
    scene
        .sidecar_set_named("canary")
        .annotated("apps.kruise.io/sidecarset-canary", "true")
        .annotated("apps.kruise.io/sidecarset-base", base.name())
        .with("selector", selector)
        .with("containers", json!([sidecar("sidecar", AGENT_V2)]))
        .with("updateStrategy", json!({"type": "NotUpdate"}))
}

#[tokio::test]
async fn the_pods_of_a_canary_get_it_instead_of_its_base() -> Result<()> {
    let scene = Scene::open("canary").await?;
    let base = scene.sidecar_set();
    scene.create(&base).await?;
    scene.create(&canary_of(&scene, &base)).await?;

    let plain = scene.create_pod(scene.pod("plain")).await?;
    let mut pod = scene.pod("canary");
    pod["metadata"]["labels"]["track"] = json!("canary");
    let canary = scene.create_pod(pod).await?;

    let injected = |pod: &k8s_openapi::api::core::v1::Pod| {
        let images = pod.spec.iter().flat_map(|spec| &spec.containers);
        let image = images.filter(|it| it.name == "sidecar").filter_map(|it| it.image.clone()).collect::<String>();
        (pod.metadata.annotations.as_ref().unwrap()["kruise.io/sidecarset-injected-list"].clone(), image)
    };
    assert_eq!(injected(&plain), (base.name().to_owned(), AGENT_V1.to_owned()));
    assert_eq!(injected(&canary), (format!("{}-canary", scene.namespace()), AGENT_V2.to_owned()));
    // Its base can still be changed.
    scene.change_image(AGENT_V2).await
}

#[tokio::test]
async fn a_canary_of_nothing_is_refused() -> Result<()> {
    let scene = Scene::open("canary-alone").await?;

    let status = refusal(scene.submit(&canary_of(&scene, &scene.sidecar_set())).await)?;

    assert_eq!(status.code, 422, "{}", status.message);
    assert!(status.message.contains("there is no SidecarSet"), "{}", status.message);
    Ok(())
}

#[tokio::test]
async fn two_sets_with_one_container_name_for_the_same_pods_are_refused() -> Result<()> {
    let scene = Scene::open("conflict").await?;
    scene.create(&scene.sidecar_set().with("namespace", json!(scene.namespace()))).await?;
    let elsewhere = scene.sidecar_set_named("elsewhere").with("namespace", json!("nowhere"));

    let status = refusal(scene.submit(&scene.sidecar_set_named("other")).await)?;
    scene.create(&elsewhere).await?;

    assert_eq!(status.code, 422, "{}", status.message);
    assert!(status.message.contains("spec.containers[0].name: container sidecar already exists"), "{}", status.message);
    Ok(())
}
