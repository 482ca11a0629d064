//! What a person does from the command line happens on the cluster, with the rights that docs/acting.md names.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sidecarset_e2e::{
    AGENT_V1, AGENT_V2, AGENT_V3, Look, Person, PodView, Scene, eventually, kubectl_program, sidecarset_program, stays,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output};

/// What a command printed.
#[derive(Debug)]
struct Said {
    is_done: bool,
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { is_done: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Returns what was printed by a command that did what it was asked for.
    fn done(self) -> Result<String> {
        ensure!(self.is_done, "{self:?}");
        Ok(self.stdout)
    }
}

/// Somebody at a command line.
struct Actor(Person);

impl Actor {
    async fn of(scene: &Scene) -> Result<Self> {
        Person::with_role(scene, "docs/acting.md", "sidecarset-actor").await.map(Self)
    }

    async fn runs(&self, arguments: &[&str]) -> Result<Said> {
        Ok(Said::of(&self.0.sidecarset(arguments).await?))
    }
}

async fn until_all_run(scene: &Scene, image: &str) -> Result<()> {
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", image);
    scene.until_pods(&format!("all pods run {image}"), |pods| pods.iter().all(is_upgraded)).await.map(drop)
}

async fn until_revisions(scene: &Scene, actor: &Actor, count: usize) -> Result<Value> {
    eventually(&format!("there are {count} revisions"), async || {
        let rows = actor.runs(&["history", scene.namespace(), "-n", scene.namespace(), "-o", "json"]).await?.done()?;
        let rows: Value = serde_json::from_str(&rows)?;
        let is_there = rows.as_array().is_some_and(|rows| rows.len() == count && rows[count - 1]["state"] == "present");
        Ok(if is_there { Look::Found(rows) } else { Look::NotYet(rows.to_string()) })
    })
    .await
}

#[tokio::test]
async fn an_image_that_is_set_reaches_the_pods_and_one_that_is_only_tried_does_not() -> Result<()> {
    let scene = Scene::open("set-image").await?;
    let actor = Actor::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    scene.deploy(2).await?;
    let (name, image) = (scene.namespace(), format!("sidecar={AGENT_V2}"));

    let tried = actor.runs(&["set-image", name, &image, "--dry-run=server"]).await?.done()?;
    assert_eq!(tried, format!("sidecarset.apps.kruise.io/{name} image updated (server dry run)\n"));
    stays("a set that nobody has changed", async || Ok(scene.set(name).await?.metadata.generation)).await?;
    let is_as_before = scene.pods().await?.iter().all(|pod| pod.runs("sidecar", AGENT_V1));
    assert!(is_as_before && scene.set(name).await?.metadata.generation == Some(1));

    let set = actor.runs(&["set-image", name, &image]).await?.done()?;
    assert_eq!(set, format!("sidecarset.apps.kruise.io/{name} image updated\n"));
    until_all_run(&scene, AGENT_V2).await?;
    let again = actor.runs(&["set-image", name, &image]).await?.done()?;
    assert_eq!(again, format!("sidecarset.apps.kruise.io/{name} image unchanged\n"));
    Ok(())
}

#[tokio::test]
async fn a_set_is_paused_and_resumed_in_its_own_spelling() -> Result<()> {
    let scene = Scene::open("pause-by-command").await?;
    let actor = Actor::of(&scene).await?;
    let strategy = json!({"rollingUpdate": {"maxUnavailable": 2}});
    scene.create(&scene.sidecar_set().in_version("v1alpha1").with("strategy", strategy)).await?;
    scene.deploy(2).await?;
    let (name, image) = (scene.namespace(), format!("sidecar={AGENT_V2}"));

    actor.runs(&["pause", name]).await?.done()?;
    let again = actor.runs(&["pause", name]).await?;
    assert_eq!(again.stderr, format!("error: sidecarsets.apps.kruise.io \"{name}\" is already paused\n"));
    assert!(!again.is_done);
    actor.runs(&["set-image", name, &image]).await?.done()?;
    let paused = stays("the pods of a paused rollout", async || scene.pods().await).await?;
    assert!(paused.iter().all(|pod| pod.runs("sidecar", AGENT_V1)), "{paused:#?}");
    let spec = scene.set(name).await?.spec;
    assert_eq!((spec.paused, spec.update_strategy.and_then(|strategy| strategy.paused)), (Some(true), None));

    actor.runs(&["resume", name]).await?.done()?;
    until_all_run(&scene, AGENT_V2).await
}

#[tokio::test]
async fn the_definition_before_returns_to_the_pods() -> Result<()> {
    let scene = Scene::open("undo").await?;
    let actor = Actor::of(&scene).await?;
    scene.create(&scene.sidecar_set().with("customVersion", json!("first"))).await?;
    scene.deploy(1).await?;
    let name = scene.namespace();
    let second = json!([
        {"op": "replace", "path": "/spec/containers/0/image", "value": AGENT_V3},
        {"op": "replace", "path": "/spec/customVersion", "value": "second"},
    ]);
    until_revisions(&scene, &actor, 1).await?;
    scene.change(name, second).await?;
    until_all_run(&scene, AGENT_V3).await?;
    let rows = until_revisions(&scene, &actor, 2).await?;
    assert_eq!((&rows[0]["images"]["sidecar"], &rows[1]["pods"]), (&json!(AGENT_V1), &json!(1)));
    let changes = actor.runs(&["history", name, "--diff"]).await?.done()?;
    let line = format!("\n-- image: {AGENT_V1}\n+- image: {AGENT_V3}\n");
    assert!(changes.contains(&line), "{changes}");

    let told = actor.runs(&["undo", name]).await?.done()?;
    let first = rows[0]["name"].as_str().context("a revision has a name")?;
    assert_eq!(told, format!("sidecarset.apps.kruise.io/{name} rolled back to revision 1 ({first})\n"));
    until_all_run(&scene, AGENT_V1).await?;
    // The first revision is the newest one, and has kept its version.
    let rows = until_revisions(&scene, &actor, 2).await?;
    assert_eq!(
        (&rows[1]["name"], &rows[1]["revision"], &rows[1]["customVersion"]),
        (&json!(first), &json!(3), &json!("first"))
    );
    assert_eq!(rows[0]["customVersion"], "second");
    let again = actor.runs(&["undo", name, "--to-revision=3"]).await?.done()?;
    assert!(again.contains("not rolled back: it has the definition of revision 3"), "{again}");
    Ok(())
}

fn budget(scene: &Scene, least: u32) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": scene.namespace()}}},
    })
}

