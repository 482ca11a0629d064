//! The containers of a set: what the API server would refuse in every Pod that gets them.

use super::Violations;
use super::labels::{LONGEST_DNS_LABEL, is_dns_label};
use crate::normalize::EnvTransfer;
use k8s_openapi::api::core::v1::{Container, Volume};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};
use std::collections::BTreeSet;

const LISTS: [&str; 2] = ["initContainers", "containers"];

/// Adds what is wrong with containers, init containers and volumes.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    let lists = [&spec.init_containers, &spec.containers];
    if lists.iter().all(|list| list.as_ref().is_none_or(Vec::is_empty)) {
        violations.add("spec.containers", "is required: no initContainer or container defined for SidecarSet");
    }
    let volumes = check_volumes(spec.volumes.as_deref().unwrap_or_default(), violations);
    // As in a Pod: containers and init containers share one set of names.
    let mut names = BTreeSet::new();
    for (list, containers) in LISTS.into_iter().zip(lists) {
        for (at, container) in containers.iter().flatten().enumerate() {
            let path = format!("spec.{list}[{at}]");
            check_name(&container.container, &path, &mut names, violations);
            check_image(&container.container, &path, violations);
            check_mounts(&container.container, &path, &volumes, violations);
            check_enumerations(container, &path, violations);
            check_transfers(container, &path, violations);
            check_types::<Container>(&container.container, &path, violations);
        }
    }
}

fn check_volumes<'a>(volumes: &'a [Map<String, Value>], violations: &mut Violations) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (at, volume) in volumes.iter().enumerate() {
        check_types::<Volume>(volume, &format!("spec.volumes[{at}]"), violations);
        let path = format!("spec.volumes[{at}].name");
        match volume.get("name").and_then(Value::as_str) {
            Some(name) if !is_dns_label(name) => violations.add(path, not_a_dns_label(name)),
            Some(name) if !names.insert(name) => violations.add(path, format!("duplicate value: {name:?}")),
            Some(_) => {}
            None => violations.add(path, "is required"),
        }
    }
    names
}

fn check_name<'a>(
    container: &'a Map<String, Value>,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    violations: &mut Violations,
) {
    let path = format!("{path}.name");
    match container.get("name").and_then(Value::as_str) {
        None | Some("") => violations.add(path, "is required"),
        Some(name) if !is_dns_label(name) => violations.add(path, not_a_dns_label(name)),
        Some(name) if !names.insert(name) => violations.add(path, format!("duplicate value: {name:?}")),
        Some(_) => {}
    }
}

fn check_image(container: &Map<String, Value>, path: &str, violations: &mut Violations) {
    match container.get("image").and_then(Value::as_str) {
        None | Some("") => violations.add(format!("{path}.image"), "is required"),
        Some(image) if image.trim() != image => {
            violations.add(format!("{path}.image"), "must not have leading or trailing whitespace");
        }
        Some(_) => {}
    }
}

fn check_mounts(container: &Map<String, Value>, path: &str, volumes: &BTreeSet<&str>, violations: &mut Violations) {
    for (list, where_to) in [("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")] {
        let mut paths = BTreeSet::new();
        for (at, mount) in items(container, list).enumerate() {
            let path = format!("{path}.{list}[{at}]");
            match mount.get("name").and_then(Value::as_str) {
                Some(name) if volumes.contains(name) => {}
                Some(name) => violations.add(format!("{path}.name"), format!("not found: {name:?}")),
                None => violations.add(format!("{path}.name"), "is required"),
            }
            match mount.get(where_to).and_then(Value::as_str) {
                None | Some("") => violations.add(format!("{path}.{where_to}"), "is required"),
                Some(place) if !paths.insert(place) => {
                    violations.add(format!("{path}.{where_to}"), format!("must be unique: {place:?}"));
                }
                Some(_) => {}
            }
        }
    }
}

fn check_enumerations(container: &SidecarContainer, path: &str, violations: &mut Violations) {
    let upgrade = container.upgrade_strategy.as_ref().and_then(|strategy| strategy.upgrade_type.as_deref());
    let share = |policy: &Option<sidecarset_api::v1beta1::SharePolicy>| policy.as_ref().and_then(|it| it.kind.clone());
    let volumes = share(&container.share_volume_policy);
    let devices = share(&container.share_volume_device_policy);
    let members: [(&str, Option<&str>, &[&str]); 4] = [
        ("podInjectPolicy", container.pod_inject_policy.as_deref(), &["BeforeAppContainer", "AfterAppContainer"]),
        ("upgradeStrategy.upgradeType", upgrade, &["ColdUpgrade", "HotUpgrade"]),
        ("shareVolumePolicy.type", volumes.as_deref(), &["enabled", "disabled"]),
        ("shareVolumeDevicePolicy.type", devices.as_deref(), &["enabled", "disabled"]),
    ];
    for (member, value, allowed) in members {
        if let Some(value) = value.filter(|value| !value.is_empty() && !allowed.contains(value)) {
            violations.add(format!("{path}.{member}"), format!("{value:?} is not one of {}", allowed.join(", ")));
        }
    }
}

