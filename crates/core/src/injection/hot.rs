//! A sidecar that is upgraded without a pause: two containers, one at work and one that waits with an empty image.

use super::PodEdit;
use crate::normalize::{CanonicalSet, Sidecar};
use serde_json::{Map, Value, json};
use sidecarset_api::markers;

/// The versions that the containers begin with: the first is at work, the second waits.
const VERSIONS: [&str; 2] = ["1", "0"];

/// Returns the containers that stand for a sidecar in a Pod: as it is, or both of a pair.
pub(super) fn containers(sidecar: &Sidecar, definition: Value) -> Vec<Value> {
    let Some(empty_image) = &sidecar.empty_image else {
        return vec![definition];
    };
    let names = sidecar.names_in_pod();
    let images = [&sidecar.image, empty_image];
    names.iter().zip(images).map(|(name, image)| member_of_pair(definition.clone(), name, image)).collect()
}

// The application in the container compares the two versions to learn whether it is the one that takes over.
fn member_of_pair(mut definition: Value, name: &str, image: &str) -> Value {
    definition["name"] = name.into();
    definition["image"] = image.into();
    let version = |variable: &str, prefix: &str| {
        let path = format!("metadata.annotations['{prefix}{name}']");
        json!({"name": variable, "valueFrom": {"fieldRef": {"fieldPath": path}}})
    };
    let variables = [
        version(markers::VERSION_VARIABLE, markers::VERSION_PREFIX),
        version(markers::VERSION_ALT_VARIABLE, markers::VERSION_ALT_PREFIX),
    ];
    definition["env"].as_array_mut().expect("a sidecar is rendered with a mark in its environment").extend(variables);
    definition
}

/// Sets the annotations that tell which container of each pair is at work, and the versions of both.
pub(super) fn annotate(sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) {
    let mut working = working(edit);
    let mut annotations = Vec::new();
    for sidecar in sets.iter().flat_map(|set| set.sidecars()).filter(|sidecar| sidecar.empty_image.is_some()) {
        let names = sidecar.names_in_pod();
        for (at, name) in names.iter().enumerate() {
            annotations.push((format!("{}{name}", markers::VERSION_PREFIX), VERSIONS[at].to_owned()));
            annotations.push((format!("{}{name}", markers::VERSION_ALT_PREFIX), VERSIONS[1 - at].to_owned()));
        }
        working.insert(sidecar.name.to_string(), Value::from(&*names[0]));
    }
    if !annotations.is_empty() {
        annotations.push((markers::WORKING_CONTAINER.to_owned(), Value::Object(working).to_string()));
        edit.annotate(annotations);
    }
}

/// Returns which container of each pair is at work, as the Pod says it: its manifest may have been copied.
// As in Kruise: what cannot be read says nothing.
fn working(edit: &PodEdit<'_>) -> Map<String, Value> {
    edit.annotation(markers::WORKING_CONTAINER).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
