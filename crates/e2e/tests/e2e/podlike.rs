//! Containers and volumes of a set are refused exactly where the API server refuses them in a Pod.

use crate::case::{Case, cases};
use anyhow::Result;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};
use sidecarset_e2e::Scene;
use std::collections::BTreeSet;

/// What SidecarSet adds to a container.
const ADDED: [&str; 6] = [
    "podInjectPolicy",
    "upgradeStrategy",
    "shareVolumePolicy",
    "shareVolumeDevicePolicy",
    "transferEnv",
    "resourcesPolicy",
];
/// How many requests are under way at once.
const CONCURRENCY: usize = 16;

/// What the API server says of an object.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    /// At these paths; none where the object could not even be read.
    Refused(BTreeSet<String>),
}

#[tokio::test]
async fn a_set_is_refused_where_its_pods_would_be() -> Result<()> {
    let scene = Scene::open("podlike").await?;
    let cases: Vec<Case> = cases().into_iter().filter(is_about_pods).collect();
    assert!(cases.len() > 150, "{}", cases.len());

    let server = minor_version(&scene).await?;
    let answers = stream::iter(&cases).map(async |case| disagreement(&scene, case, server).await);
    let answers: Vec<Result<Option<String>>> = answers.buffer_unordered(CONCURRENCY).collect().await;

    let disagreements: Vec<String> = answers.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    assert!(disagreements.is_empty(), "\n{}", disagreements.join("\n"));
    Ok(())
}

async fn minor_version(scene: &Scene) -> Result<u32> {
    let version = scene.client().apiserver_version().await?;
    Ok(version.minor.trim_end_matches('+').parse()?)
}

fn is_about_pods(case: &Case) -> bool {
    let spec = case.spec();
    let lists = ["initContainers", "containers"];
    let mut containers = lists.into_iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
    case.spec.is_empty() && !containers.any(|container| ADDED.iter().any(|key| container.get(key).is_some()))
}

/// Asks about a Pod and about a set, and says where the answers differ although no reason for it is known.
async fn disagreement(scene: &Scene, case: &Case, server: u32) -> Result<Option<String>> {
    let spec = case.spec();
    let pods = Api::namespaced_with(scene.client(), scene.namespace(), &ApiResource::erase::<Pod>(&()));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "podlike"},
        "spec": {
            "initContainers": spec["initContainers"], "containers": spec["containers"], "volumes": spec["volumes"],
            "automountServiceAccountToken": false,
        },
    });
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": scene.namespace()},
        "spec": spec,
    });

    let pod = verdict(&pods, pod).await?;
    let set = verdict(&scene.raw_sets("v1beta1"), set).await?;

    assert_eq!(set, expected(case), "{}", case.claim);
    if case.not_yet_in.is_some_and(|minor| server <= minor) {
        return Ok(None);
    }
    let agree = does_agree(&pod, &set, &case.paths);
    Ok((agree == case.kubernetes.is_some())
        .then(|| format!("{}:\n    Pod: {pod:?}\n    set: {set:?}\n    known: {:?}", case.claim, case.kubernetes)))
}

async fn verdict(api: &Api<DynamicObject>, object: Value) -> Result<Verdict> {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&parameters, &serde_json::from_value(object)?).await {
        Ok(_) => Ok(Verdict::Accepted),
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            Ok(Verdict::Refused(causes.map(|cause| cause.field.clone()).collect()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the case says of the set.
fn expected(case: &Case) -> Verdict {
    if case.violations.is_empty() {
        return Verdict::Accepted;
    }
    let paths = case.violations.iter().filter_map(|violation| violation.split_once(": "));
    Verdict::Refused(paths.map(|(path, _)| path.to_owned()).collect())
}

/// Each fault of the Pod has to be one of the set.
fn does_agree(pod: &Verdict, set: &Verdict, exceptions: &[String]) -> bool {
    match (pod, set) {
        (Verdict::Accepted, Verdict::Accepted) => true,
        (Verdict::Refused(of_pod), Verdict::Refused(of_set)) => of_pod
            .iter()
            .filter(|path| !exceptions.contains(path))
            .all(|path| of_set.iter().any(|other| is_related(path, other))),
        (Verdict::Accepted, Verdict::Refused(_)) | (Verdict::Refused(_), Verdict::Accepted) => false,
    }
}

/// Kubernetes often leaves out an index, or names what a member is a member of.
fn is_related(path: &str, other: &str) -> bool {
    let (path, other) = (plain(path), plain(other));
    path.starts_with(&other) || other.starts_with(&path)
}

/// Returns a path without indices. Which of two containers of one name is a duplicate is all the same, and so is
/// whether a limit is looked at or the request that is made of it.
fn plain(path: &str) -> String {
    let steps = path.split('[').enumerate();
    let steps = steps.map(|(at, step)| if at == 0 { step } else { step.split_once(']').map_or("", |(_, rest)| rest) });
    steps.collect::<String>().replace("initContainers", "containers").replace(".requests", ".limits")
}
