//! Which Pods the API server asks about: those that a set selects, from the moment at which it is written.

use anyhow::{Context, Result};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};
use sidecarset_e2e::{AGENT_V1, Look, PodView, Scene, away, eventually, kubectl, refusal, sidecar};

const FAIL: &str = "mpod.sidecarset.apps.kruise.io";
const IGNORE: &str = "mpod-ignore.sidecarset.apps.kruise.io";

/// Returns the webhooks for Pods.
async fn registered(scene: &Scene) -> Result<Vec<MutatingWebhook>> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(scene.client());
    let webhooks = configurations.get("sidecarset").await?.webhooks.unwrap_or_default();
    Ok(webhooks.into_iter().filter(|webhook| webhook.name.starts_with("mpod")).collect())
}

fn expressions(webhooks: &[MutatingWebhook], name: &str) -> String {
    let conditions = webhooks.iter().filter(|webhook| webhook.name == name);
    let conditions = conditions.flat_map(|webhook| webhook.match_conditions.iter().flatten());
    conditions.map(|condition| condition.expression.as_str()).collect::<Vec<_>>().join("\n")
}

/// Tries to create a Pod with these labels, and returns its containers.
async fn try_pod(scene: &Scene, labels: Value) -> kube::Result<Vec<String>> {
    try_pod_in(scene.pod_api(), scene, labels).await
}

async fn try_pod_in(pods: Api<Pod>, scene: &Scene, labels: Value) -> kube::Result<Vec<String>> {
    let mut pod = scene.pod("tried");
    pod["metadata"]["labels"] = labels;
    let pod = serde_json::from_value(pod).map_err(kube::Error::SerdeError)?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let created = pods.create(&dry_run, &pod).await?;
    Ok(PodView::of(&created).container_names().into_iter().map(str::to_owned).collect())
}

#[tokio::test]
async fn only_the_labels_that_a_set_asks_for_are_registered_and_only_while_it_is_there() -> Result<()> {
    let scene = Scene::open("registered").await?;
    // Not the name of the namespace, which other sets may have in their conditions.
    let value = format!("{}-only", scene.namespace());
    let label = format!("'{value}'");
    let set = scene
        .sidecar_set()
        .with("selector", json!({"matchLabels": {"app": value}}))
        .with("injectionStrategy", json!({"failurePolicy": "Ignore"}));

    scene.create(&set).await?;
    let present = registered(&scene).await?;
    scene.delete_set(set.name()).await?;

    assert!(expressions(&present, IGNORE).contains(&label), "{present:#?}");
    assert!(!expressions(&present, FAIL).contains(&label), "{present:#?}");
    eventually("the API server forgets the set", async || {
        let present = registered(&scene).await?;
        let is_there = [FAIL, IGNORE].iter().any(|name| expressions(&present, name).contains(&label));
        Ok(if is_there { Look::NotYet(format!("{present:?}")) } else { Look::Found(()) })
    })
    .await
}

