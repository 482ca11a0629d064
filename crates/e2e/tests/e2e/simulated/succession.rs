//! The operator that leads dies without a word, and the other one waits for the end of its Lease.

use super::{alone, two, upgraded};
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use serde_json::json;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V2, Look, PodView, PodWatch, Scene, eventually, running};
use std::time::Duration;
use tokio::time::Instant;

const PODS: usize = 20;
const MAX_UNAVAILABLE: usize = 2;

/// How long a Lease lasts, and no longer than how long it is until somebody has looked whether it has ended, and has begun.
const LEASE: Duration = Duration::from_secs(15);
const LATEST: Duration = Duration::from_secs(20);

/// Returns the place whose operator leads, once one other than `dead` does.
async fn leader(scene: &Scene, dead: Option<&str>) -> Result<String> {
    let leases: Api<Lease> = Api::namespaced(scene.client(), "sidecarset-system");
    eventually("an operator leads", async || {
        let lease = leases.get_opt("sidecarset-operator").await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default();
        Ok(match holder.split_once('_') {
            Some((place, _)) if Some(place) != dead => Look::Found(place.to_owned()),
            _ => Look::NotYet(holder),
        })
    })
    .await
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn a_leader_that_dies_is_followed_when_its_lease_ends_and_pods_get_their_sidecars_meanwhile() -> Result<()> {
    let scene = alone("succession").await?;
    let (places, mut operators) = two().await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
    let before = scene.deploy(PODS).await?;
    let mut watch = PodWatch::start(&scene).await?;

    scene.change_image(AGENT_V2).await?;
    let begun = watch.until("a pod is upgraded", |pods| pods.iter().any(|pod| pod.runs("sidecar", AGENT_V2))).await?;
    ensure!(!upgraded(&begun, AGENT_V2), "the rollout was over before");
    let dead = leader(&scene, None).await?;
    let place = places.iter().position(|place| place.name == dead).context("somebody else leads")?;
    operators[place].kill()?;
    let killed = Instant::now();
    // One that is there would not be ready for a while, and count as disturbed.
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let created = scene.pod_api().create(&dry_run, &serde_json::from_value(scene.pod("meanwhile"))?).await?;
    leader(&scene, Some(&dead)).await?;
    let followed = killed.elapsed();
    let after = watch.until("all pods are upgraded", |pods| upgraded(pods, AGENT_V2)).await?;

    eprintln!("another one led after {followed:.1?}, and the rollout ended after {:.1?}", killed.elapsed());
    // It was renewed up to two seconds before the end.
    let earliest = LEASE.saturating_sub(Duration::from_secs(3));
    assert!((earliest..LATEST).contains(&followed), "another one led after {followed:.1?}");
    assert_eq!(PodView::of(&created).container("sidecar").image, AGENT_V2);
    assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [1; PODS]);
    assert_eq!(running(&after, "app"), running(&before, "app"));
    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    let counts = |status: &SidecarSetStatus| status.updated_ready_pods == 20;
    scene.until_status("all pods are counted", counts).await.map(drop)
}
