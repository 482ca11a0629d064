//! The operator killed again and again in the middle of rollouts, and the control plane under it.

use anyhow::{Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use sidecarset_e2e::{
    AGENT_V1, AGENT_V2, AGENT_V3, Look, PodView, PodWatch, Scene, crash, eventually, pause, restart, running,
};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

const PODS: usize = 30;
const MAX_UNAVAILABLE: usize = 5;

/// How often the rollout is begun in which the operator is killed.
const ROLLOUTS: i32 = 3;

/// How often it is killed in each of them: it takes a while until another one leads.
const KILLS: usize = 3;

fn image(pods: &[PodView], image: &str) -> bool {
    pods.iter().all(|pod| pod.is_undisturbed() && pod.runs("sidecar", image))
}

fn restarts(pods: &[PodView]) -> Vec<i32> {
    pods.iter().map(|pod| pod.container("sidecar").restarts).collect()
}

/// Changes the image, as a person does: what is refused because no operator is there to be asked is tried again.
async fn release(scene: &Scene, image: &str) -> Result<()> {
    let operation = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": image}]);
    let answer = eventually("an operator is there to be asked", async || {
        Ok(match scene.try_change(scene.namespace(), operation.clone()).await {
            Err(kube::Error::Api(refusal)) if refusal.message.contains("failed calling webhook") => {
                Look::NotYet(refusal.message)
            }
            answer => Look::Found(answer),
        })
    });
    answer.await??;
    Ok(())
}

/// Returns some time of at most two seconds, another one each time.
fn some_time() -> Duration {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    Duration::from_millis(u64::from(nanos / 1000) % 2000)
}

/// Kills all operators at any time, again and again until the rollout is over.
async fn kill_again_and_again(scene: &Scene, wanted: &str) -> Result<Vec<Duration>> {
    let mut kills = Vec::new();
    loop {
        let pause = some_time();
        sleep(pause).await;
        let is_over = image(&scene.pods().await?, wanted) && !kills.is_empty();
        if is_over || kills.len() == KILLS {
            return Ok(kills);
        }
        crash().await?;
        kills.push(pause);
    }
}

/// Gives each Pod the image, as many at once as a rollout does, and returns how long the kubelet took.
async fn by_hand(scene: &Scene, wanted: &str) -> Result<Duration> {
    let begin = Instant::now();
    let pods = scene.pods().await?;
    let patches = stream::iter(&pods).map(|pod| async move {
        let patch = json!({"spec": {"containers": [{"name": "sidecar", "image": wanted}]}});
        scene.pod_api().patch(&pod.name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        eventually("the pod runs the image", async || {
            let pod = PodView::of(&scene.pod_api().get(&pod.name).await?);
            Ok(if image(&[pod], wanted) { Look::Found(()) } else { Look::NotYet(String::new()) })
        })
        .await
    });
    patches.buffer_unordered(MAX_UNAVAILABLE).try_collect::<Vec<_>>().await?;
    Ok(begin.elapsed())
}

#[tokio::test]
#[ignore = "kills the operator: scripts/test.sh runs it when the others are done"]
async fn an_operator_killed_again_and_again_upgrades_each_pod_once_and_keeps_to_the_budget() -> Result<()> {
    let scene = Scene::open_alone("crashes").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
    let before = scene.deploy(PODS).await?;
    let mut watch = PodWatch::start(&scene).await?;

    let begin = Instant::now();
    release(&scene, AGENT_V2).await?;
    watch.until("all pods are upgraded", |pods| image(pods, AGENT_V2)).await?;
    let undisturbed = begin.elapsed();
    for (round, wanted) in (0..ROLLOUTS).zip([AGENT_V3, AGENT_V1, AGENT_V2]) {
        release(&scene, wanted).await?;
        let kills = kill_again_and_again(&scene, wanted).await?;
        let after = watch.until("all pods are upgraded", |pods| image(pods, wanted)).await?;

        eprintln!("{PODS} pods were upgraded while the operator was killed after {kills:?}");
        assert_eq!(restarts(&after), [round + 2; PODS], "killed after {kills:?}");
        assert_eq!(running(&after, "app"), running(&before, "app"));
    }

    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 30).await?;
    scene.delete_set(scene.namespace()).await?;
    let by_hand = by_hand(&scene, AGENT_V3).await?;
    eprintln!("{PODS} pods, {MAX_UNAVAILABLE} at once: {undisturbed:.1?} by the operator, {by_hand:.1?} by hand");
    Ok(())
}

#[tokio::test]
#[ignore = "restarts the control plane: scripts/test.sh runs it when the others are done"]
async fn a_rollout_survives_the_end_of_etcd_and_of_the_api_server() -> Result<()> {
    let scene = Scene::open_alone("control-plane").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}))).await?;
    let before = scene.deploy(12).await?;

    for (round, (component, wanted)) in (1..).zip([("etcd", AGENT_V2), ("kube-apiserver", AGENT_V3)]) {
        release(&scene, wanted).await?;
        sleep(some_time() / 4).await;
        restart(component).await?;
        let after = scene.until_pods("all pods are upgraded", |pods| image(pods, wanted)).await?;

        assert_eq!(restarts(&after), [round; 12], "{component}");
        assert_eq!(running(&after, "app"), running(&before, "app"), "{component}");
        scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 12).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "pauses the API server: scripts/test.sh runs it when the others are done"]
async fn a_rollout_survives_an_api_server_that_answers_nobody_for_30_seconds() -> Result<()> {
    let scene = Scene::open_alone("paused").await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": 2}))).await?;
    let before = scene.deploy(12).await?;
    let mut watch = PodWatch::start(&scene).await?;

    release(&scene, AGENT_V2).await?;
    let is_upgraded = |pod: &PodView| image(std::slice::from_ref(pod), AGENT_V2);
    let begun = watch.until("a pod is upgraded", |pods| pods.iter().any(is_upgraded)).await?;
    ensure!(!begun.iter().all(is_upgraded), "the rollout was over before");
    pause("kube-apiserver", 30).await?;
    let served = Instant::now();
    let after = watch.until("all pods are upgraded", |pods| image(pods, AGENT_V2)).await?;

    eprintln!("the rollout was over {:.1?} after the API server served again", served.elapsed());
    assert_eq!(restarts(&after), [1; 12]);
    assert_eq!(running(&after, "app"), running(&before, "app"));
    assert!(watch.most_disturbed() <= 2, "{} pods were disturbed", watch.most_disturbed());
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 12).await.map(drop)
}
