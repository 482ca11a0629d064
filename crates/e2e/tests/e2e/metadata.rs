//! Annotations that a set writes onto its Pods, as far as the white list of the cluster lets it.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V2, Look, PodView, Scene, SetDraft, Stage, eventually, example, kubectl, refusal};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// The white list belongs to the whole cluster, so one test at a time writes it.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const NAMESPACE: &str = "sidecarset-system";
const NAME: &str = "kruise-configuration";
const KEY: &str = "SidecarSet_PatchPodMetadata_WhiteList";

/// The rules of the white list, or nothing where it does not exist.
type Rules = Option<Vec<Value>>;

fn configurations(scene: &Scene) -> Api<ConfigMap> {
    Api::namespaced(scene.client(), NAMESPACE)
}

/// Writes the white list.
async fn write(scene: &Scene, rules: &Rules) -> Result<()> {
    let text = rules.as_ref().map(|rules| json!({"rules": rules}).to_string());
    let patch = Patch::Merge(json!({"data": {KEY: text}}));
    configurations(scene).patch(NAME, &PatchParams::default(), &patch).await?;
    Ok(())
}

async fn read(scene: &Scene) -> Result<Rules> {
    let configuration = configurations(scene).get(NAME).await?;
    let Some(text) = configuration.data.as_ref().and_then(|data| data.get(KEY)) else { return Ok(None) };
    let document: Value = serde_json::from_str(text).context("the white list of the cluster is JSON")?;
    Ok(Some(document["rules"].as_array().cloned().unwrap_or_default()))
}

/// Allows the sets of the scene, and only them, to write these keys while `body` runs.
async fn with_rule(scene: &Scene, keys: &str, body: impl Future<Output = Result<()>>) -> Result<()> {
    let blank = serde_json::from_value(json!({"metadata": {"name": NAME}}))?;
    let is_created = configurations(scene).create(&PostParams::default(), &blank).await.is_ok();
    let before = read(scene).await?;
    let selector = json!({"matchLabels": {"e2e.sidecarset.dev/scene": scene.namespace()}});
    let rule = json!({"selector": selector, "allowedAnnotationKeyExprs": [keys]});
    write(scene, &Some(before.iter().flatten().cloned().chain([rule]).collect())).await?;

    let outcome = body.await;

    if is_created {
        configurations(scene).delete(NAME, &DeleteParams::default()).await?;
    } else {
        write(scene, &before).await?;
    }
    outcome
}

fn draft(scene: &Scene) -> SetDraft {
    let entries = json!([
        {"annotations": {"e2e/retained": "of the set", "e2e/added": "of the set"}},
        {"annotations": {"e2e/overwritten": "first"}, "patchPolicy": "Overwrite"},
        {"annotations": {"e2e/merged": r#"{"b":2}"#}, "patchPolicy": "MergePatchJson"},
    ]);
    scene.sidecar_set().with("patchPodMetadata", entries)
}

async fn annotations(scene: &Scene) -> Result<BTreeMap<String, String>> {
    let pod = scene.pod_api().get("web").await?;
    let annotations = pod.metadata.annotations.unwrap_or_default();
    Ok(annotations.into_iter().filter(|(key, _)| key.starts_with("e2e/")).collect())
}

fn expected(overwritten: &str, merged: &str) -> BTreeMap<String, String> {
    let expected = [
        ("e2e/retained", "of the pod"),
        ("e2e/added", "of the set"),
        ("e2e/overwritten", overwritten),
        ("e2e/merged", merged),
    ];
    expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

async fn patches_what_is_allowed(scene: &Scene) -> Result<()> {
    eventually("the set is accepted", async || scene.create(&draft(scene)).await.map(Look::Found)).await?;
    let forbidden = scene
        .sidecar_set_named("forbidden")
        .with("patchPodMetadata", json!([{"annotations": {"e2e/added": "x", "other/key": "x"}}]));
    let message = refusal(scene.submit(&forbidden).await)?.message;
    let path = "spec.patchPodMetadata[0].annotations[other/key]: annotation(other/key) is not allowed";
    ensure!(message.contains(path) && !message.contains("e2e/added"), "{message}");

    let mut pod = scene.pod("web");
    pod["metadata"]["annotations"] =
        json!({"e2e/retained": "of the pod", "e2e/overwritten": "of the pod", "e2e/merged": r#"{ "a": 1 }"#});
    scene.create_pod(pod).await?;
    let created = annotations(scene).await?;
    ensure!(created == expected("first", r#"{"a":1,"b":2}"#), "{created:?}");

    scene.until_pods("the pod runs", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    let operations = json!([
        {"op": "replace", "path": "/spec/patchPodMetadata/0/annotations/e2e~1retained", "value": "changed"},
        {"op": "replace", "path": "/spec/patchPodMetadata/1/annotations/e2e~1overwritten", "value": "second"},
        {"op": "replace", "path": "/spec/patchPodMetadata/2/annotations/e2e~1merged", "value": r#"{"a":null,"c":3}"#},
        {"op": "replace", "path": "/spec/containers/0/image", "value": AGENT_V2},
    ]);
    scene.change(scene.namespace(), operations).await?;
    scene.until_pods("the pod is upgraded", |pods| pods.iter().all(|pod| pod.runs("sidecar", AGENT_V2))).await?;
    let upgraded = annotations(scene).await?;
    ensure!(upgraded == expected("second", r#"{"b":2,"c":3}"#), "{upgraded:?}");
    Ok(())
}

#[tokio::test]
async fn annotations_reach_new_and_upgraded_pods_as_far_as_the_white_list_allows() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let scene = Scene::open("metadata").await?;
    let refused = refusal(scene.submit(&draft(&scene)).await)?;
    assert_eq!(refused.code, 422);
    assert!(refused.message.contains("SidecarSet patch metadata whitelist not found"), "{}", refused.message);

    with_rule(&scene, "^e2e/", patches_what_is_allowed(&scene)).await
}

/// Returns the expressions of the white list of the example, as one.
async fn keys_of_the_example() -> Result<String> {
    let path = format!("jsonpath={{.data.{KEY}}}");
    let file = example("pod-metadata/whitelist.yaml");
    let text = kubectl(&["create", "--dry-run=client", "-f", &file, "-o", &path]).await?;
    let document: Value = serde_json::from_str(&text)?;
    let keys = document["rules"][0]["allowedAnnotationKeyExprs"].as_array().context("the rule has expressions")?;
    Ok(keys.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"))
}

#[tokio::test]
async fn the_example_writes_annotations_as_far_as_its_white_list_allows() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stage = Stage::open("annotated", &["pod-metadata"]).await?;
    let applied = async {
        let set = "pod-metadata/sidecarset.yaml";
        eventually("the set is accepted", async || stage.apply_set(set).await.map(Look::Found)).await?;
        stage.apply("pod-metadata/pod.yaml").await
    };
    with_rule(stage.scene(), &keys_of_the_example().await?, applied).await?;

    let annotations = stage.scene().pod_api().get("annotated").await?.metadata.annotations.unwrap_or_default();

    assert_eq!(annotations["example.com/log-format"], "plain");
    assert_eq!(annotations["oom-score"], r#"{"agent": 1}"#);
    assert_eq!(annotations["example.com/scrape"], r#"{"ports":{"agent":9102,"web":8080}}"#);
    Ok(())
}
