//! Cpu and memory that change in running Pods.

use anyhow::Result;
use k8s_openapi::api::core::v1::{LimitRange, Node};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Look, PodView, Scene, SetDraft, eventually, has_real_nodes, running};

const CPU: &str = "/spec/containers/0/resources/requests/cpu";

/// A set that asks for some cpu and changes it in place, and a Pod that it was injected into.
async fn with_pod(scene: &Scene) -> Result<(SetDraft, PodView)> {
    let resources = json!({"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}});
    let container = json!({"name": "sidecar", "image": AGENT_V1, "resources": resources});
    let set = scene.sidecar_set().with("containers", json!([container]));
    let set = set.with("updateStrategy", json!({"resources": "InPlace"}));
    scene.create(&set).await?;
    scene.create_pod(scene.pod("one")).await?;
    let pods = scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    Ok((set, pods[0].clone()))
}

/// What the kubelet says that a container has.
async fn given(scene: &Scene, container: &str) -> Result<Value> {
    let pod = scene.pod_api().get("one").await?;
    let statuses = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
    let status = statuses.into_iter().find(|status| status.name == container);
    Ok(serde_json::to_value(status.and_then(|status| status.resources))?)
}

fn replace(path: &str, value: &str) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn progressing(status: &SidecarSetStatus) -> &str {
    let condition = status.conditions.iter().find(|condition| condition.type_ == "Progressing");
    condition.map_or("", |condition| &condition.reason)
}

fn is_complete(status: &SidecarSetStatus) -> bool {
    progressing(status) == "Complete" && status.updated_ready_pods == 1
}

#[tokio::test]
async fn cpu_and_memory_change_without_a_restart() -> Result<()> {
    let scene = Scene::open("resize").await?;
    let (set, before) = with_pod(&scene).await?;

    let memory = replace("/spec/containers/0/resources/limits/memory", "48Mi");
    scene.change(set.name(), json!([replace(CPU, "20m"), memory])).await?;
    scene.until_status("the pod is updated", is_complete).await?;

    let after = &scene.pods().await?[0];
    assert_eq!((after.uid.as_str(), after.container("sidecar").restarts), (before.uid.as_str(), 0));
    assert_eq!(after.container("sidecar").container_id, before.container("sidecar").container_id);
    assert_eq!(
        given(&scene, "sidecar").await?,
        json!({"limits": {"memory": "48Mi"}, "requests": {"cpu": "20m", "memory": "16Mi"}})
    );
    Ok(())
}

#[tokio::test]
async fn an_image_changes_together_with_cpu_and_restarts_the_sidecar_alone() -> Result<()> {
    let scene = Scene::open("resize-image").await?;
    let (set, before) = with_pod(&scene).await?;

    let image = replace("/spec/containers/0/image", AGENT_V2);
    scene.change(set.name(), json!([replace(CPU, "20m"), image])).await?;
    scene.until_status("the pod is updated", is_complete).await?;

    let after = scene.pods().await?;
    assert!(after[0].runs("sidecar", AGENT_V2), "{after:#?}");
    assert_eq!(after[0].container("sidecar").restarts, 1);
    assert_eq!(running(&after, "app"), running(&[before], "app"), "the application was touched");
    assert_eq!(given(&scene, "sidecar").await?["requests"]["cpu"], "20m");
    Ok(())
}

#[tokio::test]
async fn cpu_that_no_node_has_is_told_and_can_be_taken_back() -> Result<()> {
    let scene = Scene::open("resize-infeasible").await?;
    if !has_real_nodes().await? {
        eprintln!("left out: simulated nodes give everything that they are asked for");
        return Ok(());
    }
    let (set, before) = with_pod(&scene).await?;

    scene.change(set.name(), json!([replace(CPU, "1000")])).await?;
    // An API server that knows the size of the node refuses it by itself; an older one leaves it to the kubelet.
    let is_told = |status: &SidecarSetStatus| ["ResizeInfeasible", "UpgradesNotTaken"].contains(&progressing(status));
    let status = scene.until_status("the set says that it cannot be", is_told).await?;
    assert_eq!((status.updated_pods, status.ready_pods), (0, 1));

    scene.change(set.name(), json!([replace(CPU, "10m")])).await?;
    scene.until_status("the pod has what it had", is_complete).await?;

    let pod = scene.pod_api().get("one").await?;
    let asked = pod.spec.map(|spec| serde_json::to_value(&spec.containers[0].resources)).transpose()?;
    assert_eq!(asked.map(|resources| resources["requests"]["cpu"].clone()), Some(json!("10m")));
    assert_eq!(scene.pods().await?[0].container("sidecar").container_id, before.container("sidecar").container_id);
    Ok(())
}

#[tokio::test]
async fn cpu_that_a_node_has_later_is_waited_for() -> Result<()> {
    let scene = Scene::open("resize-deferred").await?;
    if !has_real_nodes().await? {
        eprintln!("left out: simulated nodes give everything that they are asked for");
        return Ok(());
    }
    let (set, _) = with_pod(&scene).await?;
    let mut filler = scene.pod("filler");
    filler["metadata"]["labels"] = json!({"app": "filler"});
    let wanted = more_than_half_of_the_node(&scene).await?;
    filler["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": wanted}});
    scene.create_pod(filler).await?;
    scene.until_pods("both pods are ready", |pods| pods.len() == 2 && pods.iter().all(|pod| pod.is_ready)).await?;

    let limit = replace("/spec/containers/0/resources/limits/memory", &wanted);
    let request = replace("/spec/containers/0/resources/requests/memory", &wanted);
    scene.change(set.name(), json!([limit, request])).await?;
    let waits = |status: &SidecarSetStatus| progressing(status) == "ResizeDeferred";
    scene.until_status("the set says that there is no room now", waits).await?;

    scene.pod_api().delete("filler", &DeleteParams::default().grace_period(0)).await?;
    scene.until_status("the pod is updated once there is room", is_complete).await?;
    // A kubelet of 1.34 may say for a moment neither that a resize waits nor that it is under way.
    eventually("the sidecar has the memory", async || {
        let memory = given(&scene, "sidecar").await?["requests"]["memory"].clone();
        Ok(if memory == json!(wanted) { Look::Found(()) } else { Look::NotYet(memory.to_string()) })
    })
    .await
}

