//! Two operators, of which one leads: replaced one after the other, killed, or told that somebody else leads.

use anyhow::{Context, Result, ensure};
use kube::api::PostParams;
use serde_json::json;
use sidecarset_e2e::{AGENT_V2, AGENT_V3, Operators, PodView, PodWatch, Scene, running};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How much time is between two Pods that are created, and how many there are at most while the operators are replaced.
const PACE: Duration = Duration::from_millis(100);
const MOST: usize = 600;

const MAX_UNAVAILABLE: usize = 2;

async fn operators(scene: &Scene) -> Result<Option<Operators>> {
    let operators = Operators::find(&scene.client()).await?;
    if operators.is_none() {
        eprintln!("left out: the operator does not run in this cluster, so there is only one");
    }
    Ok(operators)
}

fn is_upgraded(pod: &PodView, image: &str) -> bool {
    pod.is_undisturbed() && pod.runs("sidecar", image)
}

/// Creates Pods, each of which is kept from every node, until it is told to stop, but not more than `most`. Answers how many
/// there were.
async fn create_pods(scene: &Scene, is_over: &AtomicBool, most: usize) -> Result<usize> {
    for number in 0..most {
        if is_over.load(Ordering::Relaxed) {
            return Ok(number);
        }
        let next = Instant::now() + PACE;
        let mut pod = scene.pod(&format!("pod-{number}"));
        pod["spec"]["schedulingGates"] = json!([{"name": "e2e.sidecarset.dev/never"}]);
        let created = scene.pod_api().create(&PostParams::default(), &serde_json::from_value(pod)?).await;
        let created = created.with_context(|| format!("pod {number} was refused"))?;
        let containers = created.spec.map(|spec| spec.containers).unwrap_or_default();
        ensure!(containers.iter().any(|it| it.name == "sidecar"), "pod {number} misses its sidecar");
        tokio::time::sleep_until(next).await;
    }
    Ok(most)
}

#[tokio::test]
#[ignore = "restarts the operator: scripts/test.sh runs it when the others are done"]
async fn while_the_operators_are_replaced_no_pod_is_refused_and_none_misses_its_sidecar() -> Result<()> {
    let scene = Scene::open_alone("replaced").await?;
    let Some(operators) = operators(&scene).await? else { return Ok(()) };
    operators.until_all_are_ready().await?;
    scene.create(&scene.sidecar_set()).await?;
    let is_over = AtomicBool::new(false);

    let restart = async {
        operators.restart(scene.namespace()).await?;
        let restarted = operators.until_all_are_ready().await;
        // Also the last moments of the last one count.
        sleep(Duration::from_secs(2)).await;
        is_over.store(true, Ordering::Relaxed);
        restarted
    };
    let (created, restarted) = tokio::join!(create_pods(&scene, &is_over, MOST), restart);

    restarted?;
    let created = created?;
    eprintln!("{created} pods were created while the operators were replaced");
    assert!((20..MOST).contains(&created), "{created} pods");
    Ok(())
}

#[tokio::test]
#[ignore = "kills the operator that leads: scripts/test.sh runs it when the others are done"]
async fn when_the_leader_is_killed_or_leaves_in_a_rollout_another_one_finishes_it_within_the_budget() -> Result<()> {
    let scene = Scene::open_alone("leaders").await?;
    let Some(operators) = operators(&scene).await? else { return Ok(()) };
    operators.until_all_are_ready().await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
    let before = scene.deploy(10).await?;
    let mut watch = PodWatch::start(&scene).await?;

    for (round, (image, grace)) in (1..).zip([(AGENT_V2, 0), (AGENT_V3, 30)]) {
        let leader = operators.leader().await?;
        scene.change_image(image).await?;
        let begun = watch.until("a pod is upgraded", |pods| pods.iter().any(|pod| is_upgraded(pod, image))).await?;
        ensure!(!begun.iter().all(|pod| is_upgraded(pod, image)), "the rollout was over before");

        let killed = Instant::now();
        operators.delete(&leader, grace).await?;
        operators.until_another_leads(&leader).await?;
        eprintln!("with {grace} s to leave, another one led after {:.1?}", killed.elapsed());
        let after = watch.until("all pods are upgraded", |pods| pods.iter().all(|pod| is_upgraded(pod, image))).await?;

        assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [round; 10]);
        assert_eq!(running(&after, "app"), running(&before, "app"));
        operators.until_all_are_ready().await?;
    }

    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 10).await.map(drop)
}

#[tokio::test]
#[ignore = "takes the lease away from the operator: scripts/test.sh runs it when the others are done"]
async fn a_leader_whose_lease_was_taken_stops_and_whoever_leads_next_keeps_to_the_budget() -> Result<()> {
    let scene = Scene::open_alone("taken").await?;
    let Some(operators) = operators(&scene).await? else { return Ok(()) };
    operators.until_all_are_ready().await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
    scene.deploy(10).await?;
    let mut watch = PodWatch::start(&scene).await?;
    operators.leader().await?;

    scene.change_image(AGENT_V2).await?;
    watch.until("a pod is upgraded", |pods| pods.iter().any(|pod| is_upgraded(pod, AGENT_V2))).await?;
    operators.take_lease("somebody").await?;
    let after = watch.until("all pods are upgraded", |pods| pods.iter().all(|pod| is_upgraded(pod, AGENT_V2))).await?;

    assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [1; 10]);
    assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
    operators.leader().await?;
    operators.until_all_are_ready().await
}

#[tokio::test]
#[ignore = "breaks and changes the certificate of the operator: scripts/test.sh runs it when the others are done"]
async fn certificates_that_change_every_few_seconds_fail_no_review() -> Result<()> {
    let scene = Scene::open_alone("certificates").await?;
    let Some(operators) = operators(&scene).await? else { return Ok(()) };
    operators.until_all_are_ready().await?;
    scene.create(&scene.sidecar_set()).await?;
    let quick = ["--certificate-lifetime=20s", "--authority-lifetime=40s"];
    let arguments = operators.add_arguments(&quick).await?;
    let is_over = AtomicBool::new(false);

    let change = async {
        operators.until_all_are_ready().await?;
        // The one that there is lasts for a year.
        operators.delete_certificate().await?;
        let mut seen = BTreeSet::new();
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            seen.insert(operators.authorities().await?);
            sleep(Duration::from_secs(1)).await;
        }
        anyhow::Ok(seen.len())
    };
    let (created, changed) = tokio::join!(create_pods(&scene, &is_over, 500), async {
        let changed = change.await;
        is_over.store(true, Ordering::Relaxed);
        changed
    });
    operators.set_arguments(&arguments).await?;
    operators.until_all_are_ready().await?;

    let (created, changed) = (created?, changed?);
    eprintln!("{created} pods were created while the authorities were {changed} different ones");
    assert!(changed >= 3, "{changed} different authorities");
    Ok(())
}
