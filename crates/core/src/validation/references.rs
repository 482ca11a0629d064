//! References to fields of the Pod, in variables and in files.

use super::Violations;
use super::member::{Member, REQUIRED, one_of};
use super::syntax::qualified_name;
use crate::quantity::Quantity;

/// The resources of a container that can be referred to; and huge pages, whatever their size.
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
];
const HUGE_PAGES: [&str; 2] = ["limits.hugepages-", "requests.hugepages-"];

const CPU_DIVISORS: [&str; 2] = ["1m", "1"];
const DIVISORS: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// Adds what is wrong with a `fieldRef`. One label or one annotation can be referred to everywhere.
pub(super) fn check_field(field: &Member<'_>, allowed: &[&str], violations: &mut Violations) {
    if let Some(version) = field.text("apiVersion").filter(|version| *version != "v1") {
        violations.add(field.at("apiVersion"), format!("must be v1, not {version:?}"));
        return;
    }
    let Some(path) = field.required("fieldPath", violations) else { return };
    violations.take(field.at("fieldPath"), field_path(path, allowed));
}

fn field_path(path: &str, allowed: &[&str]) -> Result<(), String> {
    let key = |prefix| path.strip_prefix(prefix).and_then(|rest| rest.strip_suffix("']"));
    if let Some(key) = key("metadata.labels['") {
        return qualified_name(key);
    }
    if let Some(key) = key("metadata.annotations['") {
        // As in Kubernetes: the key of an annotation is checked without regard to case.
        return qualified_name(&key.to_ascii_lowercase());
    }
    // An alias that Kubernetes keeps for the node's name.
    if path == "spec.host" && allowed.contains(&"spec.nodeName") {
        return Ok(());
    }
    one_of(path, allowed).map_err(|error| format!("{error}, metadata.labels['KEY'], metadata.annotations['KEY']"))
}

/// Adds what is wrong with a `resourceFieldRef`.
pub(super) fn check_resource_field(field: &Member<'_>, violations: &mut Violations) {
    let Some(resource) = field.required("resource", violations) else { return };
    if !HUGE_PAGES.iter().any(|prefix| resource.starts_with(prefix)) {
        violations.take(field.at("resource"), one_of(resource, &RESOURCES));
    }
    let Some(divisor) = field.value("divisor").filter(|divisor| divisor.is_string() || divisor.is_number()) else {
        return;
    };
    let Some(divisor) = violations.take(field.at("divisor"), Quantity::from_json(divisor)) else { return };
    let allowed: &[&str] = if resource.ends_with(".cpu") { &CPU_DIVISORS } else { &DIVISORS };
    if !divisor.is_zero() {
        violations.take(field.at("divisor"), one_of(&divisor.canonical(), allowed));
    }
}

/// Adds what is wrong with the resource of a container that is named: in files, no container is meant by itself.
pub(super) fn check_named_resource_field(field: &Member<'_>, violations: &mut Violations) {
    if !field.has("containerName") || field.written("containerName") == Some("") {
        violations.add(field.at("containerName"), REQUIRED);
    }
    check_resource_field(field, violations);
}
