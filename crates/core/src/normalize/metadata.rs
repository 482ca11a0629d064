//! The annotations that a set writes onto its Pods.

#[cfg(test)]
mod tests;

use super::CanonicalSet;
use crate::annotations::is_ours;
use crate::merge::{MergeError, MergePatch};
use crate::validation::{Violations, check_value, is_qualified_name};
use sidecarset_api::v1beta1::{PatchPodMetadata, SidecarSetSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

const PATH: &str = "spec.patchPodMetadata";

/// The size of all annotations of an object together, keys included, that the API server takes.
const LARGEST: usize = 256 * 1024;

/// An annotation that a set writes onto its Pods.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataPatch {
    /// The key of the annotation. No other patch of the set has it.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What happens where a Pod has the annotation already.
    pub policy: PatchPolicy,
}

/// What happens where a Pod has an annotation already.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchPolicy {
    /// The Pod's value stays.
    Retain,
    /// The set's value takes its place.
    Overwrite,
    /// The set's value is merged into it.
    MergePatchJson(MergePatch),
}

/// A Pod that does not take the annotations of a set.
#[derive(Debug, thiserror::Error)]
#[error("SidecarSet {set} cannot merge its value into annotation {key} of the pod: {reason}")]
pub struct MetadataError {
    set: Arc<str>,
    key: String,
    reason: MergeError,
}

impl CanonicalSet {
    /// Returns the annotations of a Pod that change, given those that it has.
    ///
    /// # Errors
    /// A value has to be merged into one that is not JSON.
    pub fn annotations_over<'a>(
        &self,
        present: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<BTreeMap<String, String>, MetadataError> {
        let mut changed = BTreeMap::new();
        for patch in &self.metadata {
            let value = patch.value_over(present(&patch.key)).map_err(|reason| MetadataError {
                set: Arc::clone(&self.name),
                key: patch.key.clone(),
                reason,
            })?;
            changed.extend(value.map(|value| (patch.key.clone(), value)));
        }
        Ok(changed)
    }

    /// Says whether the annotations that a Pod has decide about those that it gets.
    #[must_use]
    pub fn reads_annotations(&self) -> bool {
        self.metadata.iter().any(|patch| patch.policy != PatchPolicy::Overwrite)
    }
}

impl MetadataPatch {
    /// Returns what becomes of the annotation where it has this value, or nothing where it stays as it is.
    fn value_over(&self, present: Option<&str>) -> Result<Option<String>, MergeError> {
        let value = match (&self.policy, present) {
            (PatchPolicy::Retain, Some(_)) => return Ok(None),
            // As in Kruise: an empty text counts as none, and what there is nothing to merge with is written as it is.
            (PatchPolicy::MergePatchJson(patch), Some(text)) if !text.is_empty() => patch.apply(text)?,
            (PatchPolicy::Retain | PatchPolicy::Overwrite | PatchPolicy::MergePatchJson(_), _) => self.value.clone(),
        };
        Ok((present != Some(&value)).then_some(value))
    }
}

/// Reads the annotations of a set that has its defaults. Those that the operator keeps itself are left out.
pub(super) fn parse(spec: &SidecarSetSpec, violations: &mut Violations) -> Vec<MetadataPatch> {
    let mut first = BTreeMap::new();
    let mut patches = Vec::new();
    for (at, entry) in entries(spec).iter().enumerate() {
        let path = format!("{PATH}[{at}]");
        if entry.annotations.as_ref().is_none_or(BTreeMap::is_empty) {
            violations.add(format!("{path}.annotations"), "is required");
        }
        let policy = entry.patch_policy.as_deref().unwrap_or_default();
        if !matches!(policy, "Retain" | "Overwrite" | "MergePatchJson") {
            let message = format!("unsupported value: {policy:?}: Retain, Overwrite or MergePatchJson");
            violations.add(format!("{path}.patchPolicy"), message);
        }
        for (key, value) in entry.annotations.iter().flatten() {
            let path = format!("{path}.annotations[{key}]");
            check_key(key, &path, violations);
            // What is merged, too: it is written as it is where a Pod has nothing to merge it with.
            violations.take(path.as_str(), check_value(key, value));
            if let Some(before) = first.insert(key, at) {
                violations.add(path.as_str(), format!("patch annotation[{key}] already exist in {PATH}[{before}]"));
            }
            let policy = match policy {
                "Overwrite" => Some(PatchPolicy::Overwrite),
                "MergePatchJson" => violations.take(path, MergePatch::parse(value)).map(PatchPolicy::MergePatchJson),
                _ => Some(PatchPolicy::Retain),
            };
            patches.extend(policy.map(|policy| MetadataPatch { key: key.clone(), value: value.clone(), policy }));
        }
    }
    check_size(&patches, violations);
    patches.retain(|patch| !is_ours(&patch.key));
    patches
}

/// Returns a warning for each annotation that is left out because the operator keeps it itself.
// As in Kruise, where what the operator writes comes last: such a set works, and must go on to.
pub(crate) fn warnings(spec: &SidecarSetSpec) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, entry) in entries(spec).iter().enumerate() {
        for key in entry.annotations.iter().flat_map(BTreeMap::keys).filter(|key| is_ours(key)) {
            warnings.push(format!("{PATH}[{at}].annotations[{key}]: has no effect: the operator keeps it itself"));
        }
    }
    warnings
}

fn entries(spec: &SidecarSetSpec) -> &[PatchPodMetadata] {
    spec.patch_pod_metadata.as_deref().unwrap_or_default()
}

fn check_key(key: &str, path: &str, violations: &mut Violations) {
    // As in Kubernetes: the key of an annotation is checked without regard to case.
    if !is_qualified_name(&key.to_ascii_lowercase()) {
        violations.add(path, format!("{key:?} is not the key of an annotation"));
    }
}

fn check_size(patches: &[MetadataPatch], violations: &mut Violations) {
    let size: usize = patches.iter().map(|patch| patch.key.len() + patch.value.len()).sum();
    if size > LARGEST {
        violations.add(PATH, format!("must have at most {LARGEST} bytes, has {size}"));
    }
}
