//! What SidecarSet adds to a container.

use super::super::Violations;
use super::super::labels::LONGEST_DNS_LABEL;
use super::super::member::{REQUIRED, one_of};
use super::super::syntax::variable_name;
use super::Kind;
use crate::normalize::{EnvTransfer, TWINS, asks_for_hot_upgrade};
use serde_json::Value;
use sidecarset_api::v1beta1::{SharePolicy, SidecarContainer, TransferEnv};

pub(super) fn check(sidecar: &SidecarContainer, path: &str, violations: &mut Violations) {
    let upgrade = sidecar.upgrade_strategy.as_ref().and_then(|strategy| strategy.upgrade_type.as_deref());
    let share = |policy: &Option<SharePolicy>| policy.as_ref().and_then(|it| it.kind.clone());
    let volumes = share(&sidecar.share_volume_policy);
    let devices = share(&sidecar.share_volume_device_policy);
    let members: [(&str, Option<&str>, &[&str]); 4] = [
        ("podInjectPolicy", sidecar.pod_inject_policy.as_deref(), &["BeforeAppContainer", "AfterAppContainer"]),
        ("upgradeStrategy.upgradeType", upgrade, &["ColdUpgrade", "HotUpgrade"]),
        ("shareVolumePolicy.type", volumes.as_deref(), &["enabled", "disabled"]),
        ("shareVolumeDevicePolicy.type", devices.as_deref(), &["enabled", "disabled"]),
    ];
    for (member, value, allowed) in members {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            violations.take(format!("{path}.{member}"), one_of(value, allowed));
        }
    }
    for (at, transfer) in sidecar.transfer_env.iter().flatten().enumerate() {
        check_transfer(transfer, &format!("{path}.transferEnv[{at}]"), violations);
    }
}

/// Returns the names that a container takes: its own, and those of the two containers of a hot upgrade.
pub(in super::super) fn names(sidecar: &SidecarContainer, kind: Kind) -> Vec<String> {
    let name = sidecar.container.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Vec::new();
    }
    let twins = TWINS.into_iter().filter(|_| is_hot(sidecar, kind)).map(|twin| format!("{name}{twin}"));
    std::iter::once(name.to_owned()).chain(twins).collect()
}

/// Adds what a hot upgrade needs beyond what a cold one does.
pub(super) fn check_hot_upgrade(sidecar: &SidecarContainer, kind: Kind, path: &str, violations: &mut Violations) {
    if !is_hot(sidecar, kind) {
        return;
    }
    let image = sidecar.upgrade_strategy.as_ref().and_then(|strategy| strategy.hot_upgrade_empty_image.as_deref());
    let image = image.unwrap_or_default();
    let image_path = format!("{path}.upgradeStrategy.hotUpgradeEmptyImage");
    if image.trim().is_empty() {
        violations.add(image_path, format!("{REQUIRED} with HotUpgrade"));
    } else if image.trim() != image {
        violations.add(image_path, "must not have leading or trailing whitespace");
    }
    // The names stand in the keys of annotations, too, which may be as long.
    let longest = LONGEST_DNS_LABEL - TWINS[0].len();
    let name = sidecar.container.get("name").and_then(Value::as_str).unwrap_or_default();
    if (longest + 1..=LONGEST_DNS_LABEL).contains(&name.len()) {
        violations.add(
            format!("{path}.name"),
            format!(
                "must be no more than {longest} characters with HotUpgrade, which adds {:?} or {:?}",
                TWINS[0], TWINS[1]
            ),
        );
    }
    check_twin_ports(&sidecar.container, path, violations);
}

fn check_twin_ports(container: &serde_json::Map<String, Value>, path: &str, violations: &mut Violations) {
    let ports = container.get("ports").and_then(Value::as_array).into_iter().flatten().enumerate();
    for (at, port) in ports {
        if port["hostPort"].as_i64().is_some_and(|number| number != 0) {
            let message = "must not be set with HotUpgrade: two containers would take one port of the node";
            violations.add(format!("{path}.ports[{at}].hostPort"), message);
        }
    }
}

/// An init container that ends is injected as it is.
fn is_hot(sidecar: &SidecarContainer, kind: Kind) -> bool {
    kind != Kind::OrdinaryInit && asks_for_hot_upgrade(sidecar)
}

// As in Kruise: a transfer that names no variable, or no container, does nothing, and of two sources the reference wins.
// Whoever writes such a set is warned.
fn check_transfer(transfer: &TransferEnv, path: &str, violations: &mut Violations) {
    let parsed = EnvTransfer::parse(transfer);
    violations.take(format!("{path}.sourceContainerNameFrom.fieldRef"), parsed);
    let several = transfer.env_names.iter().flatten().enumerate();
    let several = several.map(|(at, name)| (format!("{path}.envNames[{at}]"), name));
    let names = transfer.env_name.iter().map(|name| (format!("{path}.envName"), name)).chain(several);
    for (path, name) in names.filter(|(_, name)| !name.is_empty()) {
        violations.take(path, variable_name(name));
    }
}