/// Says how many Pods have a sidecar with the variable that only new Pods get.
async fn renewed(scene: &Scene) -> Result<usize> {
    let pods = scene.pod_api().list(&ListParams::default()).await?;
    let has_variable = |pod: &&Pod| {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        containers.flat_map(|it| it.env.iter().flatten()).any(|variable| variable.name == "LEVEL")
    };
    Ok(pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).filter(has_variable).count())
}

#[tokio::test]
async fn pods_that_wait_for_recreation_are_evicted_as_their_budget_allows() -> Result<()> {
    let scene = Scene::open("restart-outdated").await?;
    let actor = Actor::of(&scene).await?;
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(2).await?;
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(scene.client(), scene.namespace());
    budgets.create(&PostParams::default(), &serde_json::from_value(budget(&scene, 2))?).await?;
    eventually("the budget is counted", async || {
        let status = budgets.get("app").await?.status.unwrap_or_default();
        Ok(if status.current_healthy == 2 { Look::Found(()) } else { Look::NotYet(format!("{status:?}")) })
    })
    .await?;
    let variable = json!([{"name": "LEVEL", "value": "debug"}]);
    scene
        .change(scene.namespace(), json!([{"op": "add", "path": "/spec/containers/0/env", "value": variable}]))
        .await?;
    let (name, arguments) = (scene.namespace(), ["restart-outdated", "-n", scene.namespace(), scene.namespace()]);

    let tried = actor.runs(&[&arguments[..], &["--dry-run=server"]].concat()).await?;
    assert!(tried.is_done && tried.stderr.contains("would have to wait: Cannot evict pod"), "{tried:?}");
    let evicting = actor.runs(&arguments);
    let meanwhile = async {
        stays("the pods that their budget protects", async || scene.pods().await).await?;
        assert_eq!(scene.pods().await?, before);
        budgets.patch("app", &PatchParams::default(), &Patch::Merge(budget(&scene, 1))).await?;
        anyhow::Ok(())
    };
    let (said, allowed) = tokio::join!(evicting, meanwhile);

    allowed?;
    let said = said?;
    assert!(said.is_done && said.stderr.contains("has to wait: Cannot evict pod"), "{said:?}");
    assert_eq!((said.stdout.lines().count(), renewed(&scene).await?), (2, 2), "{said:?}");
    let rest = actor.runs(&arguments).await?;
    assert_eq!((rest.is_done, rest.stderr), (true, format!("note: no Pod has to be created anew for {name}\n")));
    Ok(())
}

#[tokio::test]
async fn pods_without_their_sidecars_are_evicted_and_get_them() -> Result<()> {
    let scene = Scene::open("restart-missing").await?;
    let actor = Actor::of(&scene).await?;
    let app = scene.deploy(2).await?;
    assert!(app.iter().all(|pod| pod.containers.len() == 1), "{app:#?}");
    scene.create(&scene.sidecar_set()).await?;
    scene.create_pod(scene.pod("lonely")).await?;

    let arguments = ["restart-outdated", scene.namespace(), "-n", scene.namespace(), "--reason=missing"];
    let said = actor.runs(&[&arguments[..], &["--max-unavailable=2"]].concat()).await?;

    assert!(said.is_done && said.stdout.lines().count() == 2, "{said:?}");
    let pods = scene.pods().await?;
    assert!(pods.iter().all(|pod| pod.runs("sidecar", AGENT_V1)), "{pods:#?}");
    Ok(())
}

#[tokio::test]
async fn kubectl_finds_the_plugin_and_completes_the_names_of_sets() -> Result<()> {
    let scene = Scene::open("plugin").await?;
    scene.create(&scene.sidecar_set()).await?;
    let folder = std::env::temp_dir().join(format!("sidecarset-{}", scene.namespace()));
    fs::create_dir_all(&folder)?;
    let program = fs::canonicalize(sidecarset_program()?)?;
    for name in ["kubectl-sidecarset", "kubectl_complete-sidecarset"] {
        symlink(&program, folder.join(name))?;
    }
    let kubectl = async |arguments: &[&str]| -> Result<Said> {
        let mut command = Command::new(kubectl_program());
        command.args(arguments).env("PATH", &folder);
        Ok(Said::of(&tokio::task::spawn_blocking(move || command.output()).await??))
    };

    let commands = kubectl(&["__complete", "sidecarset", "set"]).await;
    let sets = kubectl(&["__complete", "sidecarset", "pause", scene.namespace()]).await;
    let definition = kubectl(&["sidecarset", "crd"]).await;

    fs::remove_dir_all(&folder)?;
    let commands = commands?.done()?;
    assert!(commands.starts_with("set-image\t") && commands.ends_with("\n:4\n"), "{commands}");
    assert_eq!(sets?.done()?, format!("{}\n:4\n", scene.namespace()));
    assert!(definition?.done()?.contains("kind: CustomResourceDefinition"));
    Ok(())
}
