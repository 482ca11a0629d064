//! The ports of a container.

use super::super::Violations;
use super::super::member::{Member, REQUIRED, duplicate};
use super::super::syntax::{port_name, port_number};
use std::collections::BTreeSet;

/// A port of the node: its protocol, address and number.
pub(in super::super) type HostPort<'a> = (&'a str, &'a str, i64);

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    let mut names = BTreeSet::new();
    for port in container.list("ports") {
        if let Some(name) = port.text("name") {
            let rule = port_name(name);
            if rule.is_ok() && !names.insert(name) {
                violations.add(port.at("name"), duplicate(name));
            }
            violations.take(port.at("name"), rule);
        }
        match port.number("containerPort") {
            Some(0) => violations.add(port.at("containerPort"), REQUIRED),
            None if !port.has("containerPort") => violations.add(port.at("containerPort"), REQUIRED),
            None => {}
            Some(number) => drop(violations.take(port.at("containerPort"), port_number(number))),
        }
        if let Some(number) = port.number("hostPort").filter(|number| *number != 0) {
            violations.take(port.at("hostPort"), port_number(number));
        }
        port.check_one_of("protocol", &["TCP", "UDP", "SCTP"], violations);
    }
}

/// Adds each port of the node that was taken before, and takes the others.
pub(in super::super) fn check_host_ports<'a>(
    container: &Member<'a>,
    taken: &mut BTreeSet<HostPort<'a>>,
    violations: &mut Violations,
) {
    for port in container.list("ports") {
        let Some(number) = port.number("hostPort").filter(|number| *number != 0) else { continue };
        let (protocol, address) = (port.text("protocol").unwrap_or("TCP"), port.text("hostIP").unwrap_or_default());
        if !taken.insert((protocol, address, number)) {
            violations.add(port.at("hostPort"), duplicate(&format!("{protocol}/{address}/{number}")));
        }
    }
}
