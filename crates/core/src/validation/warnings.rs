//! What is legal, but may surprise whoever writes a set.

use super::{Writing, is_dns_subdomain, scope, unknown_members};
use crate::amount::Amount;
use crate::catalog::Catalog;
use crate::normalize::{
    CanonicalSet, DEADLINE_PATH, ON_FAILURE_PATH, THRESHOLD_PATH, UpdateKind, asks_for_hot_upgrade, metadata_warnings,
};
use crate::path::cleaned;
use crate::selection::{Namespaces, is_satisfiable};
use serde_json::{Map, Value};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSet, SidecarSetSpec};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// From how many namespaces on a selection is called wide.
const MANY_NAMESPACES: usize = 10;

/// Returns what whoever writes a set should know, each with its path.
#[must_use]
pub fn warnings(writing: Writing<'_>, catalog: &Catalog) -> Vec<String> {
    let mut warnings = unknown_members(&writing.set.spec);
    let spec = writing.spec;
    selection(writing.canonical, catalog, &mut warnings);
    scope::warn(&writing.set.spec, writing.canonical, catalog, &mut warnings);
    canary(writing, &mut warnings);
    for (list, containers) in [("initContainers", &spec.init_containers), ("containers", &spec.containers)] {
        for (at, container) in containers.iter().flatten().enumerate() {
            let path = format!("spec.{list}[{at}]");
            requests(container, &path, &mut warnings);
            transfers(container, &path, &mut warnings);
            mounts(container, &path, &mut warnings);
        }
    }
    volumes(spec, writing.canonical, &mut warnings);
    pull_secrets(spec, &mut warnings);
    failure_limit(writing, &mut warnings);
    warnings.extend(metadata_warnings(spec));
    warnings
}

fn selection(set: &CanonicalSet, catalog: &Catalog, warnings: &mut Vec<String>) {
    if !is_satisfiable(&[&set.selector]) {
        warnings.push("spec.selector: no labels fulfil it: no pod is selected".to_owned());
    }
    let matching = match &set.namespaces {
        Namespaces::All => catalog.namespaces().count(),
        Namespaces::Matching(selector) => {
            if !is_satisfiable(&[selector]) {
                warnings.push("spec.namespaceSelector: no labels fulfil it: no pod is selected".to_owned());
            }
            catalog.namespaces().filter(|(_, labels)| selector.matches(*labels)).count()
        }
    };
    if matching >= MANY_NAMESPACES {
        warnings.push(format!(
            "spec.namespaceSelector: pods of {matching} namespaces are selected where their labels match"
        ));
    }
}

fn canary(Writing { set, canonical, .. }: Writing<'_>, warnings: &mut Vec<String>) {
    let annotations = set.metadata.annotations.iter().flatten();
    let mut names =
        annotations.map(|(key, _)| key.as_str()).filter(|key| [markers::CANARY, markers::BASE].contains(key));
    if let (None, Some(key)) = (&canonical.canary_of, names.next()) {
        warnings.push(format!(
            "metadata.annotations[{key}]: is ignored: a canary has {} \"true\" and a name in {}",
            markers::CANARY,
            markers::BASE
        ));
    }
}

/// Tells of a container that the scheduler knows nothing of, and of one that is there twice.
fn requests(container: &SidecarContainer, path: &str, warnings: &mut Vec<String>) {
    let amounts =
        |member: &str| container.container.get("resources")?.get(member)?.as_object().filter(|it| !it.is_empty());
    let has_some = amounts("requests").is_some() || amounts("limits").is_some() || container.resources_policy.is_some();
    if !has_some {
        warnings.push(format!(
            "{path}.resources: has no requests: nodes are filled as if it used nothing, and no selected pod can be Guaranteed"
        ));
        return;
    }
    if let Some(requests) = amounts("requests").filter(|_| asks_for_hot_upgrade(container)) {
        warnings.push(format!(
            "{path}.resources.requests: counts twice in each pod, for a hot upgrade needs two containers: {}",
            listed(requests)
        ));
    }
}

fn listed(amounts: &Map<String, Value>) -> String {
    let amount = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let listed: Vec<String> = amounts.iter().map(|(name, value)| format!("{name} 2 x {}", amount(value))).collect();
    listed.join(", ")
}

