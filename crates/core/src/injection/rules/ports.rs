//! All containers of a Pod share its network: a number can be listened on once, a name leads to one port, and a port of the node
//! is taken once.

use super::super::ClashKind;
use super::super::edit::PodEdit;
use super::super::spec::List;
use super::{Guest, Rule, Whole};
use crate::json::Json;
use crate::normalize::Placement;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// A port of a container.
#[derive(Debug, Clone, Copy)]
struct Port<'a> {
    /// Its place in the list of the container.
    at: usize,
    name: &'a str,
    number: i64,
    protocol: &'a str,
    host_port: i64,
    host_address: &'a str,
}

/// A port of the node: its protocol, address and number.
type NodePort<'a> = (&'a str, &'a str, i64);

pub(super) fn concern(container: Json<'_>) -> bool {
    ports(container).next().is_some()
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    if whole.uses_host_network() {
        check_numbers(whole, edit);
    }
    check_node_ports(whole, edit);
    check_shared(whole, edit);
}

/// In the network of the node a port has the same number outside.
fn check_numbers(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    // As the API server does: it looks at regular containers alone.
    for guest in whole.concerned(Rule::Ports).filter(|guest| guest.list == List::Regular) {
        for port in ports(guest.container()).filter(|port| port.host_port != 0 && port.host_port != port.number) {
            let message = format_args!(
                "{} has to be containerPort {}, because the Pod has spec.hostNetwork: true",
                port.host_port, port.number
            );
            edit.reject(guest, &format!("ports[{}].hostPort", port.at), message);
        }
    }
}

fn check_node_ports(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let has_host_network = whole.uses_host_network();
    let takes_some = |guest: Guest<'_>| ports(guest.container()).any(|port| port.on_node(has_host_network).is_some());
    if !whole.concerned(Rule::Ports).any(takes_some) {
        return;
    }
    let mut taken: BTreeMap<NodePort<'_>, &str> = BTreeMap::new();
    for own in whole.layout.staying(List::Regular) {
        let name = own.at("name").as_str().unwrap_or_default();
        taken.extend(ports(own).filter_map(|port| Some((port.on_node(has_host_network)?, name))));
    }
    for guest in whole.concerned(Rule::Ports) {
        // Init containers are looked at one by one, native sidecars too.
        let mut of_itself = BTreeMap::new();
        let taken = if guest.list == List::Regular { &mut taken } else { &mut of_itself };
        for name in guest.sidecar.names_in_pod() {
            for port in ports(guest.container()) {
                let Some(on_node) = port.on_node(has_host_network) else { continue };
                let owner = taken.insert(on_node, name);
                if owner.is_some_and(|owner| guest.count() > 1 && guest.is_named(owner)) {
                    let message = format_args!("both containers of a hot upgrade take {} of the node", Shown(on_node));
                    edit.reject(guest, &format!("ports[{}]", port.at), message);
                } else if let Some(owner) = owner {
                    let field = format!("ports[{}]", port.at);
                    edit.reject(
                        guest,
                        &field,
                        format_args!("{} of the node is taken by container {owner}", Shown(on_node)),
                    );
                }
            }
        }
    }
}

/// Warns of ports that another container has too, by name or by number: once for each.
fn check_shared(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let lasting = || whole.concerned(Rule::Ports).filter(|guest| guest.is_lasting());
    let (mut by_name, mut by_number) = (BTreeMap::new(), BTreeMap::new());
    for guest in lasting() {
        for port in ports(guest.container()) {
            if !port.name.is_empty() {
                by_name.entry((port.name, port.protocol)).or_insert((guest, port));
            }
            by_number.entry((port.number, port.protocol)).or_insert((guest, port));
        }
    }
    for own in whole.companions() {
        let owner = own.at("name").as_str().unwrap_or_default();
        for port in ports(own) {
            let by_number = by_number.remove(&(port.number, port.protocol));
            if let Some((guest, ours)) = by_number {
                warn_of_number(guest, ours, owner, edit);
            }
            if let Some((guest, ours)) = by_name.remove(&(port.name, port.protocol))
                && ours.number != port.number
            {
                warn_of_name((guest, ours), (own, port), owner, edit);
            }
        }
    }
}

fn warn_of_number(guest: Guest<'_>, port: Port<'_>, owner: &str, edit: &mut PodEdit<'_>) {
    let (number, protocol) = (port.number, port.protocol);
    let message = format_args!("only one of it and container {owner} can listen on port {number}/{protocol}");
    edit.clash(ClashKind::Port, guest, &format!("ports[{}].containerPort", port.at), message);
}

fn warn_of_name(
    (guest, ours): (Guest<'_>, Port<'_>),
    (own, theirs): (Json<'_>, Port<'_>),
    owner: &str,
    edit: &mut PodEdit<'_>,
) {
    // As Kubernetes looks for a port by its name: in regular containers, and then in native sidecars; the first one is taken.
    let is_native = own.at("restartPolicy").is("Always");
    let wins = guest.list == List::Regular && (is_native || guest.sidecar.placement == Placement::BeforeApp);
    let (name, sidecar) = (ours.name, &guest.sidecar.name);
    let field = format!("ports[{}].name", ours.at);
    let (first, second) = ((ours.number, &**sidecar), (theirs.number, owner));
    let (winner, loser) = if wins { (first, second) } else { (second, first) };
    let message = format_args!(
        "Services that target port {name} lead to {} of container {}, not to {} of container {}",
        winner.0, winner.1, loser.0, loser.1
    );
    edit.clash(ClashKind::Port, guest, &field, message);
}

fn ports<'a>(container: Json<'a>) -> impl Iterator<Item = Port<'a>> {
    let text = |port: Json<'a>, key: &str| port.at(key).as_str().filter(|text| !text.is_empty());
    let number = |port: Json<'a>, key: &str| port.at(key).as_i64().unwrap_or_default();
    container.at("ports").items().enumerate().map(move |(at, port)| Port {
        at,
        name: text(port, "name").unwrap_or_default(),
        number: number(port, "containerPort"),
        protocol: text(port, "protocol").unwrap_or("TCP"),
        host_port: number(port, "hostPort"),
        host_address: text(port, "hostIP").unwrap_or_default(),
    })
}

impl<'a> Port<'a> {
    /// Returns the port of the node that it takes.
    fn on_node(self, has_host_network: bool) -> Option<NodePort<'a>> {
        let number = if self.host_port == 0 && has_host_network { self.number } else { self.host_port };
        (number != 0).then_some((self.protocol, self.host_address, number))
    }
}

/// A port of the node, for people.
struct Shown<'a>(NodePort<'a>);

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, address, number) = self.0;
        out.write_str("port ")?;
        if !address.is_empty() {
            write!(out, "{address}:")?;
        }
        write!(out, "{number}/{protocol}")
    }
}
