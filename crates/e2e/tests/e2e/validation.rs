//! What is refused, through the real API server, and what it says.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V1, Scene, SetDraft, refusal, sidecar};

/// The code of a refusal that names what is wrong with the object.
const UNPROCESSABLE: u16 = 422;

/// Creates the set and expects a refusal that names each of these.
async fn is_refused(scene: &Scene, set: &SetDraft, violations: &[&str]) -> Result<()> {
    let status = refusal(scene.submit(set).await)?;

    assert_eq!(status.code, UNPROCESSABLE, "{}", status.message);
    for violation in violations {
        assert!(status.message.contains(violation), "no {violation:?} in: {}", status.message);
    }
    Ok(())
}

#[tokio::test]
async fn a_set_without_a_selector_is_refused() -> Result<()> {
    let scene = Scene::open("no-selector").await?;

    is_refused(&scene, &scene.sidecar_set().without("selector"), &["spec.selector: is required"]).await
}

#[tokio::test]
async fn a_set_with_an_empty_selector_is_refused() -> Result<()> {
    let scene = Scene::open("empty-selector").await?;

    is_refused(&scene, &scene.sidecar_set().with("selector", json!({})), &["spec.selector: must not be empty"]).await
}

#[tokio::test]
async fn a_set_without_containers_is_refused() -> Result<()> {
    let scene = Scene::open("no-containers").await?;
    let expected = ["spec.containers: is required"];

    is_refused(&scene, &scene.sidecar_set().without("containers"), &expected).await?;
    is_refused(&scene, &scene.sidecar_set().with("containers", json!([])), &expected).await
}

#[tokio::test]
async fn two_containers_of_one_name_are_refused() -> Result<()> {
    let scene = Scene::open("same-name").await?;
    let twice = json!([sidecar("twin", AGENT_V1), sidecar("twin", AGENT_V1)]);
    let expected = ["spec.containers[1].name: duplicate value: \"twin\""];

    is_refused(&scene, &scene.sidecar_set().with("containers", twice), &expected).await
}

#[tokio::test]
async fn a_mount_of_a_volume_that_is_not_there_is_refused() -> Result<()> {
    let scene = Scene::open("no-volume").await?;
    let mount = json!([{"name": "logs", "mountPath": "/logs"}]);
    let container = json!({"name": "sidecar", "image": AGENT_V1, "volumeMounts": mount});
    let expected = ["spec.containers[0].volumeMounts[0].name: not found: \"logs\""];

    is_refused(&scene, &scene.sidecar_set().with("containers", json!([container])), &expected).await
}

#[tokio::test]
async fn a_max_unavailable_that_is_no_amount_is_refused_in_either_spelling() -> Result<()> {
    let scene = Scene::open("no-amount").await?;
    let today = |value| scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": value}));
    let older = |value| {
        let strategy = json!({"rollingUpdate": {"maxUnavailable": value}});
        scene.sidecar_set().in_version("v1alpha1").with("strategy", strategy)
    };
    let no_number = "maxUnavailable: must be an integer or a percentage";
    let negative = "maxUnavailable: must be greater than or equal to 0";

    is_refused(&scene, &today(json!("abc")), &[&format!("spec.updateStrategy.{no_number}")]).await?;
    is_refused(&scene, &today(json!(-1)), &[&format!("spec.updateStrategy.{negative}")]).await?;
    is_refused(&scene, &older(json!("abc")), &[&format!("spec.strategy.rollingUpdate.{no_number}")]).await?;
    is_refused(&scene, &older(json!(-1)), &[&format!("spec.strategy.rollingUpdate.{negative}")]).await
}

#[tokio::test]
async fn spellings_that_contradict_each_other_are_refused_with_both_paths() -> Result<()> {
    let scene = Scene::open("contradiction").await?;
    let set = scene
        .sidecar_set()
        .with("paused", json!(true))
        .with("strategy", json!({"rollingUpdate": {"maxUnavailable": 2}}))
        .with("updateStrategy", json!({"paused": false, "maxUnavailable": 3}));
    let expected = [
        "spec.paused: ",
        "spec.updateStrategy.paused",
        "spec.strategy.rollingUpdate.maxUnavailable: ",
        "spec.updateStrategy.maxUnavailable",
    ];

    is_refused(&scene, &set, &expected).await
}

#[tokio::test]
async fn every_violation_is_named_at_once() -> Result<()> {
    let scene = Scene::open("all-at-once").await?;
    let mount = json!([{"name": "logs", "mountPath": "/logs"}]);
    let mounting = json!({"name": "twin", "image": AGENT_V1, "volumeMounts": mount});
    let set = scene
        .sidecar_set()
        .with("selector", json!({}))
        .with("containers", json!([sidecar("twin", AGENT_V1), mounting]))
        .with("updateStrategy", json!({"maxUnavailable": "abc"}));
    let expected = [
        "spec.selector: must not be empty",
        "spec.containers[1].name: duplicate value: \"twin\"",
        "spec.containers[1].volumeMounts[0].name: not found: \"logs\"",
        "spec.updateStrategy.maxUnavailable: must be an integer or a percentage",
    ];

    is_refused(&scene, &set, &expected).await
}

#[tokio::test]
async fn a_change_that_makes_a_set_invalid_is_refused_and_the_set_stays_as_it_was() -> Result<()> {
    let scene = Scene::open("bad-change").await?;
    scene.create(&scene.sidecar_set()).await?;
    let operation = json!([{"op": "add", "path": "/spec/updateStrategy", "value": {"maxUnavailable": "abc"}}]);

    let status = refusal(scene.try_change(scene.namespace(), operation).await)?;

    assert_eq!(status.code, UNPROCESSABLE, "{}", status.message);
    assert!(status.message.contains("spec.updateStrategy.maxUnavailable: "), "{}", status.message);
    assert_eq!(scene.set(scene.namespace()).await?.metadata.generation, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_set_for_the_pods_of_the_operator_is_refused() -> Result<()> {
    let scene = Scene::open("own-namespace").await?;
    let own = json!({"matchLabels": {"kubernetes.io/metadata.name": "sidecarset-system"}});
    let expected = ["spec.namespaceSelector: selects only sidecarset-system: the operator runs there"];

    is_refused(&scene, &scene.sidecar_set().with("namespaceSelector", own), &expected).await
}

#[tokio::test]
async fn a_set_that_would_cost_the_api_server_too_much_is_refused() -> Result<()> {
    let scene = Scene::open("dear").await?;
    let requirement = |at| json!({"key": format!("key-{at}"), "operator": "NotIn", "values": ["v"]});
    let requirements: Vec<_> = (0..830).map(requirement).collect();
    let expected = ["spec.selector: has too many requirements for the API server"];

    is_refused(&scene, &scene.sidecar_set().with("selector", json!({"matchExpressions": requirements})), &expected)
        .await
}
