//! A claim that is made with each Pod.

use super::super::Violations;
use super::super::labels::is_label_value;
use super::super::member::{Member, REQUIRED, one_of};
use super::super::syntax::{dns_subdomain, qualified_name};
use crate::quantity::Quantity;

const ACCESS_MODES: [&str; 4] = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];

/// Adds what is wrong with an ephemeral volume.
pub(super) fn check(source: &Member<'_>, violations: &mut Violations) {
    let Some(template) = source.child("volumeClaimTemplate") else { return };
    if let Some(metadata) = template.child("metadata") {
        check_metadata(&metadata, violations);
    }
    let nothing = serde_json::Map::new();
    let spec = template.child("spec").unwrap_or_else(|| Member::new(template.at("spec"), &nothing));
    check_access(&spec, violations);
    check_storage(&spec, violations);
    spec.check("storageClassName", dns_subdomain, violations);
    if let Some(mode) = spec.written("volumeMode") {
        violations.take(spec.at("volumeMode"), one_of(mode, &["Filesystem", "Block"]));
    }
}

fn check_metadata(metadata: &Member<'_>, violations: &mut Violations) {
    // What a client writes without being asked means nothing to the API server either.
    let allowed = ["labels", "annotations", "creationTimestamp"];
    for key in metadata.keys().filter(|key| !allowed.contains(key)) {
        violations.add(metadata.at(key), "cannot be set");
    }
    for (list, is_label) in [("labels", true), ("annotations", false)] {
        let Some(list) = metadata.child(list) else { continue };
        for key in list.keys() {
            let path = format!("{}[{key}]", list.path());
            // As in Kubernetes: the key of an annotation is checked without regard to case.
            let name = if is_label { key.to_owned() } else { key.to_ascii_lowercase() };
            violations.take(path.as_str(), qualified_name(&name));
            if is_label && list.text(key).is_some_and(|value| !is_label_value(value)) {
                violations.add(path, "is not the value of a label");
            }
        }
    }
}

fn check_access(spec: &Member<'_>, violations: &mut Violations) {
    if spec.is_empty_list("accessModes") {
        violations.add(spec.at("accessModes"), REQUIRED);
    }
    let modes: Vec<&str> = spec.texts("accessModes").collect();
    for mode in &modes {
        violations.take(spec.at("accessModes"), one_of(mode, &ACCESS_MODES));
    }
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(|mode| *mode != "ReadWriteOncePod") {
        violations.add(spec.at("accessModes"), "may not use ReadWriteOncePod with other access modes");
    }
}

fn check_storage(spec: &Member<'_>, violations: &mut Violations) {
    let requests = spec.child("resources").and_then(|resources| resources.child("requests"));
    let path = format!("{}.requests[storage]", spec.at("resources"));
    let Some(amount) = requests.and_then(|requests| requests.value("storage").cloned()) else {
        violations.add(path, REQUIRED);
        return;
    };
    let amount = violations.take(path.as_str(), Quantity::from_json(&amount));
    if amount.is_some_and(|amount| amount.is_negative() || amount.is_zero()) {
        violations.add(path, "must be greater than 0");
    }
}
