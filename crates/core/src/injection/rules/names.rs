//! All containers of a Pod, of whatever list, have names of their own.

use super::super::edit::PodEdit;
use super::Whole;

/// In its own list a sidecar takes the place of the Pod's container of that name, as in Kruise. In the other list nobody would
/// expect the container to go.
pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    for (list, name) in &whole.layout.in_the_way {
        for guest in whole.guests().filter(|guest| guest.is_named(name)) {
            edit.reject(
                guest,
                "name",
                format_args!("the Pod has a container {name} of its own in spec.{}", list.name()),
            );
        }
    }
}
