//! Beside another webhook that injects. Webhooks are called in the order of the names of their configurations; ours is
//! `sidecarset`, so `aaa` comes before us and `zzz` after us.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, Neighbour, PodView, Reinvocation, Scene, SetDraft, away, sidecar};

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
async fn a_pod_copied_from_an_injected_one_gets_its_sidecars_anew_and_once() -> Result<()> {
    // A webhook that comes before us is asked before our last call, which replaces what the request may have come with.
    for (prefix, env) in [("aaa", vec!["IS_INJECTED", "PORT"]), ("zzz", vec!["IS_INJECTED", "PORT", "NEIGHBOUR"])] {
        let scene = Scene::open("copied").await?;
        let _neighbour = Neighbour::start(&scene, prefix, MARK).await?;
        scene.create(&sharing(&scene)).await?;
        let original = scene.create_pod(mounting(&scene)).await?;

        let (labels, annotations) = (original.labels(), original.annotations());
        let metadata = json!({"name": "copy", "labels": labels, "annotations": annotations});
        let copy = scene.create_pod(json!({"metadata": metadata, "spec": original.spec})).await?;

        // The containers of the neighbour are in it from the beginning.
        let expected = ("sidecar", vec!["/neighbour", "/data"], env);
        assert_eq!(equipment(&copy).into_iter().find(|(name, ..)| *name == "sidecar"), Some(expected), "{prefix}");
        assert_eq!(container_names(&copy), container_names(&original), "{prefix}");
        assert_eq!((volumes(&copy), copy.labels()), (volumes(&original), labels), "{prefix}");
        assert_recorded_once(&scene, &copy)?;
    }
    Ok(())
}

