//! An image that never starts.

use anyhow::Result;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_MISSING, AGENT_V1, AGENT_V2, PodView, PodWatch, Scene, running, stays};

fn has_the_bad_image(pod: &&PodView) -> bool {
    pod.container("sidecar").image == AGENT_MISSING
}

fn fails_to_pull(pod: &PodView) -> bool {
    ["ErrImagePull", "ImagePullBackOff"].contains(&pod.container("sidecar").waits_for.as_str())
}

fn waits_for_unavailable_pods(status: &SidecarSetStatus) -> bool {
    let mut conditions = status.conditions.iter();
    conditions.any(|it| it.type_ == "Progressing" && it.reason == "MaxUnavailableReached")
}

#[tokio::test]
async fn a_bad_image_stops_the_rollout_at_max_unavailable_and_a_good_one_repairs_it() -> Result<()> {
    let scene = Scene::open("bad-image").await?;
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(3).await?;
    let mut watch = PodWatch::start(&scene).await?;

    scene.change_image(AGENT_MISSING).await?;
    watch.until("a pod fails to pull the image", |pods| pods.iter().any(fails_to_pull)).await?;
    scene.until_status("the rollout waits", waits_for_unavailable_pods).await?;
    let images = async || {
        let pods = scene.pods().await?;
        Ok(pods.iter().map(|pod| pod.container("sidecar").image.clone()).collect::<Vec<_>>())
    };
    stays("the images while the rollout waits", images).await?;

    let stopped = watch.until("the watch shows the bad image", |pods| pods.iter().any(fails_to_pull)).await?;
    assert_eq!(stopped.iter().filter(has_the_bad_image).count(), 1);
    assert_eq!(stopped.iter().filter(|pod| pod.is_ready && pod.runs("sidecar", AGENT_V1)).count(), 2);
    assert_eq!(watch.most_disturbed(), 1);
    assert_eq!(running(&stopped, "app"), running(&before, "app"));

    scene.change_image(AGENT_V2).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);
    let after = watch.until("the good image repairs all", |pods| pods.iter().all(is_upgraded)).await?;

    assert_eq!(running(&after, "app"), running(&before, "app"));
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 3).await.map(drop)
}
