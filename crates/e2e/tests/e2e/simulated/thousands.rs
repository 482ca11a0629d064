//! Very many Pods at once, while operators are killed.

use super::{alone, two};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, Beside, Place, PodView};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PODS: usize = 2000;

/// How many are being created at any time.
const AT_ONCE: usize = 50;

/// How long a Pod is created anew that was refused.
const PATIENCE: Duration = Duration::from_secs(60);

/// Creates a Pod as a controller does: again and again, with a growing pause, while it is refused. Counts the refusals.
async fn create(pods: &Api<Pod>, pod: &Pod, refusals: &AtomicUsize) -> Result<Pod> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(50);
    loop {
        match pods.create(&PostParams::default(), pod).await {
            Err(kube::Error::Api(status))
                if Instant::now() < deadline && status.message.contains("failed calling webhook") =>
            {
                refusals.fetch_add(1, Ordering::Relaxed);
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            answer => return answer.context("a pod was refused for good"),
        }
    }
}

/// Kills one operator after the other and starts it again, until the Pods are created. Returns how often.
async fn kill_in_turn(places: &[Place], operators: &mut [Beside], is_over: &AtomicBool) -> Result<usize> {
    for kills in 0.. {
        sleep(Duration::from_secs(1)).await;
        if is_over.load(Ordering::Relaxed) {
            return Ok(kills);
        }
        let turn = kills % places.len();
        operators[turn].kill()?;
        sleep(Duration::from_millis(200)).await;
        operators[turn] = places[turn].start()?;
    }
    Ok(0)
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn two_thousand_pods_created_while_operators_are_killed_have_their_sidecars_and_none_is_stuck() -> Result<()> {
    let scene = alone("burst").await?;
    let (places, mut operators) = two().await?;
    scene.create(&scene.sidecar_set()).await?;

    let (is_over, refusals) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begin = Instant::now();
    let creations = async {
        let pods = scene.pod_api();
        let created = stream::iter(0..PODS).map(|number| {
            let (pods, refusals) = (&pods, &refusals);
            let pod = serde_json::from_value(scene.pod(&format!("pod-{number}")));
            async move { create(pods, &pod?, refusals).await }
        });
        let created = created.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await;
        is_over.store(true, Ordering::Relaxed);
        created
    };
    let (created, kills) = tokio::join!(creations, kill_in_turn(&places, &mut operators, &is_over));
    let (created, kills, took) = (created?, kills?, begin.elapsed());

    let refusals = refusals.into_inner();
    eprintln!(
        "{PODS} pods were created within {took:.1?}, while operators were killed {kills} times; {refusals} refusals"
    );
    ensure!(kills >= 2, "the operators were killed {kills} times");
    let without = created.iter().map(PodView::of).filter(|pod| pod.containers.iter().all(|it| it.name != "sidecar"));
    assert_eq!(without.count(), 0);
    let counts = |status: &SidecarSetStatus| [status.matched_pods, status.updated_ready_pods] == [2000; 2];
    let status = scene.until_status("all pods are counted", counts).await?;
    eprintln!("all of them were ready and counted {:.1?} after the first one was begun", begin.elapsed());
    assert_eq!(status.not_injected_pods, 0);
    let pods = scene.pods().await?;
    assert_eq!(pods.iter().filter(|pod| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V1)).count(), PODS);
    Ok(())
}
