//! Beside another webhook that injects. Webhooks are called in the order of the names of their configurations; ours is
//! `sidecarset`, so `aaa` comes before us and `zzz` after us.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V1, Neighbour, PodView, Scene, SetDraft, sidecar};

const MARK: (&str, &str) = ("neighbour", "here");

/// A set whose sidecar takes over all mounts, and a variable of a container of the neighbour's.
fn sharing(scene: &Scene) -> SetDraft {
    let mut container = sidecar("sidecar", AGENT_V1);
    container["shareVolumePolicy"] = json!({"type": "enabled"});
    container["transferEnv"] = json!([{"sourceContainerName": "neighbour-first", "envName": "PORT"}]);
    let init = json!({"name": "setup", "image": AGENT_V1, "command": ["true"]});
    scene.sidecar_set().with("containers", json!([container])).with("initContainers", json!([init]))
}

/// A Pod of which one container mounts a volume.
fn mounting(scene: &Scene) -> Value {
    let mut pod = scene.pod("one");
    pod["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    pod
}

type Equipment<'a> = (&'a str, Vec<&'a str>, Vec<&'a str>);

/// Returns the name, the mount paths and the variables of each container, init containers first.
fn equipment(pod: &Pod) -> Vec<Equipment<'_>> {
    let init = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let containers = init.chain(pod.spec.iter().flat_map(|spec| &spec.containers));
    containers
        .map(|container| {
            let mounts = container.volume_mounts.iter().flatten().map(|mount| mount.mount_path.as_str());
            let env = container.env.iter().flatten().map(|variable| variable.name.as_str());
            (container.name.as_str(), mounts.collect(), env.collect())
        })
        .collect()
}

fn volumes(pod: &Pod) -> Vec<&str> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.map(|volume| volume.name.as_str()).collect()
}

/// Returns the sets that an annotation with an entry for each set tells of.
fn recorded(pod: &Pod, key: &str) -> Result<Vec<String>> {
    let text = pod.annotations().get(key).with_context(|| format!("the pod has {key}"))?;
    let entries: serde_json::Map<String, Value> = serde_json::from_str(text)?;
    Ok(entries.into_iter().map(|(set, _)| set).collect())
}

/// Expects that our annotations tell of the scene's set, and of nothing else.
fn assert_recorded_once(scene: &Scene, pod: &Pod) -> Result<()> {
    let list = pod.annotations().get("kruise.io/sidecarset-injected-list").map(String::as_str);
    assert_eq!(list, Some(scene.namespace()));
    assert_eq!(recorded(pod, "kruise.io/sidecarset-hash")?, [scene.namespace()]);
    assert_eq!(recorded(pod, "kruise.io/sidecarset-hash-without-image")?, [scene.namespace()]);
    Ok(())
}

#[tokio::test]
async fn a_sidecar_takes_over_from_a_neighbour_that_comes_before_us_and_nothing_is_lost() -> Result<()> {
    let scene = Scene::open("before").await?;
    let neighbour = Neighbour::start(&scene, "aaa", MARK).await?;
    scene.create(&sharing(&scene)).await?;

    let pod = scene.create_pod(mounting(&scene)).await?;

    let expected = [
        ("setup", vec!["/neighbour"], vec!["IS_INJECTED", "NEIGHBOUR"]),
        ("sidecar", vec!["/neighbour", "/data"], vec!["IS_INJECTED", "PORT", "NEIGHBOUR"]),
        ("neighbour-first", vec!["/neighbour"], vec!["PORT", "NEIGHBOUR"]),
        ("app", vec!["/data", "/neighbour"], vec!["NEIGHBOUR"]),
        ("neighbour-last", vec!["/neighbour"], vec!["PORT", "NEIGHBOUR"]),
    ];
    assert_eq!(equipment(&pod), expected);
    assert_eq!((volumes(&pod), pod.labels().get("neighbour")), (vec!["data", "neighbour"], Some(&"here".to_owned())));
    assert_recorded_once(&scene, &pod)?;
    // It is asked again once we have changed the Pod.
    let again = vec!["sidecar", "neighbour-first", "app", "neighbour-last"];
    assert_eq!(neighbour.asked(), [vec!["app"], again]);
    Ok(())
}

