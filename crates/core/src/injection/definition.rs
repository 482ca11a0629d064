//! A sidecar as it stands in one Pod.

use super::edit::PodEdit;
use super::{hot, sharing};
use crate::normalize::Sidecar;
use serde_json::Value;

/// Returns the containers that stand for a sidecar in this Pod.
pub(super) fn of(pod: &Value, sidecar: &Sidecar, edit: &PodEdit<'_>) -> Vec<Value> {
    let mut definition = sidecar.definition.clone();
    let container = definition.as_object_mut().expect("a sidecar is rendered as an object");
    sharing::take_over(pod, edit, &sidecar.shares, container);
    hot::containers(sidecar, definition)
}
