//! The operating system of the nodes that a Pod is for: an image runs on one of them, and a Pod seldom says which.

use crate::json::Json;
use std::fmt::{self, Display};
use std::str::FromStr;

/// The labels of nodes that name it, today's and the one before.
const LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];

/// An operating system of nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatingSystem {
    /// Whatever says nothing else.
    #[default]
    Linux,
    /// Windows Server.
    Windows,
}

/// The operating systems that a set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatingSystems {
    linux: bool,
    windows: bool,
    is_assumed: bool,
}

/// A text that is no operating system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of linux, windows")]
pub struct ParseOperatingSystemError {
    text: String,
}

impl OperatingSystem {
    /// Returns the operating system that a Pod is for, by its spec: `os`, or the nodes that it asks for. One that says nothing
    /// is for Linux: a Windows Pod has to say so, or it would be scheduled to any node.
    #[must_use]
    pub fn of_spec(spec: Json<'_>) -> Self {
        Self::of(spec.at("os"), spec.at("nodeSelector"), spec.at("affinity"))
    }

    /// Returns the same from the members of the spec that say it.
    #[must_use]
    pub fn of(os: Json<'_>, node_selector: Json<'_>, affinity: Json<'_>) -> Self {
        if let Some(name) = os.at("name").as_str() {
            return name.parse().unwrap_or_default();
        }
        let selected = || LABELS.iter().find_map(|label| node_selector.at(label).as_str()?.parse().ok());
        let is_selected = !node_selector.is_null();
        let selected = if is_selected { selected() } else { None };
        selected.or_else(|| required(affinity)).unwrap_or_default()
    }
}

/// Returns the operating system of all nodes that an affinity allows, where they have the same.
fn required(affinity: Json<'_>) -> Option<OperatingSystem> {
    if affinity.is_null() {
        return None;
    }
    let required = affinity.at("nodeAffinity").at("requiredDuringSchedulingIgnoredDuringExecution");
    let mut terms = required.at("nodeSelectorTerms").items().map(of_term);
    let first = terms.next()??;
    terms.all(|other| other == Some(first)).then_some(first)
}

fn of_term(term: Json<'_>) -> Option<OperatingSystem> {
    let asks = |requirement: &Json<'_>| {
        LABELS.iter().any(|label| requirement.at("key").is(label)) && requirement.at("operator").is("In")
    };
    let mut requirements = term.at("matchExpressions").items().filter(asks);
    requirements.find_map(|requirement| {
        let mut values = requirement.at("values").items().map(|value| value.as_str()?.parse().ok());
        let first = values.next()??;
        values.all(|other| other == Some(first)).then_some(first)
    })
}

impl OperatingSystems {
    /// Returns just one, of a set that does not say which it is for.
    #[must_use]
    pub fn assumed(os: OperatingSystem) -> Self {
        Self { linux: os == OperatingSystem::Linux, windows: os == OperatingSystem::Windows, is_assumed: true }
    }

    /// Returns those of a list; nothing where it is empty.
    #[must_use]
    pub fn of(list: &[OperatingSystem]) -> Option<Self> {
        let (linux, windows) = (list.contains(&OperatingSystem::Linux), list.contains(&OperatingSystem::Windows));
        (!list.is_empty()).then_some(Self { linux, windows, is_assumed: false })
    }

    /// Says whether the set itself does not say them.
    #[must_use]
    pub fn are_assumed(self) -> bool {
        self.is_assumed
    }

    /// Says whether it is one of them.
    #[must_use]
    pub fn include(self, os: OperatingSystem) -> bool {
        match os {
            OperatingSystem::Linux => self.linux,
            OperatingSystem::Windows => self.windows,
        }
    }

    /// Says whether both have one in common.
    #[must_use]
    pub fn overlap(self, other: Self) -> bool {
        (self.linux && other.linux) || (self.windows && other.windows)
    }
}

impl FromStr for OperatingSystem {
    type Err = ParseOperatingSystemError;

    fn from_str(text: &str) -> Result<Self, ParseOperatingSystemError> {
        match text {
            "linux" => Ok(Self::Linux),
            "windows" => Ok(Self::Windows),
            _ => Err(ParseOperatingSystemError { text: text.to_owned() }),
        }
    }
}

impl Display for OperatingSystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
        })
    }
}

/// In the words of a sentence: `linux`, `windows`, `linux and windows`.
impl Display for OperatingSystems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match (self.linux, self.windows) {
            (true, true) => "linux and windows",
            (false, true) => "windows",
            (true, false) | (false, false) => "linux",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::AsJson;
    use serde_json::{Value, json};

    fn of(spec: &Value) -> OperatingSystem {
        spec.look(OperatingSystem::of_spec)
    }

    fn affinity(terms: &Value) -> Value {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}})
    }

    fn term(operator: &str, values: &Value) -> Value {
        json!({"matchExpressions": [
            {"key": "zone", "operator": "Exists"},
            {"key": "kubernetes.io/os", "operator": operator, "values": values},
        ]})
    }

    #[test]
    fn a_pod_says_that_it_is_for_windows() {
        for spec in [
            json!({"os": {"name": "windows"}, "nodeSelector": {"kubernetes.io/os": "linux"}}),
            json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
            json!({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}),
            affinity(&json!([term("In", &json!(["windows"]))])),
            affinity(&json!([term("In", &json!(["windows"])), term("In", &json!(["windows"]))])),
        ] {
            assert_eq!(of(&spec), OperatingSystem::Windows, "{spec}");
        }
    }

    #[test]
    fn every_other_pod_is_for_linux() {
        for spec in [
            json!({}),
            json!({"os": {"name": "linux"}, "nodeSelector": {"kubernetes.io/os": "windows"}}),
            json!({"nodeSelector": {"kubernetes.io/os": "linux", "pool": "windows"}}),
            affinity(&json!([])),
            affinity(&json!([term("NotIn", &json!(["windows"]))])),
            affinity(&json!([term("In", &json!(["windows", "linux"]))])),
            affinity(&json!([term("In", &json!(["windows"])), {}])),
        ] {
            assert_eq!(of(&spec), OperatingSystem::Linux, "{spec}");
        }
    }
}
