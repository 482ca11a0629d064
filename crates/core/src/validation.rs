//! What is wrong with a SidecarSet: everything at once, each with the path of the field.

mod annotations;
mod canary;
mod change;
mod choice;
mod conflicts;
mod container;
mod containers;
mod custom_version;
mod labels;
mod limits;
mod member;
mod metadata;
mod references;
mod resources;
mod rest;
mod scope;
mod size;
mod spellings;
mod syntax;
mod types;
mod unknown;
mod volumes;
mod warnings;
mod whitelist;

pub use canary::keeps_its_base;
pub use size::too_large;
pub use unknown::unknown_members;
pub use warnings::warnings;

pub(crate) use annotations::{APP_ARMOR_PREFIX, SECCOMP_OF_POD, SECCOMP_PREFIX, check_value, is_fixed_at_creation};
pub(crate) use canary::{base as canary_base, check as canary};
pub(crate) use containers::check as containers;
pub(crate) use custom_version::{author_version, check as custom_version};
pub(crate) use labels::{LONGEST_DNS_SUBDOMAIN, is_dns_subdomain};
pub use labels::{is_label_value, is_qualified_name};
pub(crate) use limits::check as limits;
pub(crate) use member::{REQUIRED, duplicate, out_of_range};
pub(crate) use metadata::check as metadata;
pub(crate) use resources::check as resources;
pub(crate) use rest::check as rest;
pub(crate) use spellings::check as spellings;
pub(crate) use unknown::as_known;
pub(crate) use whitelist::labels as permission_labels;
pub use whitelist::{Permissions, Whitelist, WithoutRule};

use crate::catalog::Catalog;
use crate::normalize::{CanonicalSet, defaults, normalize_with};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use std::fmt::{self, Display};

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The path of the field, such as `spec.containers[0].name`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// How many violations are told; the others are counted.
const MOST: usize = 100;
/// How many characters of a path or a message are told.
const LONGEST: usize = 1024;

/// Everything that is wrong with an object, in the order in which it was found.
// An object of three megabytes can be wrong in a million places: nobody reads that, and somebody has to hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    told: Vec<Violation>,
    /// How many there are beyond those.
    untold: usize,
}

/// A set that is written: as it is to be, and as it was.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// The set as it was written.
    pub set: &'a SidecarSet,
    /// Its spec with its defaults.
    pub spec: &'a SidecarSetSpec,
    /// The same in its canonical form.
    pub canonical: &'a CanonicalSet,
    /// The set as it was, if it is not new.
    pub old: Option<&'a SidecarSet>,
}

/// Says everything that is wrong with a set that is written, or, where nothing is, what its author should know. `more` is
/// what the caller found.
///
/// # Errors
/// Everything that is wrong with it, each with its path.
pub fn examine(
    set: &SidecarSet,
    old: Option<&SidecarSet>,
    catalog: &Catalog,
    more: Violations,
) -> Result<Vec<String>, Violations> {
    let mut violations = Violations::default();
    let spec = defaults::defaulted(&set.spec);
    let canonical = normalize_with(set, &spec).map_err(|found| violations.extend(found));
    violations.extend(more);
    catalog.check_pin(set, &mut violations);
    // The other sets are looked at once the set itself is understood.
    if let (Ok(canonical), true) = (canonical, violations.is_empty()) {
        let writing = Writing { set, spec: &spec, canonical: &canonical, old };
        writing.check(catalog, &mut violations);
        if violations.is_empty() {
            return Ok(warnings(writing, catalog));
        }
    }
    Err(violations)
}

impl Writing<'_> {
    /// Adds what does not fit the other sets, or what the set was before.
    pub fn check(&self, catalog: &Catalog, violations: &mut Violations) {
        if let Some(old) = self.old {
            change::check(&self.set.spec, &old.spec, violations);
        }
        canary::check_among(self.set, self.old, catalog, violations);
        conflicts::check(&self.set.spec, self.canonical, catalog, violations);
        scope::check(&self.set.spec, self.canonical, catalog, violations);
    }
}

impl Violations {
    /// Adds one.
    pub fn add(&mut self, path: impl Into<String>, message: impl Display) {
        if self.told.len() < MOST {
            self.told.push(Violation { path: cut(path.into()), message: cut(message.to_string()) });
        } else {
            self.untold += 1;
        }
    }

    /// Returns the value, or adds the error under `path`.
    pub fn take<T, E: Display>(&mut self, path: impl Into<String>, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(path, error);
                None
            }
        }
    }

    /// Adds all of these.
    pub fn extend(&mut self, more: Self) {
        let total = self.count() + more.count();
        self.told.extend(more.told);
        self.told.truncate(MOST);
        self.untold = total - self.told.len();
    }

    /// Returns how many there are, those included that are not told.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.len() + self.untold
    }

    /// Says whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Returns the first hundred of them one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.told.iter()
    }
}

/// Returns what a check finds in a part of a set.
#[cfg(test)]
fn found<T: serde::de::DeserializeOwned>(check: impl Fn(&T, &mut Violations), part: serde_json::Value) -> Vec<String> {
    let mut violations = Violations::default();
    check(&serde_json::from_value(part).unwrap(), &mut violations);
    violations.iter().map(ToString::to_string).collect()
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

impl Display for Violations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, violation) in self.told.iter().enumerate() {
            if at > 0 {
                out.write_str(", ")?;
            }
            violation.fmt(out)?;
        }
        if self.untold > 0 {
            write!(out, ", and {} more", self.untold)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_violations_are_told_and_the_others_counted() {
        let mut violations = Violations::default();
        for at in 0..99 {
            violations.add(format!("a[{at}]"), "is wrong");
        }
        let mut more = violations.clone();
        more.add("b", "is wrong");
        more.add("c", "is wrong");

        violations.extend(more);

        assert_eq!((violations.iter().count(), violations.count()), (100, 200));
        assert!(violations.to_string().ends_with("a[98]: is wrong, a[0]: is wrong, and 100 more"));
    }

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let mut violations = Violations::default();
        violations.add("ä".repeat(1024), "ä".repeat(1025));

        let violation = violations.iter().next().unwrap();

        assert_eq!(violation.path, "ä".repeat(1024));
        assert_eq!(violation.message, "ä".repeat(1024) + "…");
    }
}
