//! Pods that were there before the set.

use anyhow::Result;
use kube::api::DeleteParams;
use sidecarset_e2e::{Look, Scene, eventually};

#[tokio::test]
async fn a_pod_that_was_there_before_the_set_is_counted_until_it_is_created_anew() -> Result<()> {
    let scene = Scene::open("not-injected").await?;
    scene.create_pod(scene.pod("app")).await?;

    scene.create(&scene.sidecar_set()).await?;
    let status = scene.until_status("the pod is counted", |status| status.not_injected_pods == 1).await?;
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
    let said = ready.map(|it| (it.status.as_str(), it.message.as_str()));
    let message = "0 of 0 pods are updated and ready; 1 more is selected and was created without the sidecars";
    assert_eq!(said, Some(("True", message)));

    scene.pod_api().delete("app", &DeleteParams::default().grace_period(0)).await?;
    eventually("the pod is gone", async || {
        Ok(match scene.pod_api().get_opt("app").await? {
            None => Look::Found(()),
            Some(pod) => Look::NotYet(format!("{:?}", pod.metadata)),
        })
    })
    .await?;
    scene.create_pod(scene.pod("app")).await?;

    let is_injected = |status: &sidecarset_api::v1beta1::SidecarSetStatus| {
        (status.matched_pods, status.updated_ready_pods, status.not_injected_pods) == (1, 1, 0)
    };
    scene.until_status("the new pod has its sidecar", is_injected).await?;
    Ok(())
}
