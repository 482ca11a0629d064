//! The environment of a container.

use super::super::Violations;
use super::super::choice::chosen;
use super::super::member::Member;
use super::super::references::{check_field, check_resource_field};
use super::super::syntax::{data_key, dns_label, dns_subdomain, path_without_backsteps, variable_name};
use crate::schema::{ENV_FROM, ENV_SOURCE};

/// The fields of a Pod that can become the value of a variable.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    for variable in container.list("env") {
        variable.check_required("name", variable_name, violations);
        if let Some(source) = variable.child("valueFrom") {
            check_source(&variable, &source, violations);
        }
    }
    for source in container.list("envFrom") {
        check_all(&source, violations);
    }
}

fn check_source(variable: &Member<'_>, source: &Member<'_>, violations: &mut Violations) {
    if let Some(field) = source.child("fieldRef") {
        check_field(&field, &FIELDS, violations);
    }
    if let Some(field) = source.child("resourceFieldRef") {
        check_resource_field(&field, violations);
    }
    for reference in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = source.child(reference) {
            reference.check_required("name", dns_subdomain, violations);
            reference.check_required("key", data_key, violations);
        }
    }
    if let Some(file) = source.child("fileKeyRef") {
        // Which volumes there are besides the set's is the Pod's to say.
        file.check_required("volumeName", dns_label, violations);
        file.check_required("path", path_without_backsteps, violations);
        file.check_required("key", variable_name, violations);
    }
    let Some(chosen) = chosen(source, ENV_SOURCE, violations) else { return };
    match chosen.len() {
        0 => violations.add(
            source.path(),
            "must specify one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef and fileKeyRef",
        ),
        _ if variable.text("value").is_some() => {
            violations.add(source.path(), "may not be specified when value is not empty");
        }
        1 => {}
        _ => violations.add(source.path(), "may not have more than one source"),
    }
}

/// Every key of a ConfigMap or a Secret.
fn check_all(source: &Member<'_>, violations: &mut Violations) {
    source.check("prefix", variable_name, violations);
    for reference in ["configMapRef", "secretRef"] {
        if let Some(reference) = source.child(reference) {
            reference.check_required("name", object_name_or_its_beginning, violations);
        }
    }
    let Some(chosen) = chosen(source, ENV_FROM, violations) else { return };
    match chosen.len() {
        0 => violations.add(source.path(), "must specify one of configMapRef and secretRef"),
        1 => {}
        _ => violations.add(source.path(), "may not have more than one source"),
    }
}

/// As in Kubernetes: here a name may end with a dash.
fn object_name_or_its_beginning(name: &str) -> Result<(), String> {
    let stem = name.strip_suffix('-').filter(|stem| !stem.is_empty()).unwrap_or(name);
    dns_subdomain(stem).map_err(|_| dns_subdomain(name).err().unwrap_or_default())
}
