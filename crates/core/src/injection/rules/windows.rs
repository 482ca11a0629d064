//! What a container says of its user and its rights is for one operating system, and a Pod may name the other.

use super::super::edit::PodEdit;
use super::{Guest, List, Rule, Whole};
use crate::json::Json;

const WINDOWS_OPTIONS: &str = "windowsOptions";

/// What only Linux has.
const OF_LINUX: [&str; 10] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile",
];

pub(super) fn concerns(container: Json<'_>) -> bool {
    container.at("securityContext").is_object()
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let foreign: &[&str] = match whole.spec.os.at("name").as_str() {
        Some("windows") => &OF_LINUX,
        Some("linux") => &[WINDOWS_OPTIONS],
        // Without a name the API server does not look.
        Some(_) | None => return,
    };
    for guest in whole.concerned(Rule::Windows) {
        let context = guest.container().at("securityContext");
        for field in foreign.iter().filter(|field| !context.at(field).is_null()) {
            let os = whole.spec.os.at("name").as_str().unwrap_or_default();
            let field = format!("securityContext.{field}");
            edit.reject(guest, &field, format_args!("is not allowed in a Pod with spec.os.name {os}"));
        }
    }
}

/// Either all containers of a Pod are processes of the host, as Windows has them, or none is.
pub(super) fn check_host_processes(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let of_pod = host_process(whole.spec.security_context);
    let of_guest = |guest: Guest<'_>| host_process(guest.container().at("securityContext"));
    let guests_ask = whole.concerned(Rule::Windows).any(|guest| of_guest(guest).is_some());
    // Such Pods are in the network of their node.
    if !guests_ask && (!whole.uses_host_network() || whole.has_host_processes() != Some(true)) {
        return;
    }
    let is_one = |guest: Guest<'_>| of_guest(guest).or(of_pod) == Some(true);
    let has_some = whole.has_host_processes().unwrap_or_else(|| whole.guests().any(is_one));
    for guest in whole.guests() {
        let field = "securityContext.windowsOptions.hostProcess";
        match (of_guest(guest), of_pod) {
            (Some(own), Some(pod)) if own != pod => {
                edit.reject(guest, field, format_args!("is {own}, and {pod} for the whole Pod"));
            }
            _ if is_one(guest) != has_some => {
                let containers = if has_some { "are" } else { "are not" };
                edit.reject(guest, field, format_args!("the containers of the Pod {containers} processes of the host"));
            }
            _ if has_some && !whole.uses_host_network() => {
                edit.reject(guest, field, "needs a Pod with spec.hostNetwork: true");
            }
            _ => {}
        }
    }
}

impl Whole<'_> {
    /// Says whether a container that stays in the Pod is a process of the host; nothing where sidecars take the place of all.
    fn has_host_processes(&self) -> Option<bool> {
        let of_pod = host_process(self.spec.security_context);
        let mut own = List::ALL.into_iter().flat_map(|list| self.layout.staying(list)).peekable();
        own.peek()?;
        Some(own.any(|container| host_process(container.at("securityContext")).or(of_pod) == Some(true)))
    }
}

fn host_process(context: Json<'_>) -> Option<bool> {
    context.at(WINDOWS_OPTIONS).at("hostProcess").as_bool()
}
