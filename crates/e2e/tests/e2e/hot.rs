//! A sidecar that is upgraded without a pause: two containers stand for it.

use anyhow::Result;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_MISSING, AGENT_V1, AGENT_V2, AGENT_V3, PodView, PodWatch, Scene, SetDraft, running};
use std::cell::Cell;

/// What the container runs that waits.
const EMPTY: &str = AGENT_V3;

pub fn hot_set(scene: &Scene) -> SetDraft {
    let strategy = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": EMPTY});
    let container = json!({"name": "sidecar", "image": AGENT_V1, "upgradeStrategy": strategy});
    scene.sidecar_set().with("containers", json!([container]))
}

/// What the annotations tell: which container is at work; the version of the first one and what it knows of that of the
/// other; and the same of the second one.
async fn told(scene: &Scene, pod: &str) -> Result<(String, [u64; 4])> {
    let annotations = scene.pod_api().get(pod).await?.metadata.annotations.unwrap_or_default();
    let version = |key: &str, at: u8| annotations[&format!("{key}.sidecarset.kruise.io/sidecar-{at}")].parse::<u64>();
    let working: Value = serde_json::from_str(&annotations["kruise.io/sidecarset-working-hotupgrade-container"])?;
    let working = working["sidecar"].as_str().unwrap_or_default().to_owned();
    Ok((
        working,
        [version("version", 1)?, version("versionalt", 1)?, version("version", 2)?, version("versionalt", 2)?],
    ))
}

pub fn is_at_rest(pod: &PodView, working: (&str, &str), waiting: &str) -> bool {
    pod.is_undisturbed() && pod.runs(working.0, working.1) && pod.runs(waiting, EMPTY)
}

/// Follows the Pod until it is as it should be. It has to serve in every state on the way there.
async fn follow(
    watch: &mut PodWatch,
    what: &str,
    serves: impl Fn(&PodView) -> bool,
    is_so: impl Fn(&PodView) -> bool,
) -> Result<Vec<PodView>> {
    let interrupted = Cell::new(None);
    let pods = watch
        .until(what, |pods| {
            if let Some(pod) = pods.iter().find(|pod| !serves(pod)) {
                interrupted.set(Some(pod.clone()));
            }
            pods.iter().all(&is_so)
        })
        .await?;
    let interrupted = interrupted.take();
    assert!(interrupted.is_none(), "nothing served: {interrupted:#?}");
    Ok(pods)
}

#[tokio::test]
async fn a_hot_sidecar_runs_as_a_pair_of_which_one_waits() -> Result<()> {
    let scene = Scene::open("hot").await?;
    scene.create(&hot_set(&scene).with("updateStrategy", json!({"type": "NotUpdate"}))).await?;

    let pods = scene.deploy(1).await?;

    assert!(is_at_rest(&pods[0], ("sidecar-1", AGENT_V1), "sidecar-2"), "{pods:#?}");
    assert_eq!(told(&scene, &pods[0].name).await?, ("sidecar-1".to_owned(), [1, 0, 0, 1]));
    scene.until_status("the pod is ready", |status| status.ready_pods == 1).await.map(drop)
}

#[tokio::test]
async fn a_hot_upgrade_stops_the_container_at_work_only_when_another_one_has_taken_over() -> Result<()> {
    let scene = Scene::open("hot-upgrade").await?;
    scene.create(&hot_set(&scene)).await?;
    let before = scene.deploy(1).await?;
    let mut watch = PodWatch::start(&scene).await?;

    scene.change_image(AGENT_V2).await?;
    let first = before[0].container("sidecar-1").container_id.clone();
    let is_first_at_work = |pod: &PodView| {
        let container = pod.container("sidecar-1");
        container.container_id == first && container.is_ready && container.image == AGENT_V1
    };
    let has_second_taken_over = |pod: &PodView| pod.runs("sidecar-2", AGENT_V2) && pod.container("sidecar-2").is_ready;
    let after = follow(
        &mut watch,
        "the second container is at work, and the first one waits",
        |pod| is_first_at_work(pod) || has_second_taken_over(pod),
        |pod| is_at_rest(pod, ("sidecar-2", AGENT_V2), "sidecar-1"),
    )
    .await?;

    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    assert_eq!((after[0].container("sidecar-1").restarts, after[0].container("sidecar-2").restarts), (1, 1));
    let (working, [version, alt_of_first, taken_over, alt_of_second]) = told(&scene, &after[0].name).await?;
    assert_eq!((working.as_str(), version, alt_of_second), ("sidecar-2", 0, 0));
    assert!(taken_over > 1 && alt_of_first == taken_over, "{taken_over} {alt_of_first}");
    scene.until_status("the pod is counted as updated", |status| status.updated_ready_pods == 1).await.map(drop)
}

#[tokio::test]
async fn the_way_back_from_an_image_that_never_starts_touches_neither_application_nor_sidecar() -> Result<()> {
    let scene = Scene::open("hot-back").await?;
    scene.create(&hot_set(&scene)).await?;
    let before = scene.deploy(1).await?;
    let mut watch = PodWatch::start(&scene).await?;
    let serves = |pod: &PodView| {
        let container = pod.container("sidecar-1");
        container.container_id == before[0].container("sidecar-1").container_id && container.is_ready
    };

    scene.change_image(AGENT_MISSING).await?;
    let fails =
        |pod: &PodView| ["ErrImagePull", "ImagePullBackOff"].contains(&pod.container("sidecar-2").waits_for.as_str());
    follow(&mut watch, "the second container fails to pull the image", serves, fails).await?;
    scene.change_image(AGENT_V1).await?;
    let is_back = |pod: &PodView| is_at_rest(pod, ("sidecar-1", AGENT_V1), "sidecar-2");
    let after = follow(&mut watch, "the second container waits again", serves, is_back).await?;

    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    assert_eq!(running(&after, "sidecar-1"), running(&before, "sidecar-1"), "the sidecar was touched");
    let (working, [version, alt, _, _]) = told(&scene, &after[0].name).await?;
    assert_eq!((working.as_str(), version, alt), ("sidecar-1", 1, 0));
    scene.until_status("the pod is counted as updated", |status| status.updated_ready_pods == 1).await.map(drop)
}
