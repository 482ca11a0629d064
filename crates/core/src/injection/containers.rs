//! Where sidecars stand among the Pod's own containers.

use super::definition::{self, Computed, PodContext};
use super::edit::PodEdit;
use super::layout::Layout;
use super::likeness::{self, Likeness};
use super::metadata::InjectionAnnotations;
use super::rules::Guest;
use super::spec::{List, Spec};
use super::{Clash, ClashKind, Refusal, is_injected_container};
use crate::json::Json;
use crate::normalize::{CanonicalSet, MOUNTS, Placement, Sidecar, TWINS};

/// Where the API server mounts the token of the Pod's ServiceAccount.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Places init containers and containers of the sets, given by name. Returns the resources that were computed for this Pod.
pub(super) fn place<'a>(
    recipient: &PodContext<'a>,
    placed: (&Layout<'a>, &InjectionAnnotations),
    sets: &[&'a CanonicalSet],
    edit: &mut PodEdit<'_>,
) -> Result<Computed<'a>, Refusal> {
    let mut computed = Computed::new();
    // As in Kruise: init containers of all sets are sorted together, containers keep the order of their sets.
    let mut init: Vec<(&CanonicalSet, &Sidecar)> = all(sets, |set| &set.init_containers).collect();
    init.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    let regular = all(sets, |set| &set.containers).collect();
    for (list, sidecars) in [(List::Init, init), (List::Regular, regular)] {
        place_list((recipient, placed), list, sidecars, &mut computed, edit)?;
    }
    Ok(computed)
}

fn all<'a>(
    sets: &[&'a CanonicalSet],
    list: impl Fn(&'a CanonicalSet) -> &'a Vec<Sidecar>,
) -> impl Iterator<Item = (&'a CanonicalSet, &'a Sidecar)> {
    sets.iter().flat_map(move |set| list(set).iter().map(|sidecar| (*set, sidecar)))
}

fn place_list<'a>(
    (recipient, (layout, marks)): (&PodContext<'a>, (&Layout<'a>, &InjectionAnnotations)),
    list: List,
    sidecars: Vec<(&'a CanonicalSet, &'a Sidecar)>,
    computed: &mut Computed<'a>,
    edit: &mut PodEdit<'_>,
) -> Result<(), Refusal> {
    let (spec, member) = (recipient.spec, list.name());
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (set, sidecar) in sidecars {
        // One container stands for a sidecar, or two.
        let mut found = [None; TWINS.len()];
        for (found, name) in found.iter_mut().zip(sidecar.names_in_pod()) {
            *found = layout.containers.find(list, name).next();
        }
        let guest = Guest { set, list, sidecar };
        let containers = definition::of(recipient, guest, token_mount(spec, &found), computed, edit)?;
        for (number, (found, container)) in found.into_iter().zip(containers).enumerate() {
            match found {
                Some((at, own)) => {
                    // As in Kruise: the sidecar takes the place of the Pod's container. Its author should know.
                    if let Some(why) = surprise(marks, (set, sidecar), own, number) {
                        edit.warn_of(replaced(guest, at, &sidecar.names_in_pod()[number], &why));
                    }
                    edit.replace(member, at, &container);
                }
                None if sidecar.placement == Placement::BeforeApp => before.push(container),
                None => after.push(container),
            }
        }
    }
    layout.leaving(list).for_each(|at| edit.remove(member, at));
    if spec.list(list).is_list() {
        edit.prepend(member, &before);
        edit.append(member, &after);
    } else {
        before.append(&mut after);
        edit.append(member, &before);
    }
    Ok(())
}

/// Tells the author of the Pod the name of its container, and that of the set the name of the sidecar: they differ where it is
/// upgraded hot.
fn replaced(guest: Guest<'_>, at: usize, name: &str, why: &str) -> Clash {
    let (list, set) = (guest.list.name(), guest.set);
    let field = (format!("spec.{list}[{}].name", guest.sidecar.name), format!("replaces container {name}{why}"));
    let message = format!("spec.{list}[{at}]: container {name} is replaced by the one of SidecarSet {}{why}", set.name);
    Clash::of(set, ClashKind::Container, field).saying(message)
}

/// Says what may surprise somebody when a container is replaced, if anything does. That a Pod whose manifest was copied has an
/// earlier definition, or a container to which others have added something, surprises nobody.
fn surprise(
    marks: &InjectionAnnotations,
    (set, sidecar): (&CanonicalSet, &Sidecar),
    container: Json<'_>,
    number: usize,
) -> Option<String> {
    if !is_injected_container(container) {
        return Some(String::new());
    }
    if marks.records_another(set) {
        return None;
    }
    match likeness::of(container, sidecar, number) {
        Likeness::Same => None,
        Likeness::Lacking(restorations) => restorations.first().map(|first| differs_in(&first.path.join("."))),
        Likeness::Different(field) => Some(differs_in(&field)),
    }
}

fn differs_in(field: &str) -> String {
    format!(": it is marked as injected, but differs in {field}")
}

/// Returns the mount of the ServiceAccount's token that containers of an earlier call have got, or those that were copied.
// The API server gives it to each container, but for the last time before we are asked again.
fn token_mount<'a>(spec: Spec<'a>, found: &[Option<(usize, Json<'a>)>]) -> Option<Json<'a>> {
    let injected =
        found.iter().flatten().map(|(_, container)| *container).filter(|container| is_injected_container(*container));
    let mut mounts = injected.flat_map(|container| container.at(MOUNTS.0).items());
    let mount = mounts.find(|mount| mount.at(MOUNTS.1).is(TOKEN))?;
    let volume = mount.at("name").as_str()?;
    spec.volumes.items().any(|it| it.at("name").is(volume)).then_some(mount)
}
