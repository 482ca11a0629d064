//! The past of a set, as the operator keeps it.

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, Look, Scene, eventually};

/// The image and the number of each revision of the scene's set, by number.
async fn history(scene: &Scene) -> Result<Vec<(String, i64)>> {
    let mut history: Vec<_> = revisions(scene).await?.iter().map(|it| (image(it), it.revision)).collect();
    history.sort_by_key(|(_, number)| *number);
    Ok(history)
}

async fn revisions(scene: &Scene) -> Result<Vec<ControllerRevision>> {
    let of_set = ListParams::default().labels(&format!("kruise.io/sidecarset-name={}", scene.namespace()));
    let api: Api<ControllerRevision> = Api::namespaced(scene.client(), "sidecarset-system");
    Ok(api.list(&of_set).await?.items)
}

fn image(revision: &ControllerRevision) -> String {
    let data = revision.data.as_ref().map(|data| &data.0["spec"]["containers"][0]["image"]);
    data.and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn until_history(scene: &Scene, what: &str, expected: &[(&str, i64)]) -> Result<()> {
    let expected: Vec<_> = expected.iter().map(|(image, number)| ((*image).to_owned(), *number)).collect();
    eventually(what, async || {
        let found = history(scene).await?;
        Ok(if found == expected { Look::Found(()) } else { Look::NotYet(format!("{found:?}")) })
    })
    .await
}

/// The image that the revision holds which every Pod of the scene names.
async fn image_by_record(scene: &Scene) -> Result<Vec<String>> {
    let revisions = revisions(scene).await?;
    let pods = scene.pod_api().list(&ListParams::default()).await?;
    let images = pods.iter().map(|pod| {
        let text = pod.annotations().get("kruise.io/sidecarset-hash").context("the pod was injected")?;
        let name = serde_json::from_str::<Value>(text)?[scene.namespace()]["controllerRevision"].take();
        let revision = revisions.iter().find(|revision| name == *revision.name_any());
        Ok(revision.map(image).unwrap_or_else(|| format!("there is no {name}")))
    });
    images.collect()
}

fn pause(paused: bool) -> Value {
    json!([{"op": "add", "path": "/spec/updateStrategy/paused", "value": paused}])
}

#[tokio::test]
async fn an_image_change_is_a_second_revision_and_a_rollback_renumbers_the_first() -> Result<()> {
    let scene = Scene::open("history").await?;
    // As soon as it is created, with no revision to be seen: its name is known all the same.
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(1).await?;
    assert_eq!(image_by_record(&scene).await?, [AGENT_V1]);
    until_history(&scene, "the first definition is stored", &[(AGENT_V1, 1)]).await?;

    scene.change_image(AGENT_V2).await?;
    until_history(&scene, "the second definition is stored", &[(AGENT_V1, 1), (AGENT_V2, 2)]).await?;
    scene.until_pods("the pod is upgraded", |pods| pods.iter().all(|pod| pod.runs("sidecar", AGENT_V2))).await?;
    assert_eq!(image_by_record(&scene).await?, [AGENT_V2]);

    scene.change_image(AGENT_V1).await?;
    until_history(&scene, "the first definition is the newest", &[(AGENT_V2, 2), (AGENT_V1, 3)]).await?;
    scene.until_pods("the pod is rolled back", |pods| pods.iter().all(|pod| pod.runs("sidecar", AGENT_V1))).await?;
    assert_eq!(image_by_record(&scene).await?, [AGENT_V1]);
    let newest = revisions(&scene).await?.into_iter().max_by_key(|it| it.revision).map(|it| it.name_any());
    scene.until_status("the status names the newest revision", |it| it.latest_revision == newest).await?;
    assert_eq!(scene.set(scene.namespace()).await?.status.and_then(|status| status.collision_count), Some(0));
    Ok(())
}

#[tokio::test]
async fn revisions_beyond_the_limit_go_once_no_pod_has_them() -> Result<()> {
    let scene = Scene::open("limit").await?;
    let strategy = json!({"paused": true});
    scene.create(&scene.sidecar_set().with("revisionHistoryLimit", json!(1)).with("updateStrategy", strategy)).await?;
    scene.deploy(1).await?;

    scene.change_image(AGENT_V2).await?;
    until_history(&scene, "a pod has the first definition", &[(AGENT_V1, 1), (AGENT_V2, 2)]).await?;
    scene.change_image(AGENT_V3).await?;
    until_history(&scene, "nobody has the second definition", &[(AGENT_V1, 1), (AGENT_V3, 3)]).await?;

    scene.change(scene.namespace(), pause(false)).await?;
    until_history(&scene, "nobody has the first definition", &[(AGENT_V3, 3)]).await?;
    assert_eq!(image_by_record(&scene).await?, [AGENT_V3]);
    Ok(())
}

#[tokio::test]
async fn the_revisions_of_a_set_go_with_it_and_one_of_the_same_name_begins_anew() -> Result<()> {
    let scene = Scene::open("gone").await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.change_image(AGENT_V2).await?;
    until_history(&scene, "both definitions are stored", &[(AGENT_V1, 1), (AGENT_V2, 2)]).await?;

    scene.delete_set(scene.namespace()).await?;
    // Before the garbage collector has come.
    scene.create(&scene.sidecar_set()).await?;

    until_history(&scene, "only the new set has a past", &[(AGENT_V1, 1)]).await?;
    let uid = scene.set(scene.namespace()).await?.uid();
    let owners: Vec<_> = revisions(&scene).await?[0].owner_references().iter().map(|it| Some(it.uid.clone())).collect();
    assert_eq!(owners, [uid]);
    scene.delete_set(scene.namespace()).await?;
    until_history(&scene, "the past is gone with the set", &[]).await
}
