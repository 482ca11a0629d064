//! What a set says of sidecars that do not run.

use anyhow::Result;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_MISSING, AGENT_V1, AGENT_V2, PodView, Scene, sidecar, stays};

/// Ends at once without a command.
const CRASHING: &str = "docker.io/library/busybox:1.36";

fn condition<'a>(status: &'a SidecarSetStatus, kind: &str) -> [&'a str; 3] {
    let found = status.conditions.iter().find(|condition| condition.type_ == kind);
    found.map_or([""; 3], |it| [it.status.as_str(), it.reason.as_str(), it.message.as_str()])
}

fn is_degraded(status: &SidecarSetStatus, reason: &str) -> bool {
    condition(status, "Degraded")[..2] == ["True", reason]
}

/// Since when the condition is what it is.
fn since(status: &SidecarSetStatus) -> Option<String> {
    let degraded = status.conditions.iter().find(|condition| condition.type_ == "Degraded");
    degraded.map(|condition| condition.last_transition_time.0.to_string())
}

fn is_as_expected(status: &SidecarSetStatus) -> bool {
    condition(status, "Degraded")[..2] == ["False", "AsExpected"] && condition(status, "Ready")[0] == "True"
}

fn failing(status: &SidecarSetStatus) -> Value {
    json!(status.failing_pods)
}

/// Returns the names of the Pods that were upgraded, as messages tell them.
async fn names_of(scene: &Scene, image: &str) -> Result<String> {
    let pods = scene.pods().await?;
    let upgraded = pods.iter().filter(|pod| pod.container("sidecar").image == image);
    let names: Vec<_> = upgraded.map(|pod| format!("{}/{}", scene.namespace(), pod.name)).collect();
    Ok(names.join(", "))
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_degrades_the_set_and_a_good_one_repairs_it() -> Result<()> {
    let scene = Scene::open("unpullable").await?;
    let set = scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}));
    scene.create(&set).await?;
    scene.deploy(3).await?;
    scene.until_status("all is well", is_as_expected).await?;

    scene.change_image(AGENT_MISSING).await?;
    let fail_to_pull = |status: &SidecarSetStatus| {
        failing(status) == json!([{"reason": "ImagePullBackOff", "count": 2}]) && status.matched_pods == 3
    };
    let status = scene.until_status("two pods fail to pull the image", fail_to_pull).await?;
    let names = names_of(&scene, AGENT_MISSING).await?;
    let message = format!("2 pods fail to pull {AGENT_MISSING} ({names}): ImagePullBackOff");
    assert_eq!(condition(&status, "Degraded"), ["True", "ImagePullFailing", &message]);
    let message = format!("0 of 3 pods are updated and ready; 2 upgraded pods are not ready: {names}");
    assert_eq!(condition(&status, "Ready"), ["False", "MaxUnavailableReached", &message]);
    stays("the status while the kubelet tries again", async || Ok(scene.set(scene.namespace()).await?.status)).await?;

    scene.change_image(AGENT_V2).await?;
    let status = scene.until_status("the good image repairs all", is_as_expected).await?;
    assert_eq!(failing(&status), json!([]));
    Ok(())
}

#[tokio::test]
async fn a_sidecar_that_ends_again_and_again_degrades_the_set_and_a_good_one_repairs_it() -> Result<()> {
    let scene = Scene::open("crashing").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(2).await?;

    scene.change_image(CRASHING).await?;
    let crashes = |status: &SidecarSetStatus| is_degraded(status, "ContainersCrashing");
    let first = scene.until_status("a pod crashes", crashes).await?;
    // Each restart looks like success for a moment.
    let restarts = |pods: &[PodView]| pods.iter().map(|pod| pod.container("sidecar").restarts).max();
    let before = restarts(&scene.pods().await?);
    scene.until_pods("the sidecar was restarted again", |pods| restarts(pods) > before).await?;
    let later = scene.until_status("it still crashes", crashes).await?;
    assert_eq!(since(&later), since(&first));

    scene.change_image(AGENT_V2).await?;
    scene.until_status("the good image repairs all", is_as_expected).await.map(drop)
}

#[tokio::test]
async fn an_init_container_of_the_set_that_cannot_be_pulled_degrades_it() -> Result<()> {
    let scene = Scene::open("unpullable-init").await?;
    let set = scene.sidecar_set().with("containers", json!([sidecar("sidecar", AGENT_V1)]));
    scene.create(&set.with("initContainers", json!([sidecar("setup", AGENT_MISSING)]))).await?;

    scene.create_pod(scene.pod("web-0")).await?;

    let status = scene.until_status("it is told", |status| is_degraded(status, "ImagePullFailing")).await?;
    let message = format!("1 pod fails to pull {AGENT_MISSING} ({}/web-0): ImagePullBackOff", scene.namespace());
    assert_eq!(condition(&status, "Degraded")[2], message);
    assert_eq!(failing(&status), json!([{"reason": "ImagePullBackOff", "count": 1}]));
    Ok(())
}
