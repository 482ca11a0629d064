//! The examples do what their comments say.

use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use serde_json::json;
use sidecarset_e2e::{Look, PodView, PodWatch, Stage, eventually, example, has_real_nodes, kubectl, running};

const OLD: &str = "busybox:1.36";
const NEW: &str = "busybox:1.37";

/// Says whether a container runs this image: the container runtime tells its name in full.
fn runs(pod: &PodView, container: &str, image: &str) -> bool {
    pod.container(container).running_image.trim_start_matches("docker.io/library/") == image
}

/// Sets the image of a container of a set, as a person does who does not edit the file.
async fn set_image(set: &str, list: &str, image: &str) -> Result<()> {
    let patch = json!([{"op": "replace", "path": format!("/spec/{list}/0/image"), "value": image}]).to_string();
    kubectl(&["patch", "sidecarset", set, "--type=json", "-p", &patch]).await.map(drop)
}

/// Waits until the condition of a set has this reason.
async fn until_reason(set: &str, condition: &str, reason: &str) -> Result<()> {
    let path = format!("jsonpath={{.status.conditions[?(@.type==\"{condition}\")].reason}}");
    eventually("the set has the reason", async || {
        let now = kubectl(&["get", "sidecarset", set, "-o", &path]).await?;
        Ok(if now == reason { Look::Found(()) } else { Look::NotYet(now) })
    })
    .await
}

async fn until_log_has(stage: &Stage, what: &[&str], text: &str) -> Result<String> {
    eventually("the log has the text", async || {
        let log = stage.kubectl(&[&["logs"], what].concat()).await?;
        Ok(if log.contains(text) { Look::Found(log) } else { Look::NotYet(log) })
    })
    .await
}

async fn until_ready(stage: &Stage, count: usize) -> Result<Vec<PodView>> {
    let are_ready = |pods: &[PodView]| pods.len() == count && pods.iter().all(PodView::is_undisturbed);
    stage.scene().until_pods("the pods are ready", are_ready).await
}

