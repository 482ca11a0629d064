//! A replica that the API server asks, and that hears nothing from the API server.

use super::{alone, folder, kubeconfig};
use anyhow::{Result, ensure};
use kube::api::PostParams;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Beside, Look, Place, PodView, Scene, eventually, freezer};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long the API server may be silent before nothing is answered, and how much later that is at most.
const SILENCE: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(3);

/// How long it may take until all is known again.
const CATCH_UP: Duration = Duration::from_secs(10);

/// Returns the image of the sidecar that a Pod would get which is created now.
async fn injected(scene: &Scene) -> kube::Result<String> {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let pod = serde_json::from_value(scene.pod("dry-run")).map_err(kube::Error::SerdeError)?;
    let pod = PodView::of(&scene.pod_api().create(&dry_run, &pod).await?);
    Ok(pod.container("sidecar").image.clone())
}

/// Waits until a Pod is refused, and returns after how long that was so.
async fn until_refused(scene: &Scene, since: Instant) -> Result<Duration> {
    loop {
        match injected(scene).await {
            Ok(_) => ensure!(since.elapsed() < SILENCE + LATER, "pods are injected from what is old"),
            Err(error) => {
                let error = error.to_string();
                ensure!(error.contains("has not heard from the API server"), "{error}");
                return Ok(since.elapsed());
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn until_unready(operator: &Beside) -> Result<()> {
    eventually("the operator is not ready", async || {
        let answer = operator.readiness().await?;
        Ok(if answer.contains(" 503 ") { Look::Found(()) } else { Look::NotYet(answer) })
    })
    .await
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn a_replica_that_is_cut_off_answers_nothing_after_ten_seconds_and_nothing_old_when_it_is_back() -> Result<()> {
    let scene = alone("silence").await?;
    let (cut, is_cut) = watch::channel(false);
    let detour = freezer(&kubeconfig()?, &folder()?, is_cut).await?;
    let mut places = [Place::find("leads", kubeconfig()?).await?, Place::find("cut-off", detour).await?];
    // Whatever there is to ask, the one is asked that does not lead.
    let asked_at = places[1].webhook;
    places.iter_mut().for_each(|place| place.asked_at = Some(asked_at));
    let leader = places[0].start_ready().await?;
    let mut follower = places[1].start()?;
    follower.until_ready().await?;
    scene.create(&scene.sidecar_set()).await?;
    assert_eq!(injected(&scene).await?, AGENT_V1);

    cut.send_replace(true);
    let silent = Instant::now();
    // It is checked by the one that is cut off, which has heard of the API server a moment ago.
    let operation = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": AGENT_V2}]);
    scene.try_change(scene.namespace(), operation).await?;
    let refused = until_refused(&scene, silent).await?;
    until_unready(&follower).await?;
    // However long it lasts.
    sleep(Duration::from_secs(20)).await;
    ensure!(injected(&scene).await.is_err(), "a pod was injected from what is old");

    cut.send_replace(false);
    let back = Instant::now();
    let image = loop {
        match injected(&scene).await {
            Ok(image) => break image,
            Err(error) => ensure!(back.elapsed() < CATCH_UP, "{error}"),
        }
        sleep(Duration::from_millis(20)).await;
    };
    eprintln!("pods were refused after {refused:.1?} of silence, and injected {:.1?} after its end", back.elapsed());
    assert_eq!(image, AGENT_V2);
    assert!(refused > SILENCE - LATER, "pods were refused after {refused:.1?}");
    follower.until_ready().await?;
    drop(leader);
    Ok(())
}
