//! What the command line says of a real cluster to whoever has the rights that docs/tools.md names, and that it comes true.

use super::guide::apply_the_guides_files;
use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_MISSING, AGENT_V2, Look, Person, PodView, PodWatch, Scene, Stage, eventually};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// Somebody who looks.
struct Observer(Person);

impl Observer {
    async fn of(scene: &Scene) -> Result<Self> {
        Person::with_role(scene, "docs/tools.md", "sidecarset-observer").await.map(Self)
    }

    /// Runs the command line, whatever it ends with.
    async fn runs(&self, arguments: &[&str]) -> Result<Output> {
        self.0.sidecarset(arguments).await
    }

    /// Runs it, and returns what it says.
    async fn told(&self, arguments: &[&str]) -> Result<String> {
        let output = self.runs(arguments).await?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sidecarset {} failed: {stderr}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    async fn told_as_json(&self, arguments: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&self.told(&[arguments, &["-o", "json"]].concat()).await?)?)
    }

    /// Runs it, and returns the lines that it prints while it runs.
    fn reads(&self, arguments: &[&str]) -> Result<Lines> {
        Lines::of(self.0.command(arguments)?)
    }
}

/// Tells what applying the scene's set with another first container would do.
async fn plan(scene: &Scene, observer: &Observer, change: impl Fn(&mut Value)) -> Result<Value> {
    let mut set: DynamicObject = scene.raw_sets("v1beta1").get(scene.namespace()).await?;
    set.metadata.managed_fields = None;
    let mut set = serde_json::to_value(set)?;
    change(&mut set["spec"]["containers"][0]);
    let file = std::env::temp_dir().join(format!("{}.json", scene.namespace()));
    std::fs::write(&file, set.to_string())?;
    let planned = observer.told_as_json(&["plan", "-f", &file.to_string_lossy()]).await;
    std::fs::remove_file(file)?;
    Ok(planned?[0].clone())
}

fn names(pods: &[PodView], scene: &Scene) -> Vec<String> {
    pods.iter().map(|pod| format!("{}/{}", scene.namespace(), pod.name)).collect()
}

/// Returns the version of the scene's set and of each of its Pods.
async fn versions(scene: &Scene) -> Result<Vec<Option<String>>> {
    let set = scene.set(scene.namespace()).await?;
    let pods = scene.pod_api().list(&ListParams::default()).await?;
    Ok([set.resource_version()].into_iter().chain(pods.iter().map(ResourceExt::resource_version)).collect())
}

/// Reads the Pods through one watch until all run an image, and returns them in the order in which they got it.
async fn upgraded(watch: &mut PodWatch, scene: &Scene, image: &str, count: usize) -> Result<Vec<String>> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < count {
        let known = order.clone();
        let is_new = |pod: &PodView| pod.container("sidecar").image == image && !known.contains(&pod.name);
        let pods = watch.until("another pod has the image", |pods| pods.iter().any(is_new)).await?;
        order.extend(pods.into_iter().filter(is_new).map(|pod| pod.name));
    }
    let all_run = |pods: &[PodView]| pods.iter().all(|pod| pod.is_undisturbed() && pod.runs("sidecar", image));
    watch.until("all pods run the image", all_run).await?;
    Ok(order.iter().map(|name| format!("{}/{name}", scene.namespace())).collect())
}

/// The lines that a command prints while it runs.
struct Lines {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Lines {
    fn of(mut command: Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("it has no output")?);
        let (told, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        Ok(Self { child, lines })
    }

