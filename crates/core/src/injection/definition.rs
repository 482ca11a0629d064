//! A sidecar as it stands in one Pod.

use super::edit::PodEdit;
use super::layout::Entry;
use super::own::OwnContainers;
use super::rules::Guest;
use super::spec::{Containers, List, Spec};
use super::{Refusal, resources, sharing};
use crate::json::{Document, Json, write_text};
use crate::normalize::{CanonicalSet, DEVICES, ENV, MOUNTS, Part, Sidecar};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Pod that is injected.
#[derive(Debug)]
pub(super) struct PodContext<'a> {
    /// Its spec as it came.
    pub(super) spec: Spec<'a>,
    /// Its own containers.
    own: OwnContainers<'a>,
    /// The names of the containers that it gets, or has got already, each with the set that it is of.
    pub(super) sidecars: BTreeMap<&'a str, Entry<'a>>,
}

/// The resources that were computed for a Pod, by the names of the sidecars.
pub(super) type Computed<'a> = Vec<(&'a str, Document<'static>)>;

impl<'a> PodContext<'a> {
    /// Begins with a Pod and all sets that select it. Sets of which two have a container of one name are refused.
    pub(super) fn new(
        (pod, spec): (Json<'a>, Spec<'a>),
        containers: &'a Containers<'a>,
        sets: &'a [Arc<CanonicalSet>],
    ) -> Result<Self, Refusal> {
        let mut sidecars: BTreeMap<&str, Entry<'_>> = BTreeMap::new();
        for set in sets {
            for (list, of_list) in [(List::Init, &set.init_containers), (List::Regular, &set.containers)] {
                for container in of_list.iter().flat_map(Sidecar::names_in_pod) {
                    if let Some((first, _)) = sidecars.insert(container, (set, list)) {
                        let (one, other) = (Arc::clone(&first.name), Arc::clone(&set.name));
                        return Err(Refusal::SameContainer { one, other, container: Arc::clone(container) });
                    }
                }
            }
        }
        Ok(Self { spec, own: OwnContainers::of((pod, spec), containers), sidecars })
    }

    /// Says whether a container of this name is some set's.
    pub(super) fn is_sidecar(&self, name: &str) -> bool {
        self.sidecars.contains_key(name)
    }
}

/// Returns the containers that stand for a sidecar in this Pod, as JSON, in the order of its names. `token` is a mount that they
/// keep, unless they have another one at its place.
pub(super) fn of<'a>(
    recipient: &PodContext<'a>,
    guest: Guest<'a>,
    token: Option<Json<'a>>,
    computed: &mut Computed<'a>,
    edit: &mut PodEdit<'_>,
) -> Result<Vec<String>, Refusal> {
    let Guest { set, sidecar, .. } = guest;
    let mut resources = String::new();
    if let Some(policy) = &sidecar.resources {
        let amounts = resources::computed(recipient, (set, sidecar), policy, &mut edit.warnings)?;
        resources = format!("\"resources\":{amounts},");
        computed.push((&sidecar.name, Document::of(&amounts)));
    }
    let mut taken = sharing::taken(&recipient.own, edit, guest);
    taken.keep(token, sidecar);
    let template = &sidecar.template;
    let containers = template.containers.iter().map(|own| {
        let mut text = String::with_capacity(template.length() + resources.len() + taken.length());
        text.push('{');
        for members in [&*template.members, &own.members, &resources] {
            text.push_str(members);
        }
        write_list(&mut text, MOUNTS.0, &template.mounts, &taken.mounts);
        write_list(&mut text, DEVICES.0, &template.devices, &taken.devices);
        write_env(&mut text, &template.env, &taken.env, &own.env);
        text.push('}');
        text
    });
    Ok(containers.collect())
}

/// Writes a list as a member, if there is anything in it.
fn write_list(out: &mut String, key: &str, part: &Part, taken: &[Json<'_>]) {
    if part.items.is_empty() && taken.is_empty() {
        return;
    }
    write_items(out, key, part, taken);
    out.push_str("],");
}

/// Writes the variables, of which there is always one.
fn write_env(out: &mut String, part: &Part, taken: &[Json<'_>], last: &str) {
    write_items(out, ENV.0, part, taken);
    out.push_str(last);
    out.push(']');
}

fn write_items(out: &mut String, key: &str, part: &Part, taken: &[Json<'_>]) {
    write_text(out, key);
    out.push_str(":[");
    out.push_str(&part.items);
    let first = usize::from(part.items.is_empty());
    for (at, item) in taken.iter().enumerate() {
        if at >= first {
            out.push(',');
        }
        out.push_str(item.raw());
    }
}
