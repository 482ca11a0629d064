//! A sidecar as it stands in one Pod.

use super::edit::PodEdit;
use super::{Refusal, hot, resources, sharing};
use crate::normalize::{CanonicalSet, Sidecar};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A Pod that is injected.
#[derive(Debug)]
pub(super) struct Recipient<'a> {
    /// The Pod as it came.
    pub(super) pod: &'a Value,
    /// The names of the containers that it gets, or has got already.
    pub(super) sidecars: BTreeSet<Arc<str>>,
}

impl<'a> Recipient<'a> {
    /// Begins with a Pod and all sets that select it.
    pub(super) fn new(pod: &'a Value, sets: &[Arc<CanonicalSet>]) -> Self {
        let sidecars = sets.iter().flat_map(|set| set.sidecars());
        Self { pod, sidecars: sidecars.flat_map(Sidecar::names_in_pod).collect() }
    }
}

/// Returns the containers that stand for a sidecar in this Pod.
pub(super) fn of(
    recipient: &Recipient<'_>,
    set: &CanonicalSet,
    sidecar: &Sidecar,
    edit: &mut PodEdit<'_>,
) -> Result<Vec<Value>, Refusal> {
    let mut definition = sidecar.definition.clone();
    let container = definition.as_object_mut().expect("a sidecar is rendered as an object");
    if let Some(policy) = &sidecar.resources {
        let resources = resources::computed(recipient, (set, sidecar), policy, &mut edit.warnings)?;
        container.insert("resources".to_owned(), resources);
    }
    sharing::take_over(recipient.pod, edit, &sidecar.shares, container);
    Ok(hot::containers(sidecar, definition))
}
