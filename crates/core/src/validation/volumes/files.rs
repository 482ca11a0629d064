//! Files that are made of ConfigMaps, Secrets and fields of the Pod.

use super::super::Violations;
use super::super::choice::chosen;
use super::super::member::Member;
use super::super::references::{check_field, check_named_resource_field};
use super::super::syntax::projected_path;
use super::require;
use crate::schema::DOWNWARD_FILE;
use std::ops::RangeInclusive;

/// The modes that a file can have.
pub(super) const MODES: RangeInclusive<i64> = 0..=0o777;

/// The fields of a Pod that can become the content of a file.
const FIELDS: [&str; 5] =
    ["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"];

/// Adds what is wrong with the files of a ConfigMap or a Secret.
pub(super) fn check(source: &Member<'_>, violations: &mut Violations) {
    source.check_range("defaultMode", &MODES, violations);
    for item in source.list("items") {
        require(&item, &["key", "path"], violations);
        item.check("path", projected_path, violations);
        item.check_range("mode", &MODES, violations);
    }
}

/// Adds what is wrong with the files that hold fields of the Pod.
pub(super) fn check_downward(source: &Member<'_>, violations: &mut Violations) {
    source.check_range("defaultMode", &MODES, violations);
    for item in source.list("items") {
        require(&item, &["path"], violations);
        item.check("path", projected_path, violations);
        item.check_range("mode", &MODES, violations);
        check_content(&item, violations);
    }
}

fn check_content(item: &Member<'_>, violations: &mut Violations) {
    if let Some(field) = item.child("fieldRef") {
        check_field(&field, &FIELDS, violations);
    }
    if let Some(field) = item.child("resourceFieldRef") {
        check_named_resource_field(&field, violations);
    }
    let Some(chosen) = chosen(item, DOWNWARD_FILE, violations) else { return };
    match chosen.len() {
        0 => violations.add(item.path(), "is required: one of fieldRef and resourceFieldRef"),
        1 => {}
        _ => violations.add(item.path(), "fieldRef and resourceFieldRef are mutually exclusive"),
    }
}
