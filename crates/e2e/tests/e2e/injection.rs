//! What a Pod gets when it is created.

use anyhow::{Context, Result};
use kube::ResourceExt;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, PodView, Scene, running, sidecar, stays};

#[tokio::test]
async fn a_pod_that_no_set_selects_is_created_as_it_was_sent() -> Result<()> {
    let scene = Scene::open("unselected").await?;
    scene.create(&scene.sidecar_set()).await?;
    let mut pod = scene.pod("other");
    pod["metadata"]["labels"] = json!({"app": "something-else"});

    let created = scene.create_pod(pod).await?;

    assert_eq!(created.metadata.annotations, None);
    let view = PodView::of(&created);
    assert_eq!((view.container_names(), view.init_container_names()), (vec!["app"], vec![]));
    assert_eq!(view.container("app").env, []);
    assert_eq!(created.spec.and_then(|spec| spec.volumes), None);
    Ok(())
}

// As a backup is restored: the API server resets both on creation.
#[tokio::test]
async fn a_pod_created_from_the_manifest_of_one_that_failed_or_was_being_deleted_gets_its_sidecar() -> Result<()> {
    let scene = Scene::open("ended").await?;
    scene.create(&scene.sidecar_set()).await?;
    let mut failed = scene.pod("failed");
    failed["status"] = json!({"phase": "Failed", "reason": "Evicted"});
    let mut deleted = scene.pod("deleted");
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    deleted["metadata"]["deletionGracePeriodSeconds"] = json!(30);

    for pod in [failed, deleted] {
        let created = scene.create_pod(pod).await?;

        assert_eq!(PodView::of(&created).container_names(), ["sidecar", "app"]);
    }
    scene.until_pods("both pods run", |pods| pods.len() == 2 && pods.iter().all(PodView::is_undisturbed)).await?;
    Ok(())
}

#[tokio::test]
async fn a_pod_as_large_as_can_be_stored_is_injected_however_many_letters_a_review_takes_for_each_of_its_own()
-> Result<()> {
    let scene = Scene::open("escaped").await?;
    scene.create(&scene.sidecar_set()).await?;
    let mut pod = scene.pod("escaped");
    // Nobody runs it: a program cannot be started with as much.
    pod["spec"]["schedulerName"] = json!("nobody");
    // Six letters each in the review: `\u003c`.
    pod["spec"]["containers"][0]["env"] = json!([{"name": "LONG", "value": "<".repeat(1_500_000)}]);

    let created = scene.create_pod(pod).await?;

    assert_eq!(PodView::of(&created).container_names(), ["sidecar", "app"]);
    Ok(())
}

#[tokio::test]
async fn two_sets_on_one_pod_stand_in_the_order_of_their_names_and_are_upgraded_apart() -> Result<()> {
    let scene = Scene::open("two-sets").await?;
    let only = |name| json!([sidecar(name, AGENT_V1)]);
    let later = scene.sidecar_set_named("b").with("containers", only("from-b"));
    let earlier = scene.sidecar_set_named("a").with("containers", only("from-a"));
    scene.create(&later).await?;
    scene.create(&earlier).await?;
    let created = scene.create_pod(scene.pod("both")).await?;

    let list = created.annotations().get("kruise.io/sidecarset-injected-list").map(String::as_str);
    assert_eq!(list, Some(format!("{0}-a,{0}-b", scene.namespace()).as_str()));
    let before = scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    assert_eq!(before[0].container_names(), ["from-a", "from-b", "app"]);

    let image = |image| json!([{"op": "replace", "path": "/spec/containers/0/image", "value": image}]);
    scene.change(later.name(), image(AGENT_V2)).await?;
    let is_upgraded = |pod: &PodView, name, image| pod.is_undisturbed() && pod.runs(name, image);
    let after_b = scene.until_pods("b is upgraded", |pods| is_upgraded(&pods[0], "from-b", AGENT_V2)).await?;

    assert_eq!(running(&after_b, "from-a"), running(&before, "from-a"));
    assert_eq!(running(&after_b, "app"), running(&before, "app"));

    scene.change(earlier.name(), image(AGENT_V3)).await?;
    let after_a = scene.until_pods("a is upgraded", |pods| is_upgraded(&pods[0], "from-a", AGENT_V3)).await?;

    assert_eq!(running(&after_a, "from-b"), running(&after_b, "from-b"));
    assert_eq!(running(&after_a, "app"), running(&before, "app"));
    assert_eq!(after_a[0].container("from-a").restarts, 1);
    Ok(())
}

