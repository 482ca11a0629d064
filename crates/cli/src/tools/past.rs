//! The past definitions of one SidecarSet, as a person asks for them.

use super::failure::Failure;
use super::snapshot::Snapshot;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use sidecarset_core::normalize::defaults::defaulted;
use sidecarset_core::revision::{Asked, DEFINITION, Fingerprint, Pin, Revision};
use std::str::FromStr;
use std::sync::Arc;

/// The past definitions of one SidecarSet.
pub struct Past<'a> {
    /// The set as it is.
    pub set: &'a SidecarSet,
    /// Its revisions, the newest one last.
    pub revisions: Vec<&'a Arc<Revision>>,
    /// The one that holds the present definition, where the operator has written it.
    pub present: Option<&'a Arc<Revision>>,
    /// The one that new Pods get in place of it.
    pub pinned: Option<&'a Arc<Revision>>,
}

/// What a person calls a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevisionName {
    /// Its number.
    Number(i64),
    /// The name of its ControllerRevision.
    Name(String),
}

impl<'a> Past<'a> {
    /// Returns the past of a set.
    ///
    /// # Errors
    /// There is no set of the name.
    pub fn of(snapshot: &'a Snapshot, name: &'a str) -> Result<Self, Failure> {
        let set = snapshot.set(name)?;
        let history = snapshot.catalog.revisions().of(name, set.metadata.uid.as_deref());
        let pin = snapshot.canonical(name).and_then(|set| set.pin.as_ref());
        Ok(Self {
            set,
            revisions: history.oldest_first(),
            present: history.with_definition(Fingerprint::of(&defaulted(&set.spec))),
            pinned: pin.and_then(|Pin { asked, .. }: &Pin| history.asked(asked as &Asked)),
        })
    }

    /// Returns the revision that is asked for.
    ///
    /// # Errors
    /// There is none.
    pub fn named(&self, asked: &RevisionName) -> Result<&'a Arc<Revision>, Failure> {
        let is_meant = |revision: &&&'a Arc<Revision>| match asked {
            RevisionName::Number(number) => revision.number == *number,
            RevisionName::Name(name) => *revision.name == **name,
        };
        let missing = || {
            let set = self.set.metadata.name.as_deref().unwrap_or_default();
            let asked = match asked {
                RevisionName::Number(number) => number.to_string(),
                RevisionName::Name(name) => format!("{name:?}"),
            };
            let numbers: Vec<String> = self.revisions.iter().map(|revision| revision.number.to_string()).collect();
            let hint = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
            Failure::new(format!("sidecarset {set:?} has no revision {asked}")).hinting(format!("it has {hint}"))
        };
        // Of one number the newest one is meant.
        self.revisions.iter().rfind(is_meant).copied().ok_or_else(missing)
    }

    /// Returns the newest revision that is older than another one.
    pub fn before(&self, revision: &Revision) -> Option<&'a Arc<Revision>> {
        let at = self.revisions.iter().position(|known| known.name == revision.name)?;
        self.revisions[..at].last().copied()
    }

    /// Returns the revision before the present definition.
    pub fn previous(&self) -> Option<&'a Arc<Revision>> {
        match self.present {
            Some(present) => self.before(present),
            None => self.revisions.last().copied(),
        }
    }
}

impl FromStr for RevisionName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        match text.parse() {
            Ok(number) if number >= 0 => Ok(Self::Number(number)),
            _ if text.is_empty() || text.starts_with('-') => {
                Err(Failure::new(format!("{text:?} is neither the number nor the name of a revision")))
            }
            _ => {
                let name = text.strip_prefix("controllerrevision.apps/").unwrap_or(text);
                Ok(Self::Name(name.to_owned()))
            }
        }
    }
}

/// Returns what a revision holds, as it was recorded.
///
/// # Errors
/// It cannot be read.
pub fn definition(revision: &Revision) -> Result<SidecarSetSpec, Failure> {
    let unreadable =
        |why| Failure::new(format!("revision {} ({}) cannot be read: {why}", revision.number, revision.name));
    revision.definition().map_err(unreadable)
}

/// Returns the members of a spec that revisions hold, without what only says nothing.
pub fn members(spec: &SidecarSetSpec) -> Map<String, Value> {
    let mut spec = serde_json::to_value(spec).unwrap_or_default();
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            // Revisions always have it, as Go writes it.
            if container.get("resources").and_then(Value::as_object).is_some_and(Map::is_empty) {
                container.remove("resources");
            }
        }
    }
    let said = DEFINITION.iter().filter_map(|member| Some((*member, spec.get(*member)?)));
    said.filter(|(_, value)| !value.is_null()).map(|(member, value)| (member.to_owned(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_called_by_its_number_or_its_name() {
        assert_eq!("3".parse::<RevisionName>().unwrap(), RevisionName::Number(3));
        for name in ["log-sc-5f6d95f777", "controllerrevision.apps/log-sc-5f6d95f777"] {
            assert_eq!(name.parse::<RevisionName>().unwrap(), RevisionName::Name("log-sc-5f6d95f777".to_owned()));
        }
        assert_eq!(
            "-1".parse::<RevisionName>().unwrap_err().to_string(),
            "\"-1\" is neither the number nor the name of a revision"
        );
    }
}
