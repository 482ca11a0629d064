//! The containers and volumes of a set: what the API server would refuse in every Pod that gets them.

use super::Violations;
use super::container::{self, Kind, check_host_ports, names};
use super::member::{Member, duplicate};
use super::volumes;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};
use std::collections::BTreeSet;

/// Adds what is wrong with containers, init containers and volumes.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    let init_containers = spec.init_containers.as_deref().unwrap_or_default();
    let containers = spec.containers.as_deref().unwrap_or_default();
    if init_containers.is_empty() && containers.is_empty() {
        violations.add("spec.containers", "is required: no initContainer or container defined for SidecarSet");
    }
    let volumes = volumes::check(spec.volumes.as_deref().unwrap_or_default(), violations);
    // As in a Pod: containers and init containers share one set of names.
    let mut taken = BTreeSet::new();
    for (at, sidecar) in init_containers.iter().enumerate() {
        let (kind, path) = (Kind::of_init(sidecar), format!("spec.initContainers[{at}]"));
        take_names(sidecar, kind, &path, &mut taken, violations);
        container::check(sidecar, kind, &path, &volumes, violations);
        // Init containers run one after the other.
        check_host_ports(&Member::new(path, &sidecar.container), &mut BTreeSet::new(), violations);
    }
    let mut host_ports = BTreeSet::new();
    for (at, sidecar) in containers.iter().enumerate() {
        let path = format!("spec.containers[{at}]");
        take_names(sidecar, Kind::Regular, &path, &mut taken, violations);
        container::check(sidecar, Kind::Regular, &path, &volumes, violations);
        check_host_ports(&Member::new(path, &sidecar.container), &mut host_ports, violations);
    }
}

fn take_names(
    sidecar: &SidecarContainer,
    kind: Kind,
    path: &str,
    taken: &mut BTreeSet<String>,
    violations: &mut Violations,
) {
    let own: BTreeSet<String> = names(sidecar, kind).into_iter().collect();
    for name in own.intersection(taken) {
        violations.add(format!("{path}.name"), duplicate(name));
    }
    taken.extend(own);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(spec: Value) -> Vec<String> {
        crate::validation::found(check, spec)
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
                "spec.volumes[0].emptyDir: invalid type: integer `5`, expected EmptyDirVolumeSource",
                "spec.containers[0].command: invalid type: string \"sleep\", expected a sequence",
            ]
        );
    }
}
