//! Others who write the operator's webhook configurations, as some providers of clusters do.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use sidecarset_e2e::{Look, PodView, Scene, eventually};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const NAME: &str = "sidecarset";
/// Longer than the operator takes before it looks at what others did.
const A_WHILE: Duration = Duration::from_secs(25);
/// Longer than the operator takes from a set that is deleted to the configuration.
const QUIET: Duration = Duration::from_secs(5);

fn configurations(scene: &Scene) -> Api<MutatingWebhookConfiguration> {
    Api::all(scene.client())
}

/// Waits until the operator has written what the sets of earlier tests leave behind: it takes their webhooks away, which is no
/// answer to anybody.
async fn settled(scene: &Scene) -> Result<()> {
    let generation = async || Ok::<_, kube::Error>(configurations(scene).get(NAME).await?.metadata.generation);
    eventually("the webhook configuration is not written any more", async || {
        let before = generation().await?;
        sleep(QUIET).await;
        let after = generation().await?;
        Ok(if before == after { Look::Found(()) } else { Look::NotYet(format!("{before:?}, {after:?}")) })
    })
    .await
}

/// Returns the first webhook for Pods, and its place.
async fn pod_webhook(scene: &Scene) -> Result<(usize, MutatingWebhook)> {
    let webhooks = configurations(scene).get(NAME).await?.webhooks.unwrap_or_default();
    let mut webhooks = webhooks.into_iter().enumerate();
    webhooks.find(|(_, webhook)| webhook.name.starts_with("mpod")).context("there is no webhook for pods")
}

/// Changes the configuration as a controller does that knows nothing of who owns what.
async fn change(scene: &Scene, operations: Value) -> Result<()> {
    let parameters = PatchParams { field_manager: Some("enforcer".to_owned()), ..PatchParams::default() };
    let patch = Patch::<()>::Json(serde_json::from_value(operations)?);
    configurations(scene).patch(NAME, &parameters, &patch).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "changes the webhooks of all tests: scripts/test.sh runs it when the others are done"]
async fn what_others_add_to_the_webhooks_stays_as_it_is() -> Result<()> {
    let scene = Scene::open_alone("added").await?;
    scene.create(&scene.sidecar_set()).await?;
    settled(&scene).await?;
    let (at, webhook) = pod_webhook(&scene).await?;
    let mut selector = json!(webhook.namespace_selector.unwrap_or_default());
    let expressions = selector["matchExpressions"].as_array_mut().context("the webhook leaves namespaces out")?;
    expressions.push(json!({"key": "control-plane", "operator": "DoesNotExist"}));

    let keeps_out = json!({"matchExpressions": [{"key": "enforced", "operator": "DoesNotExist"}]});
    let operations = json!([
        {"op": "replace", "path": format!("/webhooks/{at}/namespaceSelector"), "value": selector},
        {"op": "replace", "path": format!("/webhooks/{at}/objectSelector"), "value": keeps_out},
    ]);
    change(&scene, operations).await?;
    let annotation = json!({"metadata": {"annotations": {"enforcer.example.com/seen": "true"}}});
    configurations(&scene).patch(NAME, &PatchParams::default(), &Patch::Merge(annotation)).await?;
    let before = configurations(&scene).get(NAME).await?;
    sleep(A_WHILE).await;
    let after = configurations(&scene).get(NAME).await?;

    assert_eq!((after.metadata.generation, &after.webhooks), (before.metadata.generation, &before.webhooks));
    assert_eq!(after.annotations().get("enforcer.example.com/seen").map(String::as_str), Some("true"));
    let pod = scene.create_pod(scene.pod("app")).await?;
    assert_eq!(PodView::of(&pod).container_names(), ["sidecar", "app"]);
    Ok(())
}

#[tokio::test]
#[ignore = "changes the webhooks of all tests: scripts/test.sh runs it when the others are done"]
async fn a_field_that_others_overwrite_each_time_is_written_again_less_and_less_often() -> Result<()> {
    let scene = Scene::open_alone("overwritten").await?;
    scene.create(&scene.sidecar_set()).await?;
    settled(&scene).await?;
    let began = Instant::now();
    let mut restored = Vec::new();

    let mut ours = None;
    while began.elapsed() < 2 * A_WHILE {
        let (at, webhook) = pod_webhook(&scene).await?;
        if webhook.timeout_seconds != Some(9) {
            if ours.is_some() {
                restored.push(began.elapsed().as_secs());
            }
            ours = webhook.timeout_seconds;
            let path = format!("/webhooks/{at}/timeoutSeconds");
            change(&scene, json!([{"op": "replace", "path": path, "value": 9}])).await?;
        }
        sleep(Duration::from_millis(200)).await;
    }

    eprintln!("written again after {restored:?} s");
    ensure!((1..=2).contains(&restored.len()), "written again after {restored:?} s");
    // Whoever comes next finds it as it was.
    eventually("what nobody overwrites any more is written again", async || {
        let (_, webhook) = pod_webhook(&scene).await?;
        Ok(if webhook.timeout_seconds == ours { Look::Found(()) } else { Look::NotYet(format!("{webhook:?}")) })
    })
    .await
}
