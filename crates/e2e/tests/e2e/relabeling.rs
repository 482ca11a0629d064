//! Labels that namespaces get: whoever is created right after them has the sidecars.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use sidecarset_e2e::{Look, PodView, Scene, SetDraft, away, eventually, refusal};

/// How many namespaces get the label, one after the other: `LABEL_TRIALS=1000` tries more.
const TRIALS: usize = 30;
/// What the name of the label is.
const TEAM: &str = "e2e-labelled-team";

pub(crate) fn trials() -> usize {
    std::env::var("LABEL_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(TRIALS)
}

/// Labels one namespace after the other, each new, and creates a Pod in it at once. Returns those that had no sidecar then.
pub(crate) async fn missed(scene: &Scene, team: &str) -> Result<Vec<String>> {
    let names: Vec<String> = (0..trials()).map(|trial| format!("{}-{trial}", scene.namespace())).collect();
    for name in &names {
        namespace(scene, name).await?;
    }
    let mut missed = Vec::new();
    for name in &names {
        let before = try_pod(scene, name).await?;
        label(scene, name, Some(team)).await?;
        let after = try_pod(scene, name).await?;
        if (before.as_slice(), after.as_slice()) != (&["app".to_owned()], &["sidecar".to_owned(), "app".to_owned()]) {
            missed.push(format!("{name}: {before:?}, {after:?}"));
        }
    }
    remove(scene, &names).await?;
    Ok(missed)
}

/// A set for the namespaces of the team that is named as the scene.
pub(crate) fn of_team(scene: &Scene) -> SetDraft {
    scene.sidecar_set().with("namespaceSelector", json!({"matchLabels": {TEAM: scene.namespace()}}))
}

/// Creates a namespace without the label, in which Pods can be created.
async fn namespace(scene: &Scene, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(scene.client());
    let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
    namespaces.create(&PostParams::default(), &namespace).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.client(), name);
    eventually("the namespace has its service account", async || {
        let found = accounts.get_opt("default").await?;
        Ok(found.map_or_else(|| Look::NotYet("there is none".to_owned()), |_| Look::Found(())))
    })
    .await
}

pub(crate) async fn label(scene: &Scene, name: &str, team: Option<&str>) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(scene.client());
    let labels = Patch::Merge(json!({"metadata": {"labels": {TEAM: team}}}));
    namespaces.patch(name, &PatchParams::default(), &labels).await.map(drop).context("the namespace is not labelled")
}

/// Tries to create a Pod that the set of the scene selects by its label, and returns its containers.
async fn try_pod(scene: &Scene, namespace: &str) -> kube::Result<Vec<String>> {
    let mut pod = scene.pod("tried");
    pod["metadata"]["namespace"] = json!(namespace);
    let pod = serde_json::from_value(pod).map_err(kube::Error::SerdeError)?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let created = Api::<Pod>::namespaced(scene.client(), namespace).create(&dry_run, &pod).await?;
    Ok(PodView::of(&created).container_names().into_iter().map(str::to_owned).collect())
}

async fn remove(scene: &Scene, names: &[String]) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(scene.client());
    for name in names {
        namespaces.delete(name, &DeleteParams::default()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_pod_that_is_created_right_after_the_label_of_its_namespace_is_injected() -> Result<()> {
    let scene = Scene::open("relabelled").await?;
    scene.create(&of_team(&scene)).await?;

    assert_eq!(missed(&scene, scene.namespace()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_pod_that_several_webhooks_are_for_is_injected_once_by_each_set() -> Result<()> {
    let scene = Scene::open("several").await?;
    let team = scene.namespace();
    let selector = json!({"matchLabels": {TEAM: team}});
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": team}});
    let sets = [
        ("by-label", json!({"namespaceSelector": selector})),
        ("by-label-or-not", json!({"namespaceSelector": selector, "injectionStrategy": {"failurePolicy": "Ignore"}})),
        ("by-name", json!({"namespaceSelector": here})),
    ];
    for (name, spec) in sets {
        let mut set = scene.sidecar_set_named(name);
        for (member, value) in spec.as_object().context("the spec is an object")? {
            set = set.with(member, value.clone());
        }
        scene.create(&set.with("containers", json!([sidecarset_e2e::sidecar(name, sidecarset_e2e::AGENT_V1)]))).await?;
    }

    let without_label = try_pod(&scene, team).await?;
    label(&scene, team, Some(team)).await?;
    let with_label = try_pod(&scene, team).await?;

    assert_eq!(without_label, ["by-name", "app"]);
    assert_eq!(with_label, ["by-label", "by-label-or-not", "by-name", "app"]);
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_loses_the_label_is_injected_no_longer() -> Result<()> {
    let scene = Scene::open("unlabelled").await?;
    let team = scene.namespace();
    label(&scene, team, Some(team)).await?;
    scene.create(&of_team(&scene)).await?;
    assert_eq!(try_pod(&scene, team).await?, ["sidecar", "app"]);

    label(&scene, team, None).await?;

    eventually("the label is forgotten", async || {
        let containers = try_pod(&scene, team).await?;
        Ok(if containers == ["app"] { Look::Found(()) } else { Look::NotYet(format!("{containers:?}")) })
    })
    .await
}

#[tokio::test]
#[ignore = "stops the operator: scripts/test.sh runs it when the others are done"]
async fn while_the_operator_is_away_labels_of_namespaces_count_as_they_are() -> Result<()> {
    let scene = Scene::open_alone("labels-away").await?;
    let team = scene.namespace();
    scene.create(&of_team(&scene)).await?;

    let refused = away(async || {
        // Nobody is asked, and nobody waits.
        assert_eq!(try_pod(&scene, team).await?, ["app"]);
        label(&scene, team, Some(team)).await?;
        eventually("the API server knows of the label", async || {
            Ok(match try_pod(&scene, team).await {
                Ok(containers) => Look::NotYet(format!("{containers:?}")),
                refused => Look::Found(refusal(refused)?.message),
            })
        })
        .await
    })
    .await?;

    assert!(refused.contains("failed calling webhook \"mpod-"), "{refused}");
    let back = eventually("the operator answers", async || Ok(Look::Found(try_pod(&scene, team).await?))).await?;
    assert_eq!(back, ["sidecar", "app"]);
    Ok(())
}

#[tokio::test]
#[ignore = "makes the API server ask more than others expect: scripts/test.sh runs it when the others are done"]
async fn more_labels_than_the_api_server_looks_at_leave_no_gap_and_are_reported() -> Result<()> {
    let scene = Scene::open_alone("many-labels").await?;
    let set_of_team = |number: usize| {
        let selector = json!({"matchLabels": {TEAM: format!("team-{number}")}});
        scene.sidecar_set_named(&number.to_string()).with("namespaceSelector", selector)
    };
    // One more than that. Whichever is too much is found by its name.
    for number in 0..101 {
        scene.submit(&set_of_team(number)).await?;
    }
    let sets = scene.raw_sets("v1beta1");
    let wide = eventually("a set is asked about widely", async || {
        let sets = sets.list(&ListParams::default()).await?.items;
        let wide = sets.iter().filter(|set| set.data.to_string().contains("\"RegisteredWidely\""));
        let names: Vec<String> = wide.map(ResourceExt::name_any).collect();
        Ok(if names.len() == 1 { Look::Found(names) } else { Look::NotYet(format!("{names:?}")) })
    })
    .await?;
    let number = wide[0].rsplit('-').next().context("the name ends with a number")?;

    assert_eq!(missed(&scene, &format!("team-{number}")).await?, [""; 0]);
    Ok(())
}