    /// Reads on until a line has this part, and no further.
    async fn until(&self, part: &str) -> Result<()> {
        let mut read = Vec::new();
        eventually(&format!("it prints {part:?}"), async || {
            while let Ok(line) = self.lines.try_recv() {
                if line.contains(part) {
                    return Ok(Look::Found(()));
                }
                read.push(line);
            }
            Ok(Look::NotYet(format!("{read:?}")))
        })
        .await
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_guides_set_and_pod_are_told_as_they_stand() -> Result<()> {
    let stage = Stage::open("views-guide", &["guide"]).await?;
    let scene = stage.scene();
    let observer = Observer::of(scene).await?;
    apply_the_guides_files(scene, &[]).await?;

    let pods = observer.told(&["pods", "test-sidecarset", "-n", scene.namespace()]).await?;
    let row: Vec<&str> = pods.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(row[..4], [scene.namespace(), "test-pod", "updated", "<none>"]);
    let status = observer.told(&["status", "test-sidecarset"]).await?;
    assert!(status.contains("app=nginx, in every namespace") && status.contains("centos:6.7"), "{status}");
    let explained = observer.told(&["explain", "pod", "test-pod", "-n", scene.namespace()]).await?;
    assert!(explained.contains("test-sidecarset: injected, up to date"), "{explained}");
    Ok(())
}

#[tokio::test]
async fn a_rollout_goes_as_it_was_planned_and_planning_writes_nothing() -> Result<()> {
    let scene = Scene::open("views-plan").await?;
    let observer = Observer::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(3).await?;
    observer.told(&["status", scene.namespace(), "--wait", "--timeout", "100s"]).await?;
    let before = versions(&scene).await?;

    let planned = plan(&scene, &observer, |container| container["image"] = AGENT_V2.into()).await?;

    assert_eq!(versions(&scene).await?, before);
    let mut watch = PodWatch::start(&scene).await?;
    scene.change_image(AGENT_V2).await?;
    let order = upgraded(&mut watch, &scene, AGENT_V2, 3).await?;
    assert_eq!((&planned["upgrades"], &planned["atOnce"]), (&json!(order), &json!(1)));
    let waited = observer.told(&["status", scene.namespace(), "--wait", "--timeout", "100s"]).await?;
    let last = waited.lines().last().unwrap_or_default();
    assert!(last.contains("3/3 updated and ready, Complete"), "{waited}");
    Ok(())
}

#[tokio::test]
async fn whoever_watches_sees_a_line_for_each_change() -> Result<()> {
    let scene = Scene::open("views-watch").await?;
    let observer = Observer::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(1).await?;

    let watching = observer.reads(&["status", scene.namespace(), "--watch"])?;
    watching.until("1/1 updated and ready, Complete").await?;
    scene.change_image(AGENT_V2).await?;

    // The write of the spec. How many states of the rollout come between it and the end depends on how fast the kubelet is.
    watching.until("NotObserved").await?;
    watching.until("1/1 updated and ready, Complete").await?;
    scene.delete_set(scene.namespace()).await
}

#[tokio::test]
async fn whoever_waits_for_a_rollout_that_fails_is_told_so_with_1() -> Result<()> {
    let scene = Scene::open("views-failure").await?;
    let observer = Observer::of(&scene).await?;
    let strategy = json!({"failureThreshold": 1, "progressDeadlineSeconds": 4, "onFailure": "Halt"});
    scene.create(&scene.sidecar_set().with("updateStrategy", strategy)).await?;
    scene.deploy(2).await?;

    scene.change_image(AGENT_MISSING).await?;
    let output = observer.runs(&["status", scene.namespace(), "--wait", "--timeout", "100s"]).await?;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    let told = format!("error: the rollout of {} has failed (Halted): ", scene.namespace());
    assert!(said.starts_with(&told), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_pod_behind_the_partition_and_one_whose_set_is_gone_are_told_why() -> Result<()> {
    let scene = Scene::open("views-partition").await?;
    let observer = Observer::of(&scene).await?;
    scene.create(&scene.sidecar_set().with("updateStrategy", json!({"partition": 1}))).await?;
    let pods = scene.deploy(1).await?;
    let explain = ["explain", "pod", &pods[0].name, "-n", scene.namespace()];

    scene.change_image(AGENT_V2).await?;
    let outdated = observer.told(&explain).await?;
    scene.delete_set(scene.namespace()).await?;
    let gone = observer.told(&explain).await?;

    assert!(outdated.contains("injected, outdated"), "{outdated}");
    assert!(outdated.contains("what ends that: a lower updateStrategy.partition"), "{outdated}");
    assert!(gone.contains("injected, and there is no such set any more"), "{gone}");
    Ok(())
}

#[tokio::test]
async fn what_only_a_new_pod_can_take_is_planned_and_explained_with_its_field() -> Result<()> {
    let scene = Scene::open("views-lazy").await?;
    let observer = Observer::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    let pods = scene.deploy(1).await?;
    let environment = json!([{"name": "LEVEL", "value": "debug"}]);

    let planned = plan(&scene, &observer, |container| container["env"] = environment.clone()).await?;

    let hold = &planned["holds"][0];
    assert_eq!(hold["reason"], "NeedsNewPod");
    assert_eq!(hold["fields"], json!(["containers[sidecar].env"]));
    assert_eq!((&hold["pods"], &planned["upgrades"]), (&json!(names(&pods, &scene)), &json!([])));

    let operation = json!([{"op": "add", "path": "/spec/containers/0/env", "value": environment}]);
    scene.change(scene.namespace(), operation).await?;
    let explained = observer.told(&["explain", "pod", &pods[0].name, "-n", scene.namespace()]).await?;
    assert!(explained.contains("containers[sidecar].env"), "{explained}");
    let rows = observer.told_as_json(&["pods", scene.namespace(), "--state", "not-upgradable"]).await?;
    assert_eq!(rows[0]["name"], pods[0].name.as_str());
    Ok(())
}

#[tokio::test]
async fn a_pod_from_before_the_set_is_missing_and_told_why() -> Result<()> {
    let scene = Scene::open("views-missing").await?;
    let observer = Observer::of(&scene).await?;
    scene.create_pod(scene.pod("before")).await?;
    // The times of the API server are in seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    scene.create(&scene.sidecar_set()).await?;

    let names = observer.told(&["pods", scene.namespace(), "--state", "missing", "-o", "name"]).await?;
    let explained = observer.told(&["explain", "pod", "before", "-n", scene.namespace()]).await?;

    assert_eq!(names, "pod/before\n");
    assert!(explained.contains("it is older than the set"), "{explained}");
    let there_is_not = observer.runs(&["explain", "pod", "nobody", "-n", scene.namespace()]).await?;
    let said = String::from_utf8_lossy(&there_is_not.stderr).into_owned();
    assert_eq!(there_is_not.status.code(), Some(1));
    assert!(said.starts_with("Error from server (NotFound): pods \"nobody\" not found\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_the_kubelet_says_of_a_failing_sidecar_is_told() -> Result<()> {
    let scene = Scene::open("views-failing").await?;
    let observer = Observer::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    let pods = scene.deploy(1).await?;

    scene.change_image(AGENT_MISSING).await?;

    let row = eventually("the pod is told to be failing", async || {
        let rows = observer.told_as_json(&["pods", scene.namespace(), "--state", "failing"]).await?;
        Ok(if rows[0].is_object() { Look::Found(rows[0].clone()) } else { Look::NotYet(rows.to_string()) })
    })
    .await?;
    assert_eq!(row["name"], pods[0].name.as_str());
    let (reason, message) = (row["reason"].as_str().unwrap_or_default(), row["message"].as_str().unwrap_or_default());
    assert!(["ErrImagePull", "ImagePullBackOff"].contains(&reason), "{row}");
    assert!(message.starts_with("sidecar: ") && message.contains("agent:missing"), "{row}");
    let late = observer.runs(&["status", scene.namespace(), "--wait", "--timeout", "1s"]).await?;
    let said = String::from_utf8_lossy(&late.stderr).into_owned();
    assert_eq!(late.status.code(), Some(1));
    assert!(said.starts_with("error: timed out waiting for the rollout"), "{said}");
    Ok(())
}
