//! What the command line says of a real cluster, and that it comes true.

use anyhow::{Context, Result};
use kube::api::DynamicObject;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_MISSING, AGENT_V2, Look, Scene, eventually, sidecarset_program};
use std::process::{Command, Output};

/// Runs the command line, whatever it ends with.
async fn sidecarset(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(sidecarset_program()?);
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output()).await?.context("failed to start sidecarset")
}

/// Runs it, and returns what it says.
async fn told(arguments: &[&str]) -> Result<String> {
    let output = sidecarset(arguments).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "sidecarset {} failed: {stderr}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

async fn told_as_json(arguments: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&told(&[arguments, &["-o", "json"]].concat()).await?)?)
}

/// Tells what applying the scene's set with another first container would do.
async fn plan(scene: &Scene, change: impl Fn(&mut Value)) -> Result<Value> {
    let mut set: DynamicObject = scene.raw_sets("v1beta1").get(scene.namespace()).await?;
    set.metadata.managed_fields = None;
    let mut set = serde_json::to_value(set)?;
    change(&mut set["spec"]["containers"][0]);
    let file = std::env::temp_dir().join(format!("{}.json", scene.namespace()));
    std::fs::write(&file, set.to_string())?;
    let planned = told_as_json(&["plan", "-f", &file.to_string_lossy()]).await;
    std::fs::remove_file(file)?;
    Ok(planned?[0].clone())
}

fn names(pods: &[sidecarset_e2e::PodView], scene: &Scene) -> Vec<String> {
    pods.iter().map(|pod| format!("{}/{}", scene.namespace(), pod.name)).collect()
}

#[tokio::test]
async fn a_rollout_goes_as_it_was_planned_and_is_waited_for() -> Result<()> {
    let scene = Scene::open("tools-plan").await?;
    scene.create(&scene.sidecar_set()).await?;
    let pods = scene.deploy(2).await?;

    let planned = plan(&scene, |container| container["image"] = AGENT_V2.into()).await?;
    let mut upgraded: Vec<String> = serde_json::from_value(planned["upgrades"].clone())?;
    upgraded.sort();
    assert_eq!((upgraded, &planned["atOnce"]), (names(&pods, &scene), &json!(1)));

    scene.change_image(AGENT_V2).await?;
    let waited = told(&["status", scene.namespace(), "--wait", "--timeout", "100s"]).await?;

    let last = waited.lines().last().unwrap_or_default();
    assert!(last.contains("2/2 updated and ready, Complete"), "{waited}");
    assert!(scene.pods().await?.iter().all(|pod| pod.runs("sidecar", AGENT_V2)));
    let overview = told(&["status", scene.namespace()]).await?;
    assert!(overview.contains("2/2 updated and ready"), "{overview}");
    Ok(())
}

#[tokio::test]
async fn what_only_a_new_pod_can_take_is_planned_and_explained_with_its_field() -> Result<()> {
    let scene = Scene::open("tools-lazy").await?;
    scene.create(&scene.sidecar_set()).await?;
    let pods = scene.deploy(1).await?;
    let environment = json!([{"name": "LEVEL", "value": "debug"}]);

    let planned = plan(&scene, |container| container["env"] = environment.clone()).await?;

    let hold = &planned["holds"][0];
    assert_eq!(hold["reason"], "NeedsNewPod");
    assert_eq!(hold["fields"], json!(["containers[sidecar].env"]));
    assert_eq!((&hold["pods"], &planned["upgrades"]), (&json!(names(&pods, &scene)), &json!([])));

    let operation = json!([{"op": "add", "path": "/spec/containers/0/env", "value": environment}]);
    scene.change(scene.namespace(), operation).await?;
    let explained = told(&["explain", "pod", &pods[0].name, "-n", scene.namespace()]).await?;
    assert!(explained.contains("containers[sidecar].env"), "{explained}");
    let rows = told_as_json(&["pods", scene.namespace(), "--state", "not-upgradable"]).await?;
    assert_eq!(rows[0]["name"], pods[0].name.as_str());
    Ok(())
}

#[tokio::test]
async fn a_pod_from_before_the_set_is_missing_and_told_why() -> Result<()> {
    let scene = Scene::open("tools-missing").await?;
    scene.create_pod(scene.pod("before")).await?;
    // The times of the API server are in seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    scene.create(&scene.sidecar_set()).await?;

    let names = told(&["pods", scene.namespace(), "--state", "missing", "-o", "name"]).await?;
    let explained = told(&["explain", "pod", "before", "-n", scene.namespace()]).await?;

    assert_eq!(names, "pod/before\n");
    assert!(explained.contains("it is older than the set"), "{explained}");
    let there_is_not = sidecarset(&["explain", "pod", "nobody", "-n", scene.namespace()]).await?;
    let said = String::from_utf8_lossy(&there_is_not.stderr).into_owned();
    assert_eq!(there_is_not.status.code(), Some(1));
    assert!(said.starts_with("Error from server (NotFound): pods \"nobody\" not found\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_the_kubelet_says_of_a_failing_sidecar_is_told() -> Result<()> {
    let scene = Scene::open("tools-failing").await?;
    scene.create(&scene.sidecar_set()).await?;
    let pods = scene.deploy(1).await?;

    scene.change_image(AGENT_MISSING).await?;

    let row = eventually("the pod is told to be failing", async || {
        let rows = told_as_json(&["pods", scene.namespace(), "--state", "failing"]).await?;
        Ok(if rows[0].is_object() { Look::Found(rows[0].clone()) } else { Look::NotYet(rows.to_string()) })
    })
    .await?;
    assert_eq!(row["name"], pods[0].name.as_str());
    let (reason, message) = (row["reason"].as_str().unwrap_or_default(), row["message"].as_str().unwrap_or_default());
    assert!(["ErrImagePull", "ImagePullBackOff"].contains(&reason), "{row}");
    assert!(message.starts_with("sidecar: ") && message.contains("agent:missing"), "{row}");
    let late = sidecarset(&["status", scene.namespace(), "--wait", "--timeout", "1s"]).await?;
    let said = String::from_utf8_lossy(&late.stderr).into_owned();
    assert_eq!(late.status.code(), Some(1));
    assert!(said.starts_with("error: timed out waiting for the rollout"), "{said}");
    Ok(())
}