#[tokio::test]
async fn a_pod_that_is_created_right_after_its_set_is_injected() -> Result<()> {
    let scene = Scene::open("at-once").await?;

    for round in 0..10 {
        let label = format!("{}-{round}", scene.namespace());
        let set = scene.sidecar_set_named(&round.to_string());
        scene.submit(&set.with("selector", json!({"matchLabels": {"app": label}}))).await?;
        assert_eq!(try_pod(&scene, json!({"app": label})).await?, ["sidecar", "app"], "round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pod_that_is_created_right_after_the_selector_changed_is_injected() -> Result<()> {
    let scene = Scene::open("moved").await?;
    scene.create(&scene.sidecar_set()).await?;

    for round in 0..5 {
        let label = format!("{}-{round}", scene.namespace());
        let operation = json!([{"op": "replace", "path": "/spec/selector/matchLabels/app", "value": label}]);
        scene.try_change(scene.namespace(), operation).await?;
        assert_eq!(try_pod(&scene, json!({"app": label})).await?, ["sidecar", "app"], "round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_nobody_has_seen_before_works_at_once() -> Result<()> {
    let scene = Scene::open("newcomer").await?;
    let team = scene.namespace();
    let set = scene.sidecar_set().with("namespaceSelector", json!({"matchLabels": {"e2e-team": team}}));
    scene.create(&set).await?;
    let namespaces: Api<Namespace> = Api::all(scene.client());

    for round in 0..5 {
        let name = format!("{team}-{round}");
        let namespace = json!({"metadata": {"name": name, "labels": {"e2e-team": team}}});
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace)?).await?;
        let pods: Api<Pod> = Api::namespaced(scene.client(), &name);
        // The namespace needs its service account first, which comes by itself.
        let result = eventually("the pod is tried", async || {
            Ok(Look::Found(try_pod_in(pods.clone(), &scene, json!({"app": team})).await?))
        })
        .await;
        namespaces.delete(&name, &DeleteParams::default()).await?;
        assert_eq!(result?, ["sidecar", "app"], "round {round}");
    }
    assert_eq!(try_pod(&scene, json!({"app": team})).await?, ["app"]);
    Ok(())
}

#[tokio::test]
async fn a_person_can_wait_until_new_pods_are_injected() -> Result<()> {
    let scene = Scene::open("condition").await?;
    let name = scene.namespace();
    scene.submit(&scene.sidecar_set()).await?;

    kubectl(&["wait", "--for=condition=Injecting", "--timeout=60s", &format!("sidecarset/{name}")]).await?;
    let pause = json!([{"op": "add", "path": "/spec/injectionStrategy", "value": {"paused": true}}]);
    scene.change(name, pause).await?;
    let status = scene
        .until_status("the condition tells of the pause", |status| {
            status.conditions.iter().any(|condition| condition.type_ == "Injecting" && condition.status == "False")
        })
        .await?;

    let condition = status.conditions.iter().find(|condition| condition.type_ == "Injecting");
    let condition = condition.context("there is the condition")?;
    assert_eq!((condition.reason.as_str(), condition.observed_generation), ("Paused", Some(2)));
    assert_eq!(try_pod(&scene, json!({"app": name})).await?, ["app"]);
    Ok(())
}

#[tokio::test]
async fn a_set_that_asks_for_as_much_as_it_may_is_injected() -> Result<()> {
    let scene = Scene::open("dearest").await?;
    let name = scene.namespace();
    let long = |at: usize| format!("{at:063}");
    let key = |at| format!("{0}.{0}.{0}/{1}", long(0), long(at));
    let absent = |at| json!({"key": key(at), "operator": "NotIn", "values": [long(at)]});
    let many: Vec<Value> = (0..46).map(absent).collect();
    let values: Vec<String> = (0..958).map(long).chain([name.to_owned()]).collect();
    let sets = [
        ("requirements", json!({"matchLabels": {"app": name}, "matchExpressions": many})),
        (
            "values",
            json!({"matchExpressions": [
                {"key": "app", "operator": "In", "values": values}, {"key": "app", "operator": "Exists"},
            ]}),
        ),
    ];
    for (set, selector) in sets {
        let containers = json!([sidecar(set, AGENT_V1)]);
        scene.create(&scene.sidecar_set_named(set).with("selector", selector).with("containers", containers)).await?;
    }

    let selected = try_pod(&scene, json!({"app": name})).await?;
    let excluded = try_pod(&scene, json!({"app": name, key(7): long(7)})).await?;

    assert_eq!(selected, ["requirements", "values", "app"]);
    assert_eq!(excluded, ["values", "app"]);
    Ok(())
}

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    let values = (!values.is_empty()).then_some(values);
    json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]})
}

