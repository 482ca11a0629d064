//! A node that has no room for an image.

use anyhow::Result;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V2, Look, PodView, Scene, eventually, has_real_nodes, load_image, running};
use std::fs::File;
use tokio::time::Instant;

const AGENT_HUGE: &str = "docker.io/library/agent:huge";

/// As large as everything that the node has room for, which scripts/test.sh says.
const HUGE: u64 = 256 << 20;

/// What Linux says.
const FULL: &str = "no space left on device";

/// Returns what Degraded says, and why.
fn degraded(status: &SidecarSetStatus) -> [&str; 2] {
    let found = status.conditions.iter().find(|condition| condition.type_ == "Degraded");
    found.map_or([""; 2], |condition| [condition.status.as_str(), condition.reason.as_str()])
}

/// Puts the image into the registry. The node is asked to take it too, and says why it cannot.
async fn push_huge() -> Result<String> {
    let path = std::env::temp_dir().join(format!("sidecarset-e2e-huge-{}", std::process::id()));
    File::create(&path)?.set_len(HUGE)?;
    let loaded = load_image(AGENT_HUGE, &path.display().to_string()).await;
    std::fs::remove_file(path)?;
    Ok(loaded.map_or_else(|error| format!("{error:#}"), |_| "the node had room for it".to_owned()))
}

async fn until_the_kubelet_tells(scene: &Scene) -> Result<String> {
    let events: Api<Event> = Api::namespaced(scene.client(), scene.namespace());
    eventually("the kubelet tells that the disk is full", async || {
        let failed = events.list(&ListParams::default().fields("reason=Failed")).await?;
        let mut messages = failed.items.into_iter().filter_map(|event| event.message);
        let told = messages.find(|message| message.contains(FULL));
        Ok(told.map_or_else(|| Look::NotYet("it does not".to_owned()), Look::Found))
    })
    .await
}

#[tokio::test]
#[ignore = "fills the disk of the node: scripts/test.sh runs it when the others are done"]
async fn an_image_for_which_the_node_has_no_room_degrades_the_set_and_a_good_one_repairs_it() -> Result<()> {
    let scene = Scene::open_alone("full-disk").await?;
    if !has_real_nodes().await? {
        eprintln!("left out: simulated nodes have no disk");
        return Ok(());
    }
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(3).await?;
    let refused = push_huge().await?;
    assert!(refused.contains(FULL), "{refused}");

    let begin = Instant::now();
    scene.change_image(AGENT_HUGE).await?;
    let is_degraded = |status: &SidecarSetStatus| degraded(status) == ["True", "ImagePullFailing"];
    let status = scene.until_status("the set is degraded", is_degraded).await?;
    eprintln!("degraded after {:.1?}; the kubelet: {}", begin.elapsed(), until_the_kubelet_tells(&scene).await?);
    let upgraded = scene.pods().await?.iter().filter(|pod| pod.container("sidecar").image == AGENT_HUGE).count();
    assert_eq!((upgraded, status.ready_pods), (1, 2));

    let begin = Instant::now();
    scene.change_image(AGENT_V2).await?;
    let is_repaired = |pods: &[PodView]| pods.iter().all(|pod| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2));
    let after = scene.until_pods("the good image repairs all", is_repaired).await?;
    scene.until_status("all is well", |status| degraded(status)[0] == "False").await?;
    eprintln!("repaired after {:.1?}", begin.elapsed());
    assert_eq!(running(&after, "app"), running(&before, "app"));
    Ok(())
}