#[tokio::test]
async fn a_neighbour_that_comes_after_us_changes_our_containers_and_nothing_is_injected_again() -> Result<()> {
    let scene = Scene::open("after").await?;
    let neighbour = Neighbour::start(&scene, "zzz", MARK).await?;
    scene.create(&sharing(&scene)).await?;

    let pod = scene.create_pod(mounting(&scene)).await?;

    // There was no container to take PORT from when the sidecar was injected, and it is not injected twice.
    let expected = [
        ("setup", vec!["/neighbour"], vec!["IS_INJECTED", "NEIGHBOUR"]),
        ("neighbour-first", vec!["/neighbour"], vec!["PORT", "NEIGHBOUR"]),
        ("sidecar", vec!["/data", "/neighbour"], vec!["IS_INJECTED", "NEIGHBOUR"]),
        ("app", vec!["/data", "/neighbour"], vec!["NEIGHBOUR"]),
        ("neighbour-last", vec!["/neighbour"], vec!["PORT", "NEIGHBOUR"]),
    ];
    assert_eq!(equipment(&pod), expected);
    assert_eq!((volumes(&pod), pod.labels().get("neighbour")), (vec!["data", "neighbour"], Some(&"here".to_owned())));
    assert_recorded_once(&scene, &pod)?;
    assert_eq!(neighbour.asked(), [["sidecar", "app"]]);
    Ok(())
}

#[tokio::test]
async fn a_pod_copied_from_an_injected_one_is_created_as_it_was_sent() -> Result<()> {
    for prefix in ["aaa", "zzz"] {
        let scene = Scene::open("copied").await?;
        let _neighbour = Neighbour::start(&scene, prefix, MARK).await?;
        scene.create(&sharing(&scene)).await?;
        let original = scene.create_pod(mounting(&scene)).await?;

        let (labels, annotations) = (original.labels(), original.annotations());
        let metadata = json!({"name": "copy", "labels": labels, "annotations": annotations});
        let copy = scene.create_pod(json!({"metadata": metadata, "spec": original.spec})).await?;

        assert_eq!((copy.labels(), copy.annotations()), (labels, annotations), "{prefix}");
        assert_eq!(copy.spec, original.spec, "{prefix}");
        assert_recorded_once(&scene, &copy)?;
    }
    Ok(())
}

/// A set that selects the Pods that the neighbour labels, and no others.
fn labelled(scene: &Scene) -> SetDraft {
    let set = scene.sidecar_set_named("labelled").with("containers", json!([sidecar("labelled", AGENT_V1)]));
    set.with("selector", json!({"matchLabels": {"tier": scene.namespace()}}))
}

fn container_names(pod: &Pod) -> Vec<String> {
    PodView::of(pod).container_names().into_iter().map(str::to_owned).collect()
}

/// Creates a Pod beside a neighbour that labels it for a second set, and returns its containers. The first set, where
/// there is one, selects it anyway; each has its policy.
async fn labelled_by(prefix: &str, first: Option<&str>, second: &str) -> Result<Vec<String>> {
    let scene = Scene::open("labelled").await?;
    let policy = |policy: &str| json!({"failurePolicy": policy});
    if let Some(first) = first {
        scene.create(&scene.sidecar_set().with("injectionStrategy", policy(first))).await?;
    }
    scene.create(&labelled(&scene).with("injectionStrategy", policy(second))).await?;
    let _neighbour = Neighbour::start(&scene, prefix, ("tier", scene.namespace())).await?;
    Ok(container_names(&scene.create_pod(scene.pod("one")).await?))
}

#[tokio::test]
async fn a_label_of_a_neighbour_before_us_selects() -> Result<()> {
    let names = labelled_by("aaa", None, "Fail").await?;

    assert_eq!(names, ["labelled", "neighbour-first", "app", "neighbour-last"]);
    Ok(())
}

#[tokio::test]
async fn a_label_of_a_neighbour_after_us_selects_nothing_where_no_set_selected_the_pod_before() -> Result<()> {
    let names = labelled_by("zzz", None, "Fail").await?;

    assert_eq!(names, ["neighbour-first", "app", "neighbour-last"]);
    Ok(())
}

#[tokio::test]
async fn a_label_of_a_neighbour_after_us_selects_where_a_set_selected_the_pod_before() -> Result<()> {
    for (first, second) in [("Fail", "Fail"), ("Ignore", "Ignore"), ("Fail", "Ignore"), ("Ignore", "Fail")] {
        let names = labelled_by("zzz", Some(first), second).await?;

        assert_eq!(names, ["labelled", "neighbour-first", "sidecar", "app", "neighbour-last"], "{first}, {second}");
    }
    Ok(())
}
