//! What a client reaches that does nothing but patch Pods: the most that the API server lets anybody do.

use super::bench::{Bench, say};
use super::follow::Follower;
use super::pods::{self, SIDECAR, SeenPod};
use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use serde_json::{Value, json};
use sidecarset_api::markers;
use std::time::Duration;

/// As many as the operator has under way.
const AT_ONCE: usize = 16;

/// Patches every Pod, and returns how many it was in a second.
pub(crate) async fn patch_all(bench: &Bench, limit: Duration) -> anyhow::Result<f64> {
    bench.until_at_rest().await?;
    let image = bench.next_image();
    let all = pods::list(&bench.admin).await?;
    say(&format!("patching {} pods without the operator", all.len()));
    let follower = Follower::start(&bench.admin, &image).await?;
    let count = all.len();
    let patches = stream::iter(all).map(|pod| patch(&bench.bare, pod, &image)).buffer_unordered(AT_ONCE);
    patches.try_collect::<()>().await?;
    let progress = follower.until(limit, |progress| progress.ready() >= count).await?;
    say(&format!("{:.0} pods a second", progress.rate()));
    Ok(progress.rate())
}

async fn patch(client: &Client, pod: SeenPod, image: &str) -> anyhow::Result<()> {
    let request =
        http::Request::patch(format!("{}?fieldManager={}", pods::path(&pod.metadata.name), markers::FIELD_MANAGER))
            .header("Content-Type", "application/strategic-merge-patch+json")
            .header("Accept", "application/json")
            .body(body(&pod, image).to_string().into_bytes())?;
    // The answer is read and parsed, as whoever wants to know the new version has to.
    client.request::<SeenPod>(request).await.map(drop).context("failed to patch a pod")
}

/// Of the size and the shape of what the operator writes.
fn body(pod: &SeenPod, image: &str) -> Value {
    let metadata = &pod.metadata;
    let hash = metadata.annotations.get(markers::HASH).cloned().unwrap_or_default();
    let state = json!({"fleet-000": {
        "revision": "5c4dd8d4d5b7c9fwb4vwbxx9z9", "updateTimestamp": "2026-01-02T03:04:05Z",
        "lastContainerStatuses": {SIDECAR: {"imageID": format!("docker.io/library/agent@sha256:{:064}", 7)}},
    }});
    json!({
        "metadata": {
            "uid": metadata.uid, "resourceVersion": metadata.resource_version,
            "annotations": {markers::HASH: hash, markers::IN_PLACE_STATE: state.to_string()},
        },
        "spec": {"containers": [{"name": SIDECAR, "image": image}]},
    })
}
