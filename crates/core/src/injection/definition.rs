//! A sidecar as it stands in one Pod.

use super::edit::PodEdit;
use super::{Refusal, hot, resources, sharing};
use crate::json::Json;
use crate::normalize::{CanonicalSet, Sidecar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Pod that is injected.
#[derive(Debug)]
pub(super) struct Recipient<'a> {
    /// The Pod as it came.
    pub(super) pod: &'a Json<'a>,
    /// The names of the containers that it gets, or has got already, each with the set that it is of.
    sidecars: BTreeMap<&'a str, &'a CanonicalSet>,
}

impl<'a> Recipient<'a> {
    /// Begins with a Pod and all sets that select it. Sets of which two have a container of one name are refused.
    pub(super) fn new(pod: &'a Json<'a>, sets: &'a [Arc<CanonicalSet>]) -> Result<Self, Refusal> {
        let mut sidecars: BTreeMap<&str, &CanonicalSet> = BTreeMap::new();
        for set in sets {
            for container in set.sidecars().flat_map(Sidecar::names_in_pod) {
                if let Some(first) = sidecars.insert(container, set) {
                    let (one, other) = (Arc::clone(&first.name), Arc::clone(&set.name));
                    return Err(Refusal::SameContainer { one, other, container: Arc::clone(container) });
                }
            }
        }
        Ok(Self { pod, sidecars })
    }

    /// Says whether a container of this name is some set's.
    pub(super) fn is_sidecar(&self, name: &str) -> bool {
        self.sidecars.contains_key(name)
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
