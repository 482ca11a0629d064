//! The user's guide: its files, its commands, its output.

use anyhow::Result;
use sidecarset_e2e::{Look, Scene, Stage, eventually, example, kubectl, kubectl_edit};

/// Applies the guide's two files, each once the one before is in force.
pub(super) async fn apply_the_guides_files(scene: &Scene, how: &[&str]) -> Result<()> {
    let (set, pod) = (example("guide/sidecarset.yaml"), example("guide/pod.yaml"));
    kubectl(&[&["apply", "-f", &set], how].concat()).await?;
    kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "sidecarset/test-sidecarset"]).await?;
    kubectl(&[&["apply", "-n", scene.namespace(), "-f", &pod], how].concat()).await?;
    scene.until_pods("test-pod is ready", |pods| matches!(pods, [pod] if pod.is_undisturbed())).await.map(drop)
}

/// Prints the lines of the status that the guide prints.
async fn guides_lines_of_the_status() -> Result<String> {
    let yaml = kubectl(&["get", "sidecarset", "test-sidecarset", "-o", "yaml"]).await?;
    let members = ["  matchedPods:", "  observedGeneration:", "  readyPods:", "  updatedPods:"];
    let is_shown = |line: &&str| *line == "status:" || members.iter().any(|member| line.starts_with(member));
    Ok(yaml.lines().filter(is_shown).collect::<Vec<_>>().join("\n"))
}

/// What `kubectl get pod` says, without the age.
async fn listed_pods(scene: &Scene) -> Result<Vec<String>> {
    let table = kubectl(&["get", "pod", "-n", scene.namespace()]).await?;
    Ok(table.lines().map(|line| line.split_whitespace().take(4).collect::<Vec<_>>().join(" ")).collect())
}

async fn until_the_guides_status_is(expected: &str) -> Result<()> {
    eventually("the status is the guide's", async || {
        let lines = guides_lines_of_the_status().await?;
        let is_so = lines == expected;
        Ok(if is_so { Look::Found(()) } else { Look::NotYet(lines) })
    })
    .await
}

#[tokio::test]
async fn the_guide_runs_to_the_letter() -> Result<()> {
    let stage = Stage::open("guide", &["guide"]).await?;
    let scene = stage.scene();

    apply_the_guides_files(scene, &[]).await?;

    assert_eq!(listed_pods(scene).await?, ["NAME READY STATUS RESTARTS", "test-pod 2/2 Running 0"]);
    until_the_guides_status_is("status:\n  matchedPods: 1\n  observedGeneration: 1\n  readyPods: 1\n  updatedPods: 1")
        .await?;

    let before = scene.pods().await?.remove(0);
    kubectl_edit(&["sidecarset", "test-sidecarset"], "centos:6.7", "centos:6.8").await?;
    let is_upgraded = "the sidecar runs the new image";
    let after = scene
        .until_pods(is_upgraded, |pods| matches!(pods, [pod] if pod.is_ready && pod.container("sidecar1").restarts > 0))
        .await?
        .remove(0);

    let (old, new) = (before.container("sidecar1"), after.container("sidecar1"));
    assert_eq!((old.image.as_str(), new.image.as_str()), ("centos:6.7", "centos:6.8"));
    assert_eq!(new.running_image, "docker.io/library/centos:6.8");
    assert_ne!(old.image_id, new.image_id);
    assert_eq!(new.restarts, 1);
    assert_eq!(after.uid, before.uid);
    assert_eq!(after.container("app"), before.container("app"));
    assert_eq!(after.container("app").restarts, 0);
    until_the_guides_status_is("status:\n  matchedPods: 1\n  observedGeneration: 2\n  readyPods: 1\n  updatedPods: 1")
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_guides_files_apply_on_the_server_too() -> Result<()> {
    let stage = Stage::open("guide-server-side", &["guide"]).await?;
    let scene = stage.scene();

    apply_the_guides_files(scene, &["--server-side"]).await?;

    assert_eq!(listed_pods(scene).await?, ["NAME READY STATUS RESTARTS", "test-pod 2/2 Running 0"]);
    until_the_guides_status_is("status:\n  matchedPods: 1\n  observedGeneration: 1\n  readyPods: 1\n  updatedPods: 1")
        .await?;
    // Whoever applies the file again owns the same fields and changes nothing.
    kubectl(&["apply", "--server-side", "-f", &example("guide/sidecarset.yaml")]).await?;
    assert_eq!(scene.set("test-sidecarset").await?.metadata.generation, Some(1));
    Ok(())
}
