//! The operator killed at one exact write: when it has sent it and the API server does not have it, or when that has done it and
//! the operator does not know.

mod trap;

use super::{alone, folder, upgraded};
use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{Api, ListParams, PostParams};
use serde_json::json;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{
    AGENT_V1, Asked, Beside, Look, Moment, Place, PodView, PodWatch, Scene, eventually, proxy, running, sidecar,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use trap::{Cause, Trap, WRITES};

const PODS: usize = 10;
const MAX_UNAVAILABLE: usize = 3;

/// How long the operator may take to send the write at which it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does what a person does, again and again while no operator is there to be asked.
async fn insist<T>(mut wish: impl AsyncFnMut() -> kube::Result<T>) -> Result<()> {
    let answer = eventually("an operator is there to be asked", async || {
        Ok(match wish().await {
            Ok(_) => Look::Found(Ok(())),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Look::Found(Ok(())),
            Err(kube::Error::Api(status)) if status.message.contains("failed calling webhook") => {
                Look::NotYet(status.message)
            }
            Err(error) => Look::Found(Err(error)),
        })
    });
    Ok(answer.await??)
}

async fn begin(scene: &Scene, cause: Cause, image: &str, round: &str) -> Result<()> {
    match cause {
        Cause::NewImage => {
            let operation = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": image}]);
            insist(async || scene.try_change(scene.namespace(), operation.clone()).await).await
        }
        Cause::NewSet => {
            let draft = scene.sidecar_set_named(round).with("selector", json!({"matchLabels": {"round": round}}));
            let draft = draft.with("containers", json!([sidecar(round, AGENT_V1)]));
            insist(async || scene.submit(&draft).await).await
        }
    }
}

/// Kills the operator as soon as it has sent the write, and starts it again.
async fn kill_when(mut sent: watch::Receiver<bool>, place: &Place, operator: &mut Beside) -> Result<()> {
    timeout(PATIENCE, sent.wait_for(|sent| *sent)).await.context("it was not sent")??;
    operator.kill()?;
    *operator = place.start_ready().await?;
    Ok(())
}

/// Returns the containers that a Pod would have which is created now.
async fn injected(scene: &Scene, round: &str) -> Result<Vec<(String, String)>> {
    let mut pod = scene.pod("dry-run");
    pod["metadata"]["labels"]["round"] = json!(round);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let pod = PodView::of(&scene.pod_api().create(&dry_run, &serde_json::from_value(pod)?).await?);
    Ok(pod.containers.into_iter().map(|container| (container.name, container.image)).collect())
}

/// Waits until a new Pod gets what it should: by then the operator has seen everything.
async fn until_injected(scene: &Scene, round: &str, expected: &[(&str, &str)]) -> Result<()> {
    let mut expected: Vec<_> = expected.iter().map(|(name, image)| ((*name).to_owned(), (*image).to_owned())).collect();
    expected.sort();
    eventually("a new pod gets its sidecars", async || {
        let mut found = injected(scene, round).await?;
        found.sort();
        Ok(if found == expected { Look::Found(()) } else { Look::NotYet(format!("{found:?}")) })
    })
    .await
}

async fn revisions(scene: &Scene) -> Result<usize> {
    let of_set = ListParams::default().labels(&format!("kruise.io/sidecarset-name={}", scene.namespace()));
    let api: Api<ControllerRevision> = Api::namespaced(scene.client(), "sidecarset-system");
    Ok(api.list(&of_set).await?.items.len())
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn an_operator_killed_at_any_write_goes_on_as_if_it_had_not_been() -> Result<()> {
    let scene = alone("exact").await?;
    let trap = Arc::new(Trap::default());
    let judge = {
        let trap = Arc::clone(&trap);
        move |asked: &Asked| trap.judge(asked)
    };
    let place = Place::find("exact", proxy(scene.client(), &folder()?, judge).await?).await?;
    let mut operator = place.start_ready().await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
    let before = scene.deploy(PODS).await?;
    let mut watch = PodWatch::start(&scene).await?;

    let (mut image, mut upgrades) = (AGENT_V1.to_owned(), 0);
    let moments = WRITES.into_iter().flat_map(|write| [(write, Moment::Before), (write, Moment::After)]);
    for (number, (write, moment)) in moments.enumerate() {
        let (round, what) = (format!("round-{number}"), format!("{:?} {}", moment, write.what));
        if write.cause == Cause::NewImage {
            // No node pulls anything, and each image is a definition of its own.
            image = format!("docker.io/library/agent:{round}");
            upgrades += 1;
        }
        let begun = Instant::now();
        let told = trap.set(write, moment);
        let kill = kill_when(told, &place, &mut operator);
        tokio::try_join!(begin(&scene, write.cause, &image, &round), kill).with_context(|| what.clone())?;
        let after = watch.until(&what, |pods| upgraded(pods, &image)).await?;

        eprintln!("{what}: as it should be {:.1?} later", begun.elapsed());
        assert_eq!(
            after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(),
            [upgrades; PODS],
            "{what}"
        );
        assert_eq!(running(&after, "app"), running(&before, "app"), "{what}");
        let is_counted = |status: &SidecarSetStatus| status.updated_ready_pods == 10;
        scene.until_status(&what, is_counted).await?;
        assert_eq!(revisions(&scene).await?, 1 + usize::try_from(upgrades)?, "{what}");
        let expected = [("app", AGENT_V1), ("sidecar", image.as_str()), (&round, AGENT_V1)];
        let expected = if write.cause == Cause::NewSet { &expected[..] } else { &expected[..2] };
        until_injected(&scene, &round, expected).await?;
    }
    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    Ok(())
}