#[tokio::test]
async fn init_containers_are_sorted_by_name_and_only_mounted_volumes_are_merged() -> Result<()> {
    let scene = Scene::open("init").await?;
    let init = |name: &str| json!({"name": name, "image": AGENT_V1, "command": ["true"]});
    let mounting = json!({
        "name": "sidecar",
        "image": AGENT_V1,
        "volumeMounts": [{"name": "mounted", "mountPath": "/data"}],
    });
    let volumes = json!([{"name": "idle", "emptyDir": {}}, {"name": "mounted", "emptyDir": {}}]);
    let set = scene
        .sidecar_set()
        .with("initContainers", json!([init("zeta"), init("alpha"), init("mid")]))
        .with("containers", json!([mounting]))
        .with("volumes", volumes);
    scene.create(&set).await?;
    let mut pod = scene.pod("with-init");
    pod["spec"]["initContainers"] = json!([init("own")]);

    let created = scene.create_pod(pod).await?;
    let ready = scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;

    assert_eq!(ready[0].init_container_names(), ["own", "alpha", "mid", "zeta"]);
    let spec = created.spec.context("the pod has a spec")?;
    let names: Vec<&str> = spec.volumes.iter().flatten().map(|volume| volume.name.as_str()).collect();
    assert_eq!(names, ["mounted"]);
    Ok(())
}

#[tokio::test]
async fn pods_keep_their_sidecars_when_the_set_is_deleted() -> Result<()> {
    let scene = Scene::open("deleted").await?;
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(2).await?;

    scene.delete_set(scene.namespace()).await?;

    assert_eq!(stays("the pods of a deleted set", async || scene.pods().await).await?, before);
    assert_eq!(before[0].container_names(), ["sidecar", "app"]);
    let created = scene.create_pod(scene.pod("newcomer")).await?;
    assert_eq!(PodView::of(&created).container_names(), ["app"]);
    Ok(())
}

#[tokio::test]
async fn a_set_that_is_deleted_and_created_anew_injects_what_it_says_now() -> Result<()> {
    let scene = Scene::open("anew").await?;
    let with = |image| scene.sidecar_set().with("containers", json!([sidecar("sidecar", image)]));

    scene.submit(&with(AGENT_V1)).await?;
    scene.delete_set(scene.namespace()).await?;
    scene.create(&with(AGENT_V2)).await?;
    let created = scene.create_pod(scene.pod("one")).await?;

    assert_eq!(PodView::of(&created).container("sidecar").image, AGENT_V2);
    Ok(())
}

#[tokio::test]
async fn a_sidecar_takes_over_mounts_and_variables_of_the_application() -> Result<()> {
    let scene = Scene::open("sharing").await?;
    let mut container = sidecar("sidecar", AGENT_V1);
    container["shareVolumePolicy"] = json!({"type": "enabled"});
    container["transferEnv"] = json!([{"sourceContainerName": "app", "envName": "ZONE"}]);
    scene.create(&scene.sidecar_set().with("containers", json!([container]))).await?;
    let mut pod = scene.pod("one");
    pod["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    pod["spec"]["containers"][0]["env"] = json!([{"name": "ZONE", "value": "north"}, {"name": "DIR", "value": "logs"}]);
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "data", "mountPath": "/data", "subPathExpr": "$(DIR)"}]);

    let created = scene.create_pod(pod).await?;
    scene.until_pods("the pod is ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;

    let spec = created.spec.context("a pod has a spec")?;
    let shared = spec.containers.iter().find(|container| container.name == "sidecar").context("it was injected")?;
    let env: Vec<_> = shared.env.iter().flatten().map(|it| (it.name.as_str(), it.value.as_deref())).collect();
    let mounts: Vec<_> = shared.volume_mounts.iter().flatten().map(|it| it.mount_path.as_str()).collect();
    assert_eq!(env, [("IS_INJECTED", Some("true")), ("ZONE", Some("north")), ("DIR", Some("logs"))]);
    assert_eq!(mounts, ["/data"]);
    Ok(())
}
