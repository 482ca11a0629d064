//! Events, where `kubectl describe` looks for them.

use anyhow::Result;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use serde_json::json;
use sidecarset_e2e::{AGENT_V2, Look, Scene, eventually};

/// Waits until there is an event of a set for this reason, and returns its text.
async fn until_told(scene: &Scene, reason: &str) -> Result<String> {
    let events: Api<Event> = Api::namespaced(scene.client(), "default");
    let of_set = format!("involvedObject.kind=SidecarSet,involvedObject.name={}", scene.namespace());
    eventually(&format!("the event {reason} is there"), async || {
        let events = events.list(&ListParams::default().fields(&of_set)).await?;
        let found = events.iter().find(|event| event.reason.as_deref() == Some(reason));
        let is_ours = |event: &&Event| event.reporting_component.as_deref() == Some("sidecarset-controller");
        Ok(match found.filter(is_ours) {
            Some(event) => Look::Found(event.message.clone().unwrap_or_default()),
            None => Look::NotYet(format!("{:?}", events.items)),
        })
    })
    .await
}

#[tokio::test]
async fn a_set_tells_what_happens_with_its_pods() -> Result<()> {
    let scene = Scene::open("events").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(1).await?;

    scene.change_image(AGENT_V2).await?;
    let complete = until_told(&scene, "Complete").await?;
    let env = json!([{"op": "add", "path": "/spec/containers/0/env", "value": [{"name": "LEVEL", "value": "debug"}]}]);
    scene.change(scene.namespace(), env).await?;
    let not_upgradable = until_told(&scene, "NotUpgradablePods").await?;
    let mut clashing = scene.pod("clashing");
    clashing["spec"]["containers"][0]["name"] = "sidecar".into();
    scene.create_pod(clashing).await?;
    let replaced = until_told(&scene, "ContainerReplaced").await?;

    assert_eq!(complete, "1 of 1 pods are updated");
    let expected = "SidecarSet in-place update detected 1 not upgradable pod(s) in this round, will skip them.";
    assert_eq!(not_upgradable, expected);
    assert!(replaced.starts_with(&format!("pod {}/clashing: ", scene.namespace())), "{replaced}");
    Ok(())
}
