//! The cluster itself: what a person does with a Pod works here too.

use anyhow::Result;
use sidecarset_e2e::{AGENT_V1, PodView, Scene, has_real_nodes, kubectl};

#[tokio::test]
async fn commands_run_in_a_sidecar_and_its_log_is_read() -> Result<()> {
    let scene = Scene::open("access").await?;
    if !has_real_nodes().await? {
        eprintln!("left out: the nodes are simulated, so there is no container to run a command in");
        return Ok(());
    }
    scene.create(&scene.sidecar_set()).await?;
    scene.create_pod(scene.pod("one")).await?;
    scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;

    let exec = ["-n", scene.namespace(), "exec", "one", "-c", "sidecar", "--", "sh", "-c"];
    let said = kubectl(&[&exec[..], &["echo $IS_INJECTED"]].concat()).await?;
    // What is written to the first process's output is the container's log.
    kubectl(&[&exec[..], &["echo written by the test > /proc/1/fd/1"]].concat()).await?;
    let log = kubectl(&["-n", scene.namespace(), "logs", "one", "-c", "sidecar"]).await?;

    assert_eq!(said, "true\n");
    assert!(log.contains("written by the test"), "{AGENT_V1} said: {log}");
    Ok(())
}