fn volumes(spec: &SidecarSetSpec, set: &CanonicalSet, warnings: &mut Vec<String>) {
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        if !set.sidecars().any(|sidecar| sidecar.volumes.iter().any(|mounted| mounted == name)) {
            warnings.push(format!("spec.volumes[{at}]: is mounted by no container of the set, and so never injected"));
        }
    }
}

fn transfers(container: &SidecarContainer, path: &str, warnings: &mut Vec<String>) {
    for (at, transfer) in container.transfer_env.iter().flatten().enumerate() {
        let path = format!("{path}.transferEnv[{at}]");
        let has_name = transfer.source_container_name.as_deref().is_some_and(|name| !name.is_empty());
        let has_field = transfer.source_container_name_from.as_ref().is_some_and(|from| from.field_ref.is_some());
        let mut names = transfer.env_name.iter().chain(transfer.env_names.iter().flatten());
        if names.all(String::is_empty) {
            warnings.push(format!("{path}: names no variable, and so does nothing"));
        }
        match (has_name, has_field) {
            (false, false) => warnings.push(format!("{path}: names no container, and so does nothing")),
            (true, true) => {
                warnings.push(format!("{path}.sourceContainerName: is not used, because sourceContainerNameFrom is"));
            }
            (true, false) | (false, true) => {}
        }
    }
}

/// Tells of mounts at one path that is written in two ways: Kubernetes takes them, and the later one hides the other.
fn mounts(container: &SidecarContainer, path: &str, warnings: &mut Vec<String>) {
    let mounts = container.container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten();
    let mut known: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
    for (at, place) in mounts.enumerate().filter_map(|(at, mount)| Some((at, mount.get("mountPath")?.as_str()?))) {
        if let Some(hidden) = known.insert(cleaned(place), at) {
            let path = format!("{path}.volumeMounts[{at}].mountPath");
            warnings.push(format!("{path}: {place:?} is the path of volumeMounts[{hidden}] too, which it hides"));
        }
    }
}

fn pull_secrets(spec: &SidecarSetSpec, warnings: &mut Vec<String>) {
    for (at, secret) in spec.image_pull_secrets.iter().flatten().enumerate() {
        if !is_dns_subdomain(&secret.name) {
            warnings.push(format!("spec.imagePullSecrets[{at}].name: {:?} is not the name of a Secret", secret.name));
        }
    }
}

fn failure_limit(Writing { set, canonical, .. }: Writing<'_>, warnings: &mut Vec<String>) {
    let Some(strategy) = &set.spec.update_strategy else { return };
    let rollout = &canonical.rollout;
    let Some(limit) = rollout.failure_limit else {
        let idle = [
            (DEADLINE_PATH, strategy.progress_deadline_seconds.is_some()),
            (ON_FAILURE_PATH, strategy.on_failure.is_some()),
        ];
        let idle = idle.into_iter().filter(|(_, is_said)| *is_said);
        warnings.extend(idle.map(|(path, _)| format!("{path}: does nothing without failureThreshold")));
        return;
    };
    if rollout.kind == UpdateKind::NotUpdate {
        warnings.push(format!("{THRESHOLD_PATH}: does nothing, because type NotUpdate upgrades no pod"));
    } else if is_out_of_reach(limit.threshold, rollout.max_unavailable, matched_pods(set)) {
        warnings.push(format!(
            "{THRESHOLD_PATH}: is more than maxUnavailable: as many pods that fail stop the rollout before it is reached"
        ));
    }
}

/// Returns how many Pods the set had when it was last looked at, if any.
fn matched_pods(set: &SidecarSet) -> Option<u32> {
    let matched = set.status.as_ref().map(|status| status.matched_pods).filter(|matched| *matched > 0)?;
    u32::try_from(matched).ok()
}

/// Says whether a threshold is known to be more than may be unavailable. Nobody knows how many Pods a share will be.
fn is_out_of_reach(threshold: Amount, max_unavailable: Amount, matched: Option<u32>) -> bool {
    match (threshold, max_unavailable) {
        (Amount::Count(threshold), Amount::Count(most)) | (Amount::Percent(threshold), Amount::Percent(most)) => {
            threshold > most
        }
        (Amount::Count(_), Amount::Percent(_)) | (Amount::Percent(_), Amount::Count(_)) => {
            matched.is_some_and(|matched| threshold.rounded_up(matched) > max_unavailable.rounded_up(matched))
        }
    }
}
