//! What a container mounts, and which devices it uses.

use super::super::Violations;
use super::super::member::{Member, REQUIRED};
use super::super::syntax::{descending_path, path_without_backsteps};
use super::super::volumes::{Volumes, is_block_capable};
use std::collections::BTreeSet;

pub(super) fn check(container: &Member<'_>, volumes: &Volumes<'_>, violations: &mut Violations) {
    let mut places = BTreeSet::new();
    for mount in container.list("volumeMounts") {
        check_volume(&mount, volumes, violations);
        check_place(&mount, "mountPath", &mut places, violations);
        check_within(&mount, violations);
        check_propagation(&mount, container, violations);
        check_recursion(&mount, violations);
    }
    let mounted: BTreeSet<&str> = container.list("volumeMounts").filter_map(|mount| mount.text("name")).collect();
    let mut devices = BTreeSet::new();
    for device in container.list("volumeDevices") {
        check_volume(&device, volumes, violations);
        check_place(&device, "devicePath", &mut places, violations);
        device.check("devicePath", path_without_backsteps, violations);
        let Some(name) = device.text("name") else { continue };
        if mounted.contains(name) {
            violations.add(device.at("name"), "must not already exist in volumeMounts");
        }
        if !devices.insert(name) {
            violations.add(device.at("name"), format!("must be unique: {name:?}"));
        }
        if volumes.get(name).is_some_and(|volume| !is_block_capable(volume)) {
            violations
                .add(device.at("name"), "can only use a persistentVolumeClaim or an ephemeral volume as a device");
        }
    }
}

fn check_volume(mount: &Member<'_>, volumes: &Volumes<'_>, violations: &mut Violations) {
    match mount.required("name", violations) {
        Some(name) if !volumes.contains_key(name) => violations.add(mount.at("name"), format!("not found: {name:?}")),
        Some(_) | None => {}
    }
}

/// Mounts and devices of a container have their paths in one tree.
fn check_place<'a>(mount: &Member<'a>, key: &str, places: &mut BTreeSet<&'a str>, violations: &mut Violations) {
    if let Some(place) = mount.required(key, violations)
        && !places.insert(place)
    {
        violations.add(mount.at(key), format!("must be unique: {place:?}"));
    }
}

fn check_within(mount: &Member<'_>, violations: &mut Violations) {
    mount.check("subPath", descending_path, violations);
    mount.check("subPathExpr", descending_path, violations);
    if mount.text("subPath").is_some() && mount.text("subPathExpr").is_some() {
        violations.add(mount.at("subPathExpr"), "subPathExpr and subPath are mutually exclusive");
    }
}

fn check_propagation(mount: &Member<'_>, container: &Member<'_>, violations: &mut Violations) {
    const KEY: &str = "mountPropagation";
    mount.check_one_of(KEY, &["None", "HostToContainer", "Bidirectional"], violations);
    if mount.written(KEY) == Some("") {
        violations.add(mount.at(KEY), REQUIRED);
    }
    let is_privileged = container.child("securityContext").is_some_and(|it| it.flag("privileged") == Some(true));
    if mount.text(KEY) == Some("Bidirectional") && !is_privileged {
        violations.add(mount.at(KEY), "Bidirectional is available only to privileged containers");
    }
}

fn check_recursion(mount: &Member<'_>, violations: &mut Violations) {
    const KEY: &str = "recursiveReadOnly";
    mount.check_one_of(KEY, &["Disabled", "IfPossible", "Enabled"], violations);
    if mount.written(KEY) == Some("") {
        violations.add(mount.at(KEY), REQUIRED);
    }
    if !matches!(mount.text(KEY), Some("IfPossible" | "Enabled")) {
        return;
    }
    if mount.flag("readOnly") != Some(true) {
        violations.add(mount.at(KEY), "may only be specified when readOnly is true");
    }
    if mount.text("mountPropagation").is_some_and(|propagation| propagation != "None") {
        violations.add(mount.at(KEY), "may only be specified when mountPropagation is None or not specified");
    }
}
