//! The Secrets with which images are pulled.

use super::edit::PodEdit;
use crate::normalize::CanonicalSet;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Adds the references that the Pod does not have yet, in the order of the sets.
pub(super) fn merge(pod: &Value, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) {
    let own = pod["spec"]["imagePullSecrets"].as_array().into_iter().flatten();
    let mut known: BTreeSet<&str> = own.into_iter().filter_map(|secret| secret["name"].as_str()).collect();
    let missing = sets
        .iter()
        .flat_map(|set| &set.image_pull_secrets)
        .filter(|name| known.insert(name))
        .map(|name| json!({"name": name}))
        .collect();
    edit.append("imagePullSecrets", missing);
}
