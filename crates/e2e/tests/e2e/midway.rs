//! What a rollout is about goes, or is made anew, in the middle of it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, PodView, PodWatch, Scene, SetDraft, running, sidecar};
use std::time::Duration;
use tokio::time::sleep;

const MAX_UNAVAILABLE: usize = 2;

fn is_upgraded(pod: &PodView, image: &str) -> bool {
    pod.is_undisturbed() && pod.runs("sidecar", image)
}

fn with_budget(draft: SetDraft) -> SetDraft {
    draft.with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))
}

/// Gives the set the second image, and returns when some Pods have it, and others have not.
async fn begin(scene: &Scene, watch: &mut PodWatch) -> Result<()> {
    scene.change_image(AGENT_V2).await?;
    let is_upgraded = |pod: &PodView| is_upgraded(pod, AGENT_V2);
    let pods = watch.until("a pod is upgraded", |pods| pods.iter().any(is_upgraded)).await?;
    ensure!(!pods.iter().all(is_upgraded), "the rollout was over before");
    Ok(())
}

fn selector(scenes: [&Scene; 2]) -> Value {
    let values = scenes.map(Scene::namespace);
    json!({"matchExpressions": [{"key": "app", "operator": "In", "values": values}]})
}

#[tokio::test]
async fn a_namespace_deleted_in_the_middle_of_a_rollout_goes_and_the_other_pods_are_upgraded_once() -> Result<()> {
    let scene = Scene::open("staying").await?;
    let leaving = scene.beside("leaving").await?;
    scene.create(&with_budget(scene.sidecar_set()).with("selector", selector([&scene, &leaving]))).await?;
    let (before, _) = tokio::try_join!(scene.deploy(4), leaving.deploy(14))?;
    let mut watch = PodWatch::start_over(&[&scene, &leaving]).await?;

    // Kubernetes leaves the pods of a namespace alone for five seconds more.
    let rollout = async {
        sleep(Duration::from_secs(4)).await;
        begin(&scene, &mut watch).await
    };
    tokio::try_join!(leaving.delete_namespace(), rollout)?;
    let is_over = |pods: &[PodView]| pods.len() == 4 && pods.iter().all(|pod| is_upgraded(pod, AGENT_V2));
    let after = watch.until("the other pods are upgraded", is_over).await?;

    assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [1; 4]);
    assert_eq!(running(&after, "app"), running(&before, "app"));
    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    let gone = watch.images().values().filter(|images| **images == [AGENT_V1]).count();
    eprintln!("{gone} of 14 pods went before they were upgraded");
    assert!(gone > 0, "the namespace went too late");
    let is_counted = |status: &SidecarSetStatus| status.matched_pods == 4 && status.updated_ready_pods == 4;
    scene.until_status("only the other pods are counted", is_counted).await.map(drop)
}

#[tokio::test]
async fn a_set_made_anew_in_the_middle_of_a_rollout_upgrades_each_pod_once_and_keeps_to_one_budget() -> Result<()> {
    let scene = Scene::open("anew").await?;
    scene.create(&with_budget(scene.sidecar_set())).await?;
    let before = scene.deploy(10).await?;
    let mut watch = PodWatch::start(&scene).await?;

    begin(&scene, &mut watch).await?;
    scene.delete_set(scene.namespace()).await?;
    let anew = with_budget(scene.sidecar_set()).with("containers", json!([sidecar("sidecar", AGENT_V3)]));
    scene.create(&anew).await?;
    let is_over = |pods: &[PodView]| pods.iter().all(|pod| is_upgraded(pod, AGENT_V3));
    let after = watch.until("all pods are upgraded", is_over).await?;

    let by_both = watch.images().values().filter(|images| **images == [AGENT_V1, AGENT_V2, AGENT_V3]).count();
    let by_one = watch.images().values().filter(|images| **images == [AGENT_V1, AGENT_V3]).count();
    eprintln!("{by_both} of 10 pods were upgraded before the set was deleted");
    assert_eq!(by_both + by_one, 10, "{:?}", watch.images());
    assert!(by_both > 0 && by_one > 0, "{by_both} and {by_one}");
    assert_eq!(running(&after, "app"), running(&before, "app"));
    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 10).await.map(drop)
}
