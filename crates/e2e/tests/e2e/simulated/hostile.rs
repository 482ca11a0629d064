//! What somebody writes past the admission webhook, or into what the operator reads.

use super::{alone, kubeconfig};
use anyhow::{Context, Result, ensure};
use axum::http::{Method, Request};
use kube::api::PostParams;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V1, Look, Place, PodView, Scene, eventually};

/// How deep a member of a container may be nested, so that the whole set is as deep as may be.
const DEEPEST: usize = 60;

fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

/// A set that selects the Pods of an application, and that has a member nested so deep, as text: no value could hold it.
fn deep_set(name: &str, app: &str, levels: usize) -> String {
    let metadata = json!({"name": name});
    let selector = json!({"matchLabels": {"app": app}});
    format!(
        r#"{{"apiVersion":"apps.kruise.io/v1beta1","kind":"SidecarSet","metadata":{metadata},"spec":{{"selector":{selector},
        "containers":[{{"name":"sidecar","image":"{AGENT_V1}","x":{}}}]}}}}"#,
        nested(levels)
    )
}

/// Sends text as it is, and returns the answer.
async fn send(scene: &Scene, method: Method, path: &str, body: String) -> kube::Result<String> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    scene.client().request_text(request.body(body.into_bytes()).map_err(kube::Error::HttpError)?).await
}

const SETS: &str = "/apis/apps.kruise.io/v1beta1/sidecarsets";

/// Waits until the set says that it cannot be acted on.
async fn until_invalid(scene: &Scene, name: &str) -> Result<()> {
    eventually("the set says that it cannot be read", async || {
        let text = send(scene, Method::GET, &format!("{SETS}/{name}"), String::new()).await?;
        let is_told = text.contains("\"InvalidSpec\"") && text.contains("spec.containers: cannot be read");
        Ok(if is_told { Look::Found(()) } else { Look::NotYet(text) })
    })
    .await
}

/// Returns the containers that a Pod of an application would have which is created now.
async fn injected(scene: &Scene, app: &str) -> Result<Vec<String>> {
    let mut pod = scene.pod("dry-run");
    pod["metadata"]["labels"]["app"] = Value::from(app);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let pod = PodView::of(&scene.pod_api().create(&dry_run, &serde_json::from_value(pod)?).await?);
    let mut names: Vec<String> = pod.containers.into_iter().map(|container| container.name).collect();
    names.sort();
    Ok(names)
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn a_set_as_deep_as_may_be_is_read_back_and_a_deeper_one_harms_nobody() -> Result<()> {
    let scene = alone("deep").await?;
    let [deepest, deeper] = ["deepest", "deeper"].map(|it| format!("{}-{it}", scene.namespace()));
    // No operator is there to refuse it.
    send(&scene, Method::POST, SETS, deep_set(&deeper, &deeper, 150)).await.context("failed to create a set")?;

    let place = Place::find("deep", kubeconfig()?).await?;
    let mut operator = place.start_ready().await?;
    until_invalid(&scene, &deeper).await?;
    let refused = injected(&scene, &deeper).await;
    let refused = refused.err().context("a pod was created without its sidecar")?.to_string();
    ensure!(refused.contains("cannot be read"), "{refused}");

    scene
        .create(&scene.sidecar_set_named("deepest").with("selector", json!({"matchLabels": {"app": deepest}})).with(
            "containers",
            json!([{"name": "sidecar", "image": AGENT_V1, "x": serde_json::from_str::<Value>(&nested(DEEPEST))?}]),
        ))
        .await?;
    let refusal = send(&scene, Method::POST, SETS, deep_set("one-more", &deepest, DEEPEST + 1)).await;
    let refusal = refusal.err().context("a set that is too deep was accepted")?.to_string();
    ensure!(refusal.contains("must not be nested more than 64 levels deep"), "{refusal}");
    let name = deepest.clone();
    eventually("the set has a revision", async || {
        let revision = scene.set(&name).await?.status.and_then(|status| status.latest_revision);
        Ok(revision.map_or_else(|| Look::NotYet("none".to_owned()), Look::Found))
    })
    .await?;

    // Whoever comes next has to read all of it.
    operator.kill()?;
    let _operator = place.start_ready().await?;
    assert_eq!(injected(&scene, &deepest).await?, ["app", "sidecar"]);
    send(&scene, Method::DELETE, &format!("{SETS}/{deeper}"), String::new()).await?;
    Ok(())
}