/// A sidecar that says something of each field that a container has.
fn full() -> Value {
    json!({
        "name": "sidecar", "image": AGENT_V1, "command": ["/bin/agent"], "args": ["--level", "a > b && c"], "workingDir": "/",
        "tty": false, "stdin": true, "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "name": "web"}, {"containerPort": 53, "protocol": "UDP"}],
        "envFrom": [{"configMapRef": {"name": "missing", "optional": true}, "prefix": "A_"}],
        "env": [
            {"name": "LEVEL", "value": "info"}, {"name": "EMPTY", "value": ""}, {"name": "LEVEL", "value": "twice"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "CPU_M", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0.001"}}},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "k", "optional": true}}},
        ],
        "resources": {"requests": {"cpu": "0.001", "memory": "1024Ki"}, "limits": {"cpu": 1, "ephemeral-storage": "1e9"}},
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "volumeMounts": [{"name": "spool", "mountPath": "/spool", "readOnly": true, "recursiveReadOnly": "IfPossible"}],
        "livenessProbe": {"httpGet": {"port": 8080, "httpHeaders": [{"name": "A", "value": "b"}]}, "initialDelaySeconds": 0},
        "readinessProbe": {"grpc": {"port": 8080}},
        "startupProbe": {"tcpSocket": {"port": "web"}, "successThreshold": 1},
        "lifecycle": {
            "postStart": {"httpGet": {"port": "web"}}, "preStop": {"sleep": {"seconds": 1}}, "stopSignal": "SIGTERM",
        },
        "securityContext": {
            "allowPrivilegeEscalation": false, "runAsUser": 0, "privileged": false, "capabilities": {"drop": ["NET_RAW"]},
            "seccompProfile": {"type": "RuntimeDefault"}, "appArmorProfile": {"type": "Unconfined"},
        },
        "ofTheFuture": {"a": [1]},
    })
}

#[tokio::test]
async fn every_field_of_a_sidecar_is_known_again_however_the_api_server_writes_it() -> Result<()> {
    let scene = Scene::open("fields").await?;
    let neighbour = Neighbour::start(&scene, "zzz", MARK).await?;
    let mut native = full();
    native["name"] = json!("native");
    native["restartPolicy"] = json!("Always");
    let mut hot = sidecar("hot", AGENT_V1);
    hot["upgradeStrategy"] = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": AGENT_V1});
    let set = scene.sidecar_set().with("containers", json!([full(), hot])).with("initContainers", json!([native]));
    let volumes = json!([{"name": "spool", "emptyDir": {"sizeLimit": "1024Mi"}}]);
    scene.create(&set.with("volumes", volumes).with("updateStrategy", json!({"type": "NotUpdate"}))).await?;
    let mut pod = scene.pod("one");
    pod["spec"]["os"] = json!({"name": "linux"});

    let created = scene.create_pod(pod).await?;

    // What we had changed in our second call the neighbour would have been asked about.
    assert_eq!(neighbour.asked(), [["sidecar", "hot-1", "hot-2", "app"]]);
    assert_eq!(container_names(&created), ["neighbour-first", "sidecar", "hot-1", "hot-2", "app", "neighbour-last"]);
    Ok(())
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A set with a native sidecar, and a Pod that gets it.
async fn with_native_sidecar(scene: &Scene) -> Result<Value> {
    let native = json!([{"name": "native", "image": AGENT_V1, "restartPolicy": "Always"}]);
    scene.create(&scene.sidecar_set().without("containers").with("initContainers", native)).await?;
    let mut pod = scene.pod("one");
    pod["spec"]["automountServiceAccountToken"] = json!(true);
    Ok(pod)
}

#[tokio::test]
async fn a_native_sidecar_gets_back_the_restart_policy_that_another_webhook_drops() -> Result<()> {
    let scene = Scene::open("stripped").await?;
    let _neighbour = Neighbour::strip(&scene, Reinvocation::Never).await?;

    let created = scene.create_pod(with_native_sidecar(&scene).await?).await?;

    let native = &created.spec.as_ref().and_then(|spec| spec.init_containers.as_ref()).context("it has one")?[0];
    assert_eq!(native.restart_policy.as_deref(), Some("Always"));
    assert_eq!(equipment(&created)[0], ("native", vec![TOKEN], vec!["IS_INJECTED"]));
    scene.until_pods("the pod runs beside its sidecar", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_drops_the_restart_policy_for_good_degrades_the_set() -> Result<()> {
    let scene = Scene::open("hanging").await?;
    let _neighbour = Neighbour::strip(&scene, Reinvocation::IfNeeded).await?;

    let created = scene.create_pod(with_native_sidecar(&scene).await?).await?;

    let native = &created.spec.as_ref().and_then(|spec| spec.init_containers.as_ref()).context("it has one")?[0];
    assert_eq!(native.restart_policy, None);
    let hangs = |status: &SidecarSetStatus| {
        status.conditions.iter().any(|it| it.type_ == "Degraded" && it.reason == "RestartPolicyLost")
    };
    let status = scene.until_status("the set says that the pod hangs", hangs).await?;
    let fields: Vec<_> = status.not_upgradable_fields.iter().map(|blocked| blocked.field.as_str()).collect();
    assert_eq!(
        (status.matched_pods, status.updated_pods, fields),
        (1, 0, vec!["initContainers[native].restartPolicy"])
    );
    Ok(())
}

/// A Pod with the annotations of one that was injected, and a container that only has the name and the mark of the sidecar.
async fn forged(scene: &Scene) -> Result<Value> {
    let injected = scene.create_pod(scene.pod("injected")).await?;
    let mut pod = scene.pod("forged");
    pod["metadata"]["annotations"] = json!(injected.annotations());
    let mark = json!([{"name": "IS_INJECTED", "value": "true"}]);
    let container = json!({"name": "sidecar", "image": AGENT_V1, "command": ["sleep", "100000"], "env": mark});
    pod["spec"]["containers"].as_array_mut().context("it has containers")?.push(container);
    Ok(pod)
}

#[tokio::test]
async fn a_pod_that_only_claims_to_have_its_sidecar_gets_it_also_from_a_template() -> Result<()> {
    let scene = Scene::open("forged").await?;
    scene.create(&scene.sidecar_set()).await?;
    let forged = forged(&scene).await?;

    let created = scene.create_pod(forged.clone()).await?;
    let commands: Vec<_> = created.spec.iter().flat_map(|spec| &spec.containers).map(|it| &it.command).collect();
    assert_eq!(commands, [&None, &None]);
    assert_recorded_once(&scene, &created)?;

    let template = json!({"metadata": forged["metadata"], "spec": forged["spec"]});
    let pods = scene.deploy_template(1, template).await?;
    assert!(pods.iter().all(|pod| pod.runs("sidecar", AGENT_V1)), "{pods:#?}");
    let all = scene.pod_api().list(&ListParams::default()).await?;
    assert!(all.iter().flat_map(|pod| &pod.spec).flat_map(|spec| &spec.containers).all(|it| it.command.is_none()));
    Ok(())
}

#[tokio::test]
#[ignore = "stops the operator: scripts/test.sh runs it when the others are done"]
async fn a_pod_created_while_nobody_could_be_asked_counts_for_what_its_containers_bear_out() -> Result<()> {
    let scene = Scene::open_alone("unasked").await?;
    scene.create(&scene.sidecar_set().with("injectionStrategy", json!({"failurePolicy": "Ignore"}))).await?;
    let mut forged = forged(&scene).await?;
    forged["spec"]["containers"][1]["image"] = json!(AGENT_V2);

    let created = away(async || scene.create_pod(forged).await).await?;

    let names = container_names(&created);
    assert_eq!(names, ["app", "sidecar"]);
    let is_found_out = |status: &SidecarSetStatus| status.matched_pods == 2 && status.updated_pods == 1;
    let status = scene.until_status("the pod counts as one that needs a new one", is_found_out).await?;
    let fields: Vec<_> = status.not_upgradable_fields.iter().map(|blocked| blocked.field.as_str()).collect();
    assert_eq!(fields, ["containers[sidecar].image"]);
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