/// Selectors of Pods, each with the name of the container that its set injects. They are those that tell labels that are
/// absent from those that are empty.
fn selectors() -> [(&'static str, Value); 9] {
    [
        ("is", json!({"matchLabels": {"tier": "web"}})),
        ("is-empty", json!({"matchLabels": {"tier": ""}})),
        ("in", expression("tier", "In", &["db", "web"])),
        ("in-empty", expression("tier", "In", &["db", ""])),
        ("not-in", expression("tier", "NotIn", &["db", "web"])),
        ("not-in-empty", expression("tier", "NotIn", &[""])),
        ("exists", expression("tier", "Exists", &[])),
        ("absent", expression("tier", "DoesNotExist", &[])),
        ("both", json!({"matchLabels": {"tier": "web", "example.com/zone": "north"}})),
    ]
}

/// Labels of Pods, each with the sets that select it.
fn pods() -> [(Value, &'static [&'static str]); 6] {
    [
        (json!(null), &["absent", "not-in", "not-in-empty"]),
        (json!({"other": "web"}), &["absent", "not-in", "not-in-empty"]),
        (json!({"tier": ""}), &["exists", "in-empty", "is-empty", "not-in"]),
        (json!({"tier": "web"}), &["exists", "in", "is", "not-in-empty"]),
        (json!({"tier": "db"}), &["exists", "in", "in-empty", "not-in-empty"]),
        (json!({"tier": "web", "example.com/zone": "north"}), &["both", "exists", "in", "is", "not-in-empty"]),
    ]
}

#[tokio::test]
async fn the_api_server_selects_pods_as_the_operator_does() -> Result<()> {
    let scene = Scene::open("agree").await?;
    let namespaces = [
        ("by-name", json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace()}})),
        (
            "by-absence",
            json!({"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [scene.namespace(), "kube-public"]},
                {"key": "e2e-nobody-has-this", "operator": "DoesNotExist"},
            ]}),
        ),
    ];
    let names: Vec<String> = selectors().into_iter().map(|(name, _)| name.to_owned()).collect();
    for (at, (name, selector)) in selectors().into_iter().enumerate() {
        let set = scene.sidecar_set_named(name).with("selector", selector);
        let set = set.with("containers", json!([sidecar(name, AGENT_V1)]));
        scene.create(&set.with("namespaceSelector", namespaces[at % 2].1.clone())).await?;
    }

    for (labels, expected) in pods() {
        let mut injected = try_pod(&scene, labels.clone()).await?;
        // An example may select them as well.
        injected.retain(|name| names.contains(name));
        injected.sort();
        assert_eq!(injected, expected, "{labels}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "stops the operator: scripts/test.sh runs it when the others are done"]
async fn while_the_operator_is_away_only_pods_that_a_set_selects_are_refused() -> Result<()> {
    let scene = Scene::open_alone("away").await?;
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace()}});
    let (_, selector) = &selectors()[2];
    let refusing = scene.sidecar_set_named("refusing").with("selector", selector.clone());
    let refusing = refusing.with("containers", json!([sidecar("refusing", AGENT_V1)]));
    scene.create(&refusing.with("namespaceSelector", here)).await?;
    let passing = scene.sidecar_set().with("injectionStrategy", json!({"failurePolicy": "Ignore"}));
    scene.create(&passing).await?;

    let (refused, passed) = away(async || {
        let mut refused = Vec::new();
        for (labels, sets) in pods() {
            let result = try_pod(&scene, labels.clone()).await;
            if sets.contains(&"in") {
                refused.push(refusal(result).with_context(|| format!("{labels}"))?.message);
            } else {
                result.with_context(|| format!("{labels}"))?;
            }
        }
        Ok((refused, try_pod(&scene, json!({"app": scene.namespace()})).await?))
    })
    .await?;

    assert_eq!(refused.len(), 3);
    for message in refused {
        assert!(message.contains(&format!("failed calling webhook \"{FAIL}\"")), "{message}");
    }
    assert_eq!(passed, ["app"]);
    // The nodes may need a moment to find the new operator.
    let back = eventually("the operator answers", async || {
        Ok(Look::Found(try_pod(&scene, json!({"app": scene.namespace(), "tier": "web"})).await?))
    })
    .await?;
    assert_eq!(back, ["sidecar", "refusing", "app"]);
    Ok(())
}
