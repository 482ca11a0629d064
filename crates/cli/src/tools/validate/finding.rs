//! Something that is wrong in a file, and where.

use crate::tools::manifest::{Fault, Place};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::fmt::{self, Display};
use std::sync::Arc;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Whether something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is.
    Error,
    /// It is not, but may surprise.
    Warning,
}

/// Which kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The file is neither YAML nor JSON.
    Unreadable,
    /// The definition of SidecarSet does not allow it: the field is unknown, or its value of a wrong type.
    Schema,
    /// The operator refuses it.
    Invalid,
    /// The operator takes it, with a warning.
    Surprising,
    /// Only a cluster can tell whether it is refused.
    Undecided,
}

/// A SidecarSet of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetName {
    /// The file.
    pub file: Arc<str>,
    /// The name of the set.
    pub name: String,
}

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: Arc<str>,
    /// Where in it.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it is refused.
    pub severity: Severity,
    /// Which kind of thing is wrong.
    pub rule: Rule,
    /// The name of the set; nothing where the file cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The path of the field in the set.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl Finding {
    /// Says whether it is of this set.
    pub fn is_of(&self, set: &SetName) -> bool {
        self.file == set.file && self.set.as_deref() == Some(&set.name)
    }
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 5] = [Self::Unreadable, Self::Schema, Self::Invalid, Self::Surprising, Self::Undecided];

    /// Returns its name for machines.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Schema => "schema",
            Self::Invalid => "invalid",
            Self::Surprising => "surprising",
            Self::Undecided => "undecided",
        }
    }

    /// Returns what it says, in a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Unreadable => "A file has to be YAML or JSON.",
            Self::Schema => "A SidecarSet has the fields that its definition knows, of the types that it says.",
            Self::Invalid => "A SidecarSet is one that the operator can act on.",
            Self::Surprising => "A SidecarSet does what its author expects.",
            Self::Undecided => "What a SidecarSet names is there.",
        }
    }
}

impl From<Fault> for Finding {
    fn from(Fault { file, place, message }: Fault) -> Self {
        let (severity, rule) = (Severity::Error, Rule::Unreadable);
        Self { file, place, severity, rule, set: None, path: String::new(), message }
    }
}

impl Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(out, "{}:{line}:{column}: ", self.file)?;
        match self.severity {
            Severity::Error => write!(out, "{RED}error:{RED:#} ")?,
            Severity::Warning => write!(out, "{YELLOW}warning:{YELLOW:#} ")?,
        }
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}
