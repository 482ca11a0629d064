//! A sidecar that is upgraded without a pause: two containers, one at work and one that waits with an empty image.

use super::PodEdit;
use crate::normalize::CanonicalSet;
use serde_json::{Map, Value};
use sidecarset_api::markers;
use std::sync::Arc;

/// The versions that the containers begin with: the first is at work, the second waits.
const VERSIONS: [&str; 2] = ["1", "0"];

/// Sets the annotations that tell which container of each pair is at work, and the versions of both.
pub(super) fn annotate(sets: &[Arc<CanonicalSet>], edit: &mut PodEdit<'_>) {
    let hot = |set: &&Arc<CanonicalSet>| set.sidecars().any(|sidecar| sidecar.empty_image.is_some());
    let mut sets = sets.iter().filter(hot).peekable();
    if sets.peek().is_none() {
        return;
    }
    let mut working = working(edit);
    let mut annotations = Vec::new();
    for sidecar in sets.flat_map(|set| set.sidecars()).filter(|sidecar| sidecar.empty_image.is_some()) {
        let names = sidecar.names_in_pod();
        for (at, name) in names.iter().enumerate() {
            annotations.push((format!("{}{name}", markers::VERSION_PREFIX).into(), VERSIONS[at].to_owned()));
            annotations.push((format!("{}{name}", markers::VERSION_ALT_PREFIX).into(), VERSIONS[1 - at].to_owned()));
        }
        working.insert(sidecar.name.to_string(), Value::from(&*names[0]));
    }
    annotations.push((markers::WORKING_CONTAINER.into(), Value::Object(working).to_string()));
    edit.annotate(annotations);
}

/// Returns which container of each pair is at work, as the Pod says it: its manifest may have been copied.
// As in Kruise: what cannot be read says nothing.
fn working(edit: &PodEdit<'_>) -> Map<String, Value> {
    edit.annotation(markers::WORKING_CONTAINER).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
