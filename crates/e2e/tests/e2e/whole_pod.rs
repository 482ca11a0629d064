//! What is injected the API server accepts, and what is rejected because of the whole Pod it would refuse.

#[path = "../../../core/tests/core/whole_pod/generated.rs"]
#[expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod generated;
#[path = "../../../core/tests/core/whole_pod/naive.rs"]
#[expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod naive;

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use generated::Generated;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::injection::{Refusal, inject};
use sidecarset_core::normalize::normalize;
use sidecarset_e2e::{AGENT_V1, Look, Scene, eventually, kubectl, refusal, sidecar};
use std::sync::Arc;

/// How many Pods and sets are made. One in four is a Pod that the API server takes and a set that is one.
const SEEDS: u64 = 1600;
/// How many requests are under way at once.
const CONCURRENCY: usize = 16;
/// From this version on the API server fills in the resources of a Pod once all webhooks have seen it.
const FILLS_IN_AFTERWARDS: u32 = 37;

#[derive(Debug, Default)]
struct Tally {
    injected: usize,
    rejected: usize,
    disagreements: Vec<String>,
}

#[tokio::test]
async fn the_api_server_accepts_what_is_injected_and_refuses_what_is_rejected() -> Result<()> {
    let scene = Scene::open("whole-pod").await?;
    let server: u32 = scene.client().apiserver_version().await?.minor.trim_end_matches('+').parse()?;
    let pods = Api::namespaced_with(scene.client(), scene.namespace(), &ApiResource::erase::<Pod>(&()));

    let answers = stream::iter(0..SEEDS).map(async |seed| judged(&pods, seed, server).await);
    let answers: Vec<Result<Judged>> = answers.buffer_unordered(CONCURRENCY).collect().await;

    let mut tally = Tally::default();
    for answer in answers {
        match answer? {
            Judged::Meaningless => {}
            Judged::Injected => tally.injected += 1,
            Judged::Rejected => tally.rejected += 1,
            Judged::Disagreement(what) => tally.disagreements.push(what),
        }
    }
    assert!(tally.disagreements.is_empty(), "\n{}", tally.disagreements.join("\n"));
    assert!(tally.injected > 100 && tally.rejected > 100, "{tally:?}");
    Ok(())
}

#[tokio::test]
async fn a_pod_that_does_not_fit_is_rejected_with_the_field_of_the_set() -> Result<()> {
    let scene = Scene::open("misfit").await?;
    let native = json!([{"name": "app", "image": AGENT_V1, "restartPolicy": "Always"}]);
    let set = scene.sidecar_set().without("containers").with("initContainers", native);
    scene.create(&set).await?;

    let status =
        refusal(scene.pod_api().create(&PostParams::default(), &serde_json::from_value(scene.pod("p"))?).await)?;

    let name = scene.namespace();
    let expected = format!(
        "spec.initContainers[app].name of SidecarSet {name}: the Pod has a container app of its own in spec.containers"
    );
    assert!(status.message.ends_with(&expected), "{}", status.message);
    assert_eq!(status.code, 422);
    Ok(())
}

#[tokio::test]
async fn a_set_that_takes_from_running_pods_is_told_with_their_number_before_it_is_written() -> Result<()> {
    let scene = Scene::open("takes").await?;
    for name in ["one", "two"] {
        scene.create_pod(scene.pod(name)).await?;
    }
    let set = scene.sidecar_set().with("containers", json!([sidecar("app", AGENT_V1)]));
    let file = std::env::temp_dir().join(format!("{}.json", scene.namespace()));
    std::fs::write(&file, set.object().to_string())?;
    let path = file.display().to_string();

    let told = format!("replaces container app in 2 pods, such as {}/one", scene.namespace());
    let look = async || {
        // What kubectl warns of is all that it says then.
        let written = kubectl(&["create", "--dry-run=server", "--warnings-as-errors", "-f", &path]).await;
        let said = written.unwrap_or_else(|error| error.to_string());
        Ok(if said.contains(&told) { Look::Found(()) } else { Look::NotYet(said) })
    };
    let found = eventually("whoever writes the set is warned", look).await;
    std::fs::remove_file(&file)?;
    found
}

enum Judged {
    /// The API server refuses the Pod as it came, or the set is none.
    Meaningless,
    Injected,
    Rejected,
    Disagreement(String),
}

async fn judged(pods: &Api<DynamicObject>, seed: u64, server: u32) -> Result<Judged> {
    let Generated { mut pod, set } = Generated::of(seed);
    let Ok(canonical) = normalize(&serde_json::from_value(set.clone())?) else { return Ok(Judged::Meaningless) };
    // No SidecarSet of another test selects it, and nothing is mounted by the ServiceAccount.
    pod["metadata"]["labels"] = json!({});
    pod["spec"]["automountServiceAccountToken"] = false.into();
    let Ok(stored) = created(pods, &pod).await? else { return Ok(Judged::Meaningless) };
    let admitted = as_webhooks_see_it(&pod, &stored, server);
    let now = Seconds::EPOCH;
    match inject(&admitted, &[Arc::new(canonical)], now) {
        Ok(injection) => {
            let mut whole = admitted;
            json_patch::patch(&mut whole, &injection.patch.operations())?;
            Ok(match created(pods, &whole).await? {
                Ok(_) => Judged::Injected,
                Err(why) => Judged::Disagreement(format!("seed {seed} is injected and refused: {why}")),
            })
        }
        Err(Refusal::Misfits(misfits)) => {
            let Some(whole) = naive::united(&pod, &set) else { return Ok(Judged::Rejected) };
            Ok(match created(pods, &whole).await? {
                Ok(_) => Judged::Disagreement(format!("seed {seed} is rejected and would be accepted: {misfits}")),
                Err(_) => Judged::Rejected,
            })
        }
        Err(other) => Ok(Judged::Disagreement(format!("seed {seed}: {other}"))),
    }
}

/// Returns what the API server would store, or why it refuses.
async fn created(pods: &Api<DynamicObject>, pod: &Value) -> Result<Result<Value, String>> {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    match pods.create(&parameters, &serde_json::from_value(pod.clone())?).await {
        Ok(stored) => Ok(Ok(serde_json::to_value(stored)?)),
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 422) => Ok(Err(status.message.clone())),
        Err(error) => Err(error).context("failed to ask about a Pod"),
    }
}

fn as_webhooks_see_it(pod: &Value, stored: &Value, server: u32) -> Value {
    let mut admitted = pod.clone();
    admitted["spec"] = stored["spec"].clone();
    if server >= FILLS_IN_AFTERWARDS {
        let members = admitted["spec"].as_object_mut();
        members.map(|spec| spec.insert("resources".to_owned(), pod["spec"]["resources"].clone()));
    }
    admitted
}
