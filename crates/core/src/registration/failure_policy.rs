//! What becomes of an object about which nobody can be asked.

use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};
use std::str::FromStr;

/// What the API server does with an object about which it cannot ask us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FailurePolicy {
    /// It refuses the object.
    #[default]
    Fail,
    /// It writes the object as if we had allowed it.
    Ignore,
}

/// A text that is not a failure policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of Fail, Ignore")]
pub struct ParseFailurePolicyError {
    text: String,
}

impl FromStr for FailurePolicy {
    type Err = ParseFailurePolicyError;

    fn from_str(text: &str) -> Result<Self, ParseFailurePolicyError> {
        match text {
            "Fail" => Ok(Self::Fail),
            "Ignore" => Ok(Self::Ignore),
            _ => Err(ParseFailurePolicyError { text: text.to_owned() }),
        }
    }
}

impl Display for FailurePolicy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        })
    }
}
