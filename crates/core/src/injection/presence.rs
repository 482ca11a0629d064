//! Whether a set is in a Pod already, from an earlier call of the same request.

use super::likeness::{self, Likeness, Restoration};
use super::metadata::InjectionAnnotations;
use super::spec::{Containers, List};
use super::submitted::Submitted;
use super::{Clash, ClashKind, is_injected_container};
use crate::annotations::Seconds;
use crate::json::Json;
use crate::normalize::{CanonicalSet, Sidecar};

/// Whether a set is in a Pod already.
#[derive(Debug)]
pub(super) enum Presence<'a> {
    /// It is, but for fields that somebody has dropped since.
    There(Vec<Stripped<'a>>),
    /// It is not, whatever the Pod claims.
    Missing,
}

/// A container that gets back what somebody has dropped.
#[derive(Debug)]
pub(super) struct Stripped<'a> {
    pub(super) list: &'static str,
    pub(super) at: usize,
    pub(super) name: &'a str,
    pub(super) restorations: Vec<Restoration>,
}

/// Says whether a set is in a Pod already.
// The API server calls again after another webhook changed the Pod: what is there then stays as it is, with all that was added.
// A review does not say that it is not the first one. The annotations may have been copied, or be made up, so that each container
// is looked at; and one that the request came with is nobody's but its author's.
pub(super) fn of<'a>(
    (pod, containers): (Json<'_>, &Containers<'_>),
    marks: &InjectionAnnotations,
    set: &'a CanonicalSet,
    now: Seconds,
) -> Presence<'a> {
    if !marks.are_of_this_request(set, now) {
        return Presence::Missing;
    }
    let (submitted, mut stripped) = (Submitted::of(pod), Vec::new());
    for (list, sidecars) in [(List::Init, &set.init_containers), (List::Regular, &set.containers)] {
        for sidecar in sidecars {
            let Some(found) = stripped_of((containers, submitted), list, sidecar) else { return Presence::Missing };
            stripped.extend(found);
        }
    }
    Presence::There(stripped)
}

/// Returns those containers of a sidecar that somebody has dropped fields of, or nothing where one of them is missing or another
/// one.
fn stripped_of<'a>(
    (containers, submitted): (&Containers<'_>, Submitted<'_>),
    list: List,
    sidecar: &'a Sidecar,
) -> Option<Vec<Stripped<'a>>> {
    let mut stripped = Vec::new();
    for (number, name) in sidecar.names_in_pod().iter().enumerate() {
        let is_ours =
            |(_, container): &(usize, Json<'_>)| is_injected_container(*container) && !submitted.has(list, name);
        let (at, container) = containers.find(list, name).next().filter(is_ours)?;
        match likeness::of(container, sidecar, number) {
            Likeness::Same => {}
            Likeness::Lacking(restorations) => stripped.push(Stripped { list: list.name(), at, name, restorations }),
            Likeness::Different(_) => return None,
        }
    }
    Some(stripped)
}

impl Stripped<'_> {
    /// Tells the authors of the Pod and of the set.
    pub(super) fn clash(&self, set: &CanonicalSet) -> Clash {
        let fields: Vec<String> = self.restorations.iter().map(|restoration| restoration.path.join(".")).collect();
        let (list, at, name) = (self.list, self.at, self.name);
        let lost = fields.join(", ");
        let message = format!(
            "spec.{list}[{at}]: container {name} has lost {lost} since SidecarSet {} was injected: it is put back",
            set.name
        );
        let field = (format!("spec.{list}[{name}]"), format!("has lost {lost} since it was injected: it is put back"));
        Clash::of(set, ClashKind::Stripped, field).saying(message)
    }
}