fn check_transfers(container: &SidecarContainer, path: &str, violations: &mut Violations) {
    for (at, transfer) in container.transfer_env.iter().flatten().enumerate() {
        let path = format!("{path}.transferEnv[{at}].sourceContainerNameFrom.fieldRef");
        violations.take(path, EnvTransfer::parse(transfer));
    }
}

/// The API server keeps these members without looking at them, and would refuse every Pod they are put into.
fn check_types<T: DeserializeOwned>(source: &Map<String, Value>, path: &str, violations: &mut Violations) {
    violations.take(path, serde_json::from_value::<T>(Value::Object(source.clone())));
}

fn items<'a>(container: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = &'a Value> {
    container.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn not_a_dns_label(name: &str) -> String {
    format!("{name:?} is not a DNS label: at most {LONGEST_DNS_LABEL} lower-case letters, digits and '-'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn violations(spec: Value) -> Vec<String> {
        let mut violations = Violations::default();
        check(&serde_json::from_value(spec).unwrap(), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_set_without_containers_is_refused() {
        assert_eq!(
            violations(json!({"containers": []})),
            ["spec.containers: is required: no initContainer or container defined for SidecarSet"]
        );
    }

    #[test]
    fn a_name_used_twice_is_refused_even_across_init_containers() {
        let found = violations(json!({
            "initContainers": [{"name": "a", "image": "i"}],
            "containers": [{"name": "a", "image": "i"}],
        }));

        assert_eq!(found, ["spec.containers[0].name: duplicate value: \"a\""]);
    }

    #[test]
    fn a_mount_of_a_volume_that_is_not_there_is_refused() {
        let found = violations(json!({
            "containers": [{"name": "a", "image": "i", "volumeMounts": [{"name": "log", "mountPath": "/log"}]}],
            "volumes": [{"name": "other"}],
        }));

        assert_eq!(found, ["spec.containers[0].volumeMounts[0].name: not found: \"log\""]);
    }

    #[test]
    fn a_transfer_from_a_field_that_names_no_container_is_refused_in_both_lists() {
        let transfer =
            json!([{"sourceContainerNameFrom": {"fieldRef": {"fieldPath": "metadata.name"}}, "envName": "A"}]);
        let found = violations(json!({
            "initContainers": [{"name": "a", "image": "i", "transferEnv": transfer}],
            "containers": [{"name": "b", "image": "i", "transferEnv": transfer}],
        }));

        let message = "\"metadata.name\" is not metadata.annotations['KEY'] or metadata.labels['KEY']";
        let path = "transferEnv[0].sourceContainerNameFrom.fieldRef";
        assert_eq!(
            found,
            [format!("spec.initContainers[0].{path}: {message}"), format!("spec.containers[0].{path}: {message}")]
        );
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let found = violations(json!({
            "containers": [
                {"name": "A_b", "image": "", "podInjectPolicy": "Somewhere"},
                {"image": " i", "upgradeStrategy": {"upgradeType": "Warm"}},
            ],
            "volumes": [{}, {"name": "v"}, {"name": "v"}],
        }));

        assert_eq!(
            found,
            [
                "spec.volumes[0].name: is required",
                "spec.volumes[2].name: duplicate value: \"v\"",
                "spec.containers[0].name: \"A_b\" is not a DNS label: at most 63 lower-case letters, digits and '-'",
                "spec.containers[0].image: is required",
                "spec.containers[0].podInjectPolicy: \"Somewhere\" is not one of BeforeAppContainer, AfterAppContainer",
                "spec.containers[1].name: is required",
                "spec.containers[1].image: must not have leading or trailing whitespace",
                "spec.containers[1].upgradeStrategy.upgradeType: \"Warm\" is not one of ColdUpgrade, HotUpgrade",
            ]
        );
    }

    #[test]
    fn a_field_of_an_unexpected_type_is_told_not_feared() {
        let found = violations(json!({
            "containers": [{"name": "a", "image": "i", "command": "sleep"}],
            "volumes": [{"name": "v", "emptyDir": 5}],
        }));

        assert_eq!(
            found,
            [
                "spec.volumes[0]: invalid type: integer `5`, expected EmptyDirVolumeSource",
                "spec.containers[0]: invalid type: string \"sleep\", expected a sequence",
            ]
        );
    }
}
