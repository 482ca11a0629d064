//! The containers of a Pod that are its own: what a sidecar may have in common with them.

use super::observed::{ObservedContainer, ObservedSpec};
use crate::amounts::Amounts;
use crate::os::OperatingSystem;
use std::fmt::Write;

/// The list of a Pod that a container stands in, and whether it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnKind {
    /// `spec.containers`.
    Regular,
    /// `spec.initContainers`, kept running beside the application.
    Native,
    /// `spec.initContainers`, ended before the application starts.
    Init,
}

/// The names and ports of a Pod's own containers, and the operating system that they are for, in hardly more memory than they take in the Pod: most of it is asked about only
/// when a set is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnContainers {
    os: OperatingSystem,
    // A line for each: the kind as one letter, the name, and behind tabs the name, number and protocol of each port.
    text: Box<str>,
    is_guaranteed: bool,
}

/// A container that is a Pod's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnContainer<'a> {
    /// Where it stands.
    pub kind: OwnKind,
    /// Its name.
    pub name: &'a str,
    ports: &'a str,
}

/// A port of such a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnPort<'a> {
    /// Its name, or nothing.
    pub name: &'a str,
    /// The number in the container.
    pub number: i64,
    /// The protocol.
    pub protocol: &'a str,
}

impl OwnContainers {
    /// Reads those of a Pod: all but those that were injected.
    #[must_use]
    pub fn of(spec: &ObservedSpec) -> Self {
        let (mut text, mut is_guaranteed, mut is_empty) = (String::new(), true, true);
        for (container, kind) in spec.all().filter(|(container, _)| !container.is_injected()) {
            is_empty = false;
            is_guaranteed &= is_bounded(container);
            write_line(&mut text, container, kind);
        }
        let is_guaranteed = is_guaranteed && !is_empty && !spec.has_own_resources();
        Self { os: spec.os(), text: text.into(), is_guaranteed }
    }

    /// Returns them in their order, init containers first.
    pub fn iter(&self) -> impl Iterator<Item = OwnContainer<'_>> {
        self.text.lines().filter_map(OwnContainer::read)
    }

    /// Returns the operating system that the Pod is for.
    #[must_use]
    pub fn os(&self) -> OperatingSystem {
        self.os
    }

    /// Says whether the Pod is Guaranteed as far as they go.
    #[must_use]
    pub fn are_guaranteed(&self) -> bool {
        self.is_guaranteed
    }
}

impl<'a> OwnContainer<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (kind, rest) = line.split_at_checked(1)?;
        let (name, ports) = rest.split_once('\t').unwrap_or((rest, ""));
        let kind = match kind {
            "r" => OwnKind::Regular,
            "n" => OwnKind::Native,
            _ => OwnKind::Init,
        };
        Some(Self { kind, name, ports })
    }

    /// Returns its ports.
    pub fn ports(self) -> impl Iterator<Item = OwnPort<'a>> {
        self.ports.split('\t').filter_map(|port| {
            let (name, rest) = port.split_once(':')?;
            let (number, protocol) = rest.split_once('/')?;
            Some(OwnPort { name, number: number.parse().ok()?, protocol })
        })
    }
}

// The API server lets no name contain a tab, a colon or a line break, and what came past it is not worth more.
fn write_line(text: &mut String, container: &ObservedContainer, kind: OwnKind) {
    text.push(match kind {
        OwnKind::Regular => 'r',
        OwnKind::Native => 'n',
        OwnKind::Init => 'i',
    });
    text.extend(container.name.chars().filter(|letter| !letter.is_control()));
    for port in container.ports.iter().flatten() {
        let name = port.name.as_deref().unwrap_or_default();
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        // Writing into a text never fails.
        let _ = write!(text, "\t{name}:{}/{protocol}", port.container_port);
    }
    text.push('\n');
}

/// Says whether a container is limited to what it requests.
fn is_bounded(container: &ObservedContainer) -> bool {
    let resources = container.resources.as_deref().and_then(|text| serde_json::from_str(text.get()).ok());
    Amounts::read(&resources.unwrap_or_default()).in_pod().are_guaranteed()
}
