//! New Pods of a set that is pinned to a past revision. The revisions are written here as Kruise v1.9 writes them.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, Look, PodView, Scene, eventually, refusal, sidecar};

const NAMESPACE: &str = "sidecarset-system";

fn revisions(scene: &Scene) -> Api<ControllerRevision> {
    Api::namespaced(scene.client(), NAMESPACE)
}

/// A revision of a set, with the sidecar in this image.
fn written_by_kruise(set: &SidecarSet, suffix: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": format!("{}-{suffix}", set.name_any()),
            "labels": {
                "kruise.io/sidecarset-name": set.name_any(),
                "apps.kruise.io/sidecarset-custom-version": "v1",
                "controller.kubernetes.io/hash": suffix,
            },
            "annotations": {
                "kruise.io/sidecarset-hash": format!("hash-of-{suffix}"),
                "kruise.io/sidecarset-hash-without-image": format!("shape-of-{suffix}"),
            },
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": set.name_any(),
                "uid": set.metadata.uid, "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "revision": 1,
        "data": {"spec": {
            "$patch": "replace",
            "containers": [{
                "image": image, "imagePullPolicy": "IfNotPresent", "name": "sidecar",
                "podInjectPolicy": "BeforeAppContainer", "resources": {}, "shareVolumePolicy": {"type": "disabled"},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "upgradeStrategy": {"upgradeType": "ColdUpgrade"},
            }],
            "imagePullSecrets": null, "initContainers": null, "patchPodMetadata": null, "volumes": null,
        }},
    })
}

async fn write(scene: &Scene, revision: Value) -> Result<()> {
    revisions(scene).create(&PostParams::default(), &serde_json::from_value(revision)?).await?;
    Ok(())
}

fn pin(revision: &Value) -> Value {
    json!([{"op": "add", "path": "/spec/injectionStrategy", "value": {"revision": revision}}])
}

/// Pins the set as soon as the operator knows the revision.
async fn until_pinned(scene: &Scene, revision: Value) -> Result<()> {
    eventually("the set is pinned", async || {
        scene.change(scene.namespace(), pin(&revision)).await?;
        Ok(Look::Found(()))
    })
    .await
}

/// Creates a Pod, and returns its sidecar's image and what is recorded of the set.
async fn injected(scene: &Scene, name: &str) -> Result<(String, Value)> {
    let pod = scene.create_pod(scene.pod(name)).await?;
    let text = pod.annotations().get("kruise.io/sidecarset-hash").context("the pod was injected")?;
    let recorded = serde_json::from_str::<Value>(text)?[scene.namespace()].take();
    Ok((PodView::of(&pod).container("sidecar").image.clone(), recorded))
}

#[tokio::test]
async fn new_pods_get_the_revision_that_the_set_is_pinned_to() -> Result<()> {
    let scene = Scene::open("pinned").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"type": "NotUpdate"}))).await?;
    let set = scene.set(scene.namespace()).await?;
    let older = written_by_kruise(&set, "older", AGENT_V3);
    let mut newer = written_by_kruise(&set, "newer", AGENT_V2);
    newer["revision"] = json!(2);
    let name = |suffix: &str| format!("{}-{suffix}", scene.namespace());
    write(&scene, newer).await?;
    write(&scene, older).await?;

    until_pinned(&scene, json!({"revisionName": name("older")})).await?;
    let (image, recorded) = injected(&scene, "by-name").await?;
    assert_eq!(image, AGENT_V3);
    assert_eq!((&recorded["controllerRevision"], &recorded["hash"]), (&json!(name("older")), &json!("hash-of-older")));

    until_pinned(&scene, json!({"customVersion": "v1"})).await?;
    let (image, recorded) = injected(&scene, "by-version").await?;
    assert_eq!(image, AGENT_V2);
    assert_eq!((&recorded["controllerRevision"], &recorded["hash"]), (&json!(name("newer")), &json!("hash-of-newer")));

    scene.change(scene.namespace(), json!([{"op": "remove", "path": "/spec/injectionStrategy"}])).await?;
    assert_eq!(injected(&scene, "present").await?.0, AGENT_V1);
    Ok(())
}

#[tokio::test]
async fn a_set_is_not_pinned_to_the_revision_of_another_one() -> Result<()> {
    let scene = Scene::open("foreign").await?;
    scene.create(&scene.sidecar_set()).await?;
    let other = scene.sidecar_set_named("other").with("containers", json!([sidecar("other", AGENT_V1)]));
    scene.create(&other).await?;
    write(&scene, written_by_kruise(&scene.set(other.name()).await?, "x", AGENT_V2)).await?;
    let foreign = json!({"revisionName": format!("{}-x", other.name())});

    // Its own set may have it, so the operator knows it.
    eventually("the other set is pinned", async || {
        scene.change(other.name(), pin(&foreign)).await?;
        Ok(Look::Found(()))
    })
    .await?;
    let status = refusal(scene.try_change(scene.namespace(), pin(&foreign)).await)?;

    assert_eq!(status.code, 422, "{}", status.message);
    assert!(status.message.contains("no such revision belongs to this SidecarSet"), "{}", status.message);
    Ok(())
}

#[tokio::test]
async fn new_pods_are_refused_once_the_revision_is_gone() -> Result<()> {
    let scene = Scene::open("unpinned").await?;
    scene.create(&scene.sidecar_set()).await?;
    let revision = format!("{}-gone", scene.namespace());
    write(&scene, written_by_kruise(&scene.set(scene.namespace()).await?, "gone", AGENT_V2)).await?;
    until_pinned(&scene, json!({"revisionName": revision})).await?;

    revisions(&scene).delete(&revision, &DeleteParams::default()).await?;
    let is_told = |status: &sidecarset_api::v1beta1::SidecarSetStatus| {
        status.conditions.iter().any(|it| it.type_ == "Ready" && it.reason == "RevisionUnusable")
    };
    scene.until_status("the set tells that its revision is gone", is_told).await?;
    let refused = scene.create_pod(scene.pod("late")).await;

    let Err(error) = refused else { anyhow::bail!("the pod was created") };
    ensure!(format!("{error:#}").contains(&format!("pinned to revisionName {revision:?}")), "{error:#}");
    Ok(())
}
