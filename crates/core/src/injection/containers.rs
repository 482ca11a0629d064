//! Where sidecars stand among the Pod's own containers.

use super::definition::{self, Recipient};
use super::edit::PodEdit;
use super::{Clash, ClashKind, Refusal, carries_mark};
use crate::json::Json;
use crate::normalize::{CanonicalSet, Placement, Sidecar};

/// Places init containers and containers of the sets, given by name.
pub(super) fn place(recipient: &Recipient<'_>, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) -> Result<(), Refusal> {
    // As in Kruise: init containers of all sets are sorted together, containers keep the order of their sets.
    let mut init: Vec<(&CanonicalSet, &Sidecar)> = all(sets, |set| &set.init_containers).collect();
    init.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    place_list(recipient, "initContainers", init, edit)?;
    place_list(recipient, "containers", all(sets, |set| &set.containers).collect(), edit)
}

/// Says whether a list of the Pod has a container of this name that was injected.
pub(super) fn is_present(pod: Json<'_>, list: &str, name: &str) -> bool {
    find(pod, list, name).is_some_and(|(_, container)| carries_mark(container))
}

fn all<'a>(
    sets: &[&'a CanonicalSet],
    list: impl Fn(&'a CanonicalSet) -> &'a Vec<Sidecar>,
) -> impl Iterator<Item = (&'a CanonicalSet, &'a Sidecar)> {
    sets.iter().flat_map(move |set| list(set).iter().map(|sidecar| (*set, sidecar)))
}

fn place_list(
    recipient: &Recipient<'_>,
    list: &'static str,
    sidecars: Vec<(&CanonicalSet, &Sidecar)>,
    edit: &mut PodEdit<'_>,
) -> Result<(), Refusal> {
    let pod = recipient.pod;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (set, sidecar) in sidecars {
        let containers = definition::of(recipient, set, sidecar, edit)?;
        for (name, container) in sidecar.names_in_pod().iter().zip(containers) {
            match find(pod, list, name) {
                Some((at, own)) => {
                    // As in Kruise: the sidecar takes the place of the Pod's container. Its author should know.
                    if !carries_mark(own) {
                        let replaced = format!(
                            "spec.{list}[{at}]: container {name} is replaced by the one of SidecarSet {}",
                            set.name
                        );
                        edit.warn(Clash::of(set, ClashKind::Container, replaced));
                    }
                    edit.replace(list, at, &container);
                }
                None if sidecar.placement == Placement::BeforeApp => before.push(container),
                None => after.push(container),
            }
        }
    }
    if pod.at("spec").at(list).is_list() {
        edit.prepend(list, &before);
        edit.append(list, &after);
    } else {
        before.append(&mut after);
        edit.append(list, &before);
    }
    Ok(())
}

fn find<'a>(pod: Json<'a>, list: &str, name: &str) -> Option<(usize, Json<'a>)> {
    pod.at("spec").at(list).items().enumerate().find(|(_, container)| container.at("name").is(name))
}
