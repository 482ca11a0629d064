//! A canary: a set that takes the place of another one, its base, in the Pods that both select.

use super::Violations;
use crate::catalog::Catalog;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};

/// Returns the name of the set whose place a set takes, if it is a canary.
// As in Kruise: one annotation without the other means nothing.
pub(crate) fn base(metadata: &ObjectMeta) -> Option<&str> {
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).map(String::as_str);
    annotation(markers::BASE).filter(|base| !base.is_empty() && annotation(markers::CANARY) == Some("true"))
}

/// Says whether a set is what it was: a canary of the same base, or none.
#[must_use]
pub fn keeps_its_base(set: &SidecarSet, old: &SidecarSet) -> bool {
    base(&set.metadata) == base(&old.metadata)
}

/// Adds what no canary may be.
pub(crate) fn check(metadata: &ObjectMeta, spec: &SidecarSetSpec, violations: &mut Violations) {
    let Some(base) = base(metadata) else { return };
    if metadata.name.as_deref() == Some(base) {
        violations.add(path(), "base sidecarSet cannot be itself");
    }
    let kind = spec.update_strategy.as_ref().and_then(|strategy| strategy.kind.as_deref());
    // As in Kruise. Anything else than the two kinds is told where the kind is read.
    if matches!(kind, None | Some("" | "RollingUpdate")) {
        violations
            .add("spec.updateStrategy.type", "RollingUpdate is not supported for canary sidecarSet: NotUpdate is");
    }
}

/// Adds what does not fit the other sets, or what the set was before.
pub(super) fn check_among(set: &SidecarSet, old: Option<&SidecarSet>, catalog: &Catalog, violations: &mut Violations) {
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let base = base(&set.metadata);
    // A set that became a canary would leave the Pods that it was injected into to nobody.
    if old.is_some_and(|old| base.is_some() && !keeps_its_base(set, old)) {
        violations.add(path(), "is immutable: a set is a canary of one base, from its creation on");
    }
    let Some(base) = base.filter(|base| *base != name) else { return };
    match catalog.set(base) {
        None => violations.add(path(), format!("there is no SidecarSet {base:?}")),
        Some(entry) if entry.canary_of().is_some() => violations.add(path(), "base sidecarSet cannot be canary"),
        Some(_) => {}
    }
    let mut entries = catalog.sets();
    if let Some((canary, _)) = entries.find(|(_, entry)| entry.canary_of().is_some_and(|base| **base == *name)) {
        violations.add(path(), format!("SidecarSet {canary:?} is a canary of this set, which so cannot be one itself"));
    }
}

fn path() -> String {
    format!("metadata.annotations[{}]", markers::BASE)
}
