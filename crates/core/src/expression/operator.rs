//! The operators between two values.

use std::fmt::{self, Display, Write};

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// How tight operators bind. The tighter is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    /// Nothing binds less.
    None,
    Sum,
    Product,
}

impl Operator {
    pub(super) fn of(symbol: char) -> Option<Self> {
        Some(match symbol {
            '+' => Self::Plus,
            '-' => Self::Minus,
            '*' => Self::Times,
            '/' => Self::Over,
            _ => return None,
        })
    }

    pub(super) fn binding(self) -> Binding {
        match self {
            Self::Plus | Self::Minus => Binding::Sum,
            Self::Times | Self::Over => Binding::Product,
        }
    }
}

impl Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char(match self {
            Self::Plus => '+',
            Self::Minus => '-',
            Self::Times => '*',
            Self::Over => '/',
        })
    }
}