/// An amount of memory that the node can give once, but not twice.
async fn more_than_half_of_the_node(scene: &Scene) -> Result<String> {
    let nodes: Api<Node> = Api::all(scene.client());
    let nodes = nodes.list(&ListParams::default()).await?;
    let allocatable = nodes.items[0].status.as_ref().and_then(|status| status.allocatable.as_ref());
    let memory = allocatable.and_then(|amounts| amounts.get("memory")).map_or("", |memory| memory.0.as_str());
    let kibibytes: u64 = memory.trim_end_matches("Ki").parse()?;
    Ok(format!("{}Ki", kibibytes * 6 / 10))
}

#[tokio::test]
async fn cpu_that_a_limit_range_forbids_is_tried_until_it_is_allowed() -> Result<()> {
    let scene = Scene::open("resize-limits").await?;
    let (set, _) = with_pod(&scene).await?;
    let ranges: Api<LimitRange> = Api::namespaced(scene.client(), scene.namespace());
    let range =
        json!({"metadata": {"name": "small"}, "spec": {"limits": [{"type": "Pod", "max": {"memory": "64Mi"}}]}});
    ranges.create(&PostParams::default(), &serde_json::from_value(range)?).await?;

    scene.change(set.name(), json!([replace("/spec/containers/0/resources/limits/memory", "96Mi")])).await?;
    let is_refused = |status: &SidecarSetStatus| progressing(status) == "UpgradesNotTaken";
    let status = scene.until_status("the set says that it is refused", is_refused).await?;
    assert_eq!(status.updated_pods, 0);

    ranges.delete("small", &DeleteParams::default()).await?;
    scene.until_status("the pod is updated", is_complete).await.map(drop)
}

#[tokio::test]
async fn amounts_that_would_change_the_class_of_a_pod_are_refused_and_told() -> Result<()> {
    let scene = Scene::open("resize-class").await?;
    let set = scene.sidecar_set().with("updateStrategy", json!({"resources": "InPlace"}));
    scene.create(&set).await?;
    scene.create_pod(scene.pod("one")).await?;
    scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;

    let amounts = json!({"op": "add", "path": "/spec/containers/0/resources", "value": {"requests": {"cpu": "10m"}}});
    scene.change(set.name(), json!([amounts])).await?;

    let is_refused = |status: &SidecarSetStatus| progressing(status) == "UpgradesNotTaken";
    let status = scene.until_status("the set says that it is refused", is_refused).await?;
    let message =
        "0 of 1 pods are updated; 1 waits for another attempt: the API server did not take its cpu and memory";
    assert!(status.conditions.iter().any(|condition| condition.message == message), "{status:#?}");
    Ok(())
}
