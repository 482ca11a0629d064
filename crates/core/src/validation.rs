//! What is wrong with a SidecarSet: everything at once, each with the path of the field.

mod containers;

mod labels;
mod metadata;
mod spellings;
mod support;

pub(crate) use containers::check as containers;
pub(crate) use labels::{is_label_value, is_qualified_name};
pub(crate) use metadata::check as metadata;
pub(crate) use spellings::check as spellings;
pub(crate) use support::check as support;

use std::fmt::{self, Display};

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The path of the field, such as `spec.containers[0].name`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Everything that is wrong with an object, in the order in which it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds one.
    pub fn add(&mut self, path: impl Into<String>, message: impl Display) {
        self.0.push(Violation { path: path.into(), message: message.to_string() });
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

    /// Says whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
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
        for (at, violation) in self.0.iter().enumerate() {
            if at > 0 {
                out.write_str(", ")?;
            }
            violation.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}