#[tokio::test]
async fn the_log_shipper_ships_what_the_application_writes_and_is_upgraded_beside_it() -> Result<()> {
    let stage = Stage::open("log-shipper", &["log-shipper"]).await?;
    stage.apply_set("log-shipper/sidecarset.yaml").await?;
    stage.apply("log-shipper/app.yaml").await?;
    let before = until_ready(&stage, 2).await?;
    let shipper = [before[0].name.as_str(), "-c", "shipper"];
    if has_real_nodes().await? {
        until_log_has(&stage, &shipper, "order 1 was paid").await?;
    }

    set_image("log-shipper", "containers", "busybox:1.37").await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && runs(pod, "shipper", NEW);
    let after = stage.scene().until_pods("the shippers are upgraded", |pods| pods.iter().all(is_upgraded)).await?;

    assert_eq!(running(&after, "shop"), running(&before, "shop"), "the application was touched");
    if has_real_nodes().await? {
        until_log_has(&stage, &shipper, "was paid").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_metrics_agent_finds_the_port_of_the_application_and_serves_its_metrics() -> Result<()> {
    let stage = Stage::open("metrics-agent", &["metrics-agent"]).await?;
    stage.apply_set("metrics-agent/sidecarset.yaml").await?;
    stage.apply("metrics-agent/app.yaml").await?;

    let pods = until_ready(&stage, 1).await?;

    assert_eq!(pods[0].container_names(), ["api", "metrics"]);
    assert!(pods[0].container("metrics").has_env("METRICS_PORT", "8080"), "{pods:#?}");
    if has_real_nodes().await? {
        let ask = ["exec", "api", "-c", "metrics", "--", "wget", "-q", "-O", "-", "http://127.0.0.1:9102/metrics"];
        assert_eq!(stage.kubectl(&ask).await?, "api_requests_total 42\n");
    }
    Ok(())
}

#[tokio::test]
async fn the_mesh_proxy_hands_over_without_a_request_that_fails() -> Result<()> {
    let stage = Stage::open("mesh-proxy", &["mesh-proxy"]).await?;
    stage.apply_set("mesh-proxy/sidecarset.yaml").await?;
    stage.apply("mesh-proxy/app.yaml").await?;
    let before = until_ready(&stage, 1).await?;
    assert_eq!(before[0].container_names(), ["proxy-1", "proxy-2", "app"]);
    if has_real_nodes().await? {
        until_log_has(&stage, &["member", "-c", "app"], "version 1 of the proxy").await?;
    }
    let mut watch = PodWatch::start(stage.scene()).await?;

    set_image("mesh-proxy", "containers", "busybox:1.37").await?;
    let at_rest =
        |pod: &PodView| pod.is_undisturbed() && runs(pod, "proxy-1", "busybox:1.36-musl") && runs(pod, "proxy-2", NEW);
    let after = watch.until("the second one is at work", |pods| pods.iter().all(at_rest)).await?;

    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    if has_real_nodes().await? {
        let annotations = stage.scene().pod_api().get("member").await?.metadata.annotations.unwrap_or_default();
        let answered = format!("version {} of the proxy", annotations["version.sidecarset.kruise.io/proxy-2"]);
        let log = until_log_has(&stage, &["member", "-c", "app"], &answered).await?;
        assert!(!log.contains("a request failed"), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_job_completes_beside_its_native_sidecar() -> Result<()> {
    let stage = Stage::open("job", &["native-sidecar-job"]).await?;
    stage.apply_set("native-sidecar-job/sidecarset.yaml").await?;
    stage.apply("native-sidecar-job/job.yaml").await?;

    let pod = stage.scene().until_pods("the job has its pod", |pods| pods.len() == 1).await?.remove(0);
    assert_eq!((pod.init_container_names(), pod.container_names()), (vec!["collector"], vec!["report"]));
    if !has_real_nodes().await? {
        eprintln!("left out: no container ends on simulated nodes");
        return Ok(());
    }
    let jobs: Api<Job> = Api::namespaced(stage.scene().client(), stage.scene().namespace());
    eventually("the job is complete", async || {
        let status = jobs.get("report").await?.status.unwrap_or_default();
        Ok(if status.succeeded == Some(1) { Look::Found(()) } else { Look::NotYet(format!("{status:?}")) })
    })
    .await?;
    let log = stage.kubectl(&["logs", &pod.name, "-c", "collector"]).await?;
    assert_eq!(log, "the report is written\n");
    Ok(())
}

#[tokio::test]
async fn the_sized_proxy_gets_half_of_what_the_application_has() -> Result<()> {
    let stage = Stage::open("sized", &["resources"]).await?;
    stage.apply_set("resources/sidecarset.yaml").await?;
    stage.apply("resources/pod.yaml").await?;

    let pod = stage.scene().pod_api().get("sized").await?;

    let spec = pod.spec.context("a pod has a spec")?;
    let proxy = spec.containers.iter().find(|it| it.name == "proxy").context("the pod has its proxy")?;
    let expected = json!({"limits": {"cpu": "300m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}});
    assert_eq!(serde_json::to_value(&proxy.resources)?, expected);
    Ok(())
}

#[tokio::test]
async fn the_canary_reaches_the_pods_of_its_track_and_no_others() -> Result<()> {
    let stage = Stage::open("canary-example", &["canary"]).await?;
    stage.apply_set("canary/base.yaml").await?;
    stage.apply_set("canary/canary.yaml").await?;
    stage.apply("canary/app.yaml").await?;

    let pods = until_ready(&stage, 3).await?;

    for pod in &pods {
        let is_canary = pod.name.starts_with("web-canary-");
        assert!(runs(pod, "web-agent", if is_canary { NEW } else { OLD }), "{pod:#?}");
        assert_eq!(pod.container("web-agent").has_env("LOG_LEVEL", "debug"), is_canary, "{pod:#?}");
    }
    assert_eq!(pods.iter().filter(|pod| pod.name.starts_with("web-canary-")).count(), 1);
    Ok(())
}

#[tokio::test]
async fn the_partition_keeps_three_of_four_pods_on_the_old_image_until_it_is_lowered() -> Result<()> {
    let stage = Stage::open("partition", &["partition"]).await?;
    stage.apply_set("partition/sidecarset.yaml").await?;
    stage.apply("partition/app.yaml").await?;
    until_ready(&stage, 4).await?;
    let on_the_new_one = |pods: &[PodView]| pods.iter().filter(|pod| runs(pod, "agent", NEW)).count();

    set_image("partitioned", "containers", "busybox:1.37").await?;
    until_reason("partitioned", "Progressing", "PartitionReached").await?;
    assert_eq!(on_the_new_one(&until_ready(&stage, 4).await?), 1);

    let lower = r#"{"spec": {"updateStrategy": {"partition": 0}}}"#;
    kubectl(&["patch", "sidecarset", "partitioned", "--type=merge", "-p", lower]).await?;
    until_reason("partitioned", "Progressing", "Complete").await?;
    assert_eq!(on_the_new_one(&until_ready(&stage, 4).await?), 4);
    Ok(())
}

#[tokio::test]
async fn the_careful_set_goes_back_by_itself_from_an_image_that_never_starts() -> Result<()> {
    let stage = Stage::open("careful", &["failure-policy"]).await?;
    stage.apply_set("failure-policy/sidecarset.yaml").await?;
    stage.apply("failure-policy/app.yaml").await?;
    let before = until_ready(&stage, 2).await?;

    set_image("careful", "containers", "busybox:missing").await?;
    until_reason("careful", "Progressing", "RolledBack").await?;

    let after = until_ready(&stage, 2).await?;
    assert!(after.iter().all(|pod| runs(pod, "agent", OLD)), "{after:#?}");
    assert_eq!(running(&after, "app"), running(&before, "app"), "the application was touched");
    Ok(())
}

#[tokio::test]
async fn changed_amounts_reach_the_running_pod_of_the_example() -> Result<()> {
    let stage = Stage::open("resized", &["in-place-resources"]).await?;
    stage.apply_set("in-place-resources/sidecarset.yaml").await?;
    stage.apply("in-place-resources/app.yaml").await?;
    let before = until_ready(&stage, 1).await?;

    let patch = r#"[{"op": "replace", "path": "/spec/containers/0/resources/requests/cpu", "value": "20m"}]"#;
    kubectl(&["patch", "sidecarset", "resized", "--type=json", "-p", patch]).await?;
    until_reason("resized", "Progressing", "Complete").await?;

    let after = until_ready(&stage, 1).await?;
    assert_eq!(running(&after, "agent"), running(&before, "agent"), "the agent was restarted");
    let path = "jsonpath={.spec.containers[?(@.name==\"agent\")].resources.requests.cpu}";
    assert_eq!(stage.kubectl(&["get", "pod", &after[0].name, "-o", path]).await?, "20m");
    Ok(())
}

/// Returns the image of the agent in a new Pod of the example.
async fn image_in_a_new_pod(stage: &Stage) -> Result<String> {
    let created = stage.kubectl(&["create", "-f", &example("pinning/pod.yaml"), "-o", "json"]).await?;
    let pod: Pod = serde_json::from_str(&created)?;
    let containers = pod.spec.into_iter().flat_map(|spec| spec.containers);
    let image = containers.filter(|it| it.name == "agent").find_map(|it| it.image);
    image.context("the pod has its agent")
}

#[tokio::test]
async fn a_pinned_set_gives_new_pods_the_definition_of_then() -> Result<()> {
    let stage = Stage::open("pinned", &["pinning"]).await?;
    stage.apply_set("pinning/sidecarset.yaml").await?;
    assert_eq!(image_in_a_new_pod(&stage).await?, "busybox:1.36");
    // The revision of a set of that name which was there before goes first.
    let is_stored = "--for=jsonpath={.status.latestRevision}";
    kubectl(&["wait", is_stored, "--timeout=60s", "sidecarset/pinned"]).await?;

    let second = r#"[{"op": "replace", "path": "/spec/customVersion", "value": "second"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "busybox:1.37"}]"#;
    kubectl(&["patch", "sidecarset", "pinned", "--type=json", "-p", second]).await?;
    assert_eq!(image_in_a_new_pod(&stage).await?, "busybox:1.37");

    let pin = r#"{"spec": {"injectionStrategy": {"revision": {"customVersion": "first"}}}}"#;
    kubectl(&["patch", "sidecarset", "pinned", "--type=merge", "-p", pin]).await?;
    assert_eq!(image_in_a_new_pod(&stage).await?, "busybox:1.36");
    Ok(())
}
