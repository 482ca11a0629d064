//! Regular expressions as Go reads them, for texts of ASCII: names of containers, keys of annotations.
//!
//! What Go does not take is refused, and what it takes means the same: the expression is read here, and only what it means
//! is handed on to the engine.

mod class;
mod escape;
mod parser;
#[cfg(test)]
mod tests;

use regex::bytes::{Regex, RegexBuilder};
use std::fmt::{self, Display};

/// A regular expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

/// Why a text is not a regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePatternError {
    /// Go does not take it.
    #[error("is not a regular expression: {0}")]
    Syntax(String),
    /// Matching it would take too much memory.
    #[error("is too large")]
    TooLarge,
}

/// How large a regular expression may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The longest text, in bytes: it is read whole before its size is known.
    pub length: usize,
    /// The memory that it may take to match, in bytes.
    pub memory: usize,
}

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// Go does not take it, or it is too large.
    pub fn parse(text: &str, bounds: Bounds) -> Result<Self, ParsePatternError> {
        if text.len() > bounds.length {
            return Err(ParsePatternError::TooLarge);
        }
        let meaning = parser::meaning(text)?;
        let mut builder = RegexBuilder::new(&meaning);
        builder.unicode(false).size_limit(bounds.memory).dfa_size_limit(bounds.memory);
        // What was read is an expression, so all that can be wrong with it is its size.
        let regex = builder.build().map_err(|_| ParsePatternError::TooLarge)?;
        Ok(Self { text: text.into(), regex })
    }

    /// Says whether some part of a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
