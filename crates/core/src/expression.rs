//! The small language in which the resources of a sidecar are computed from those of the application, such as
//! `max(cpu*50%, 50m)`.
//!
//! A value is a plain number or a quantity, and which of the two is known from the text alone: the variable is
//! always a quantity. So everything that can go wrong does so when an expression is read; evaluating it never fails.

mod evaluation;
mod lexer;
mod operator;
mod parser;
mod value;

use crate::quantity::Quantity;
use evaluation::{Amount, Node};
use std::fmt::{self, Display};

/// The longest text that is read, in bytes.
const LONGEST: usize = 1024;
/// How deep parentheses, calls and minus signs may be nested.
const DEEPEST: usize = 64;

/// A resource of a container that is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Time on processors.
    Cpu,
    /// Memory.
    Memory,
}

/// An expression for an amount of a resource. Every Pod has a value for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
}

/// What an expression says for one Pod.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The value, never below zero.
    pub quantity: Quantity,
    /// The value as it was computed, where that is below zero.
    pub below_zero: Option<Quantity>,
}

/// Why a text is not an expression that has a value for every Pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseExpressionError {
    /// It is too long.
    #[error("must not be longer than {LONGEST} bytes")]
    TooLong,
    /// It is nested too deep.
    #[error("must not be nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// A character that nothing begins with.
    #[error("{0:?} has no meaning in an expression")]
    Character(char),
    /// Something that begins like a number.
    #[error("{0:?} is neither a number nor a quantity with one of the suffixes m, k, M, G, T, P, Ki, Mi, Gi, Ti, Pi")]
    Number(String),
    /// Something is where it cannot be.
    #[error("unexpected {0:?}")]
    Unexpected(String),
    /// Something is missing at the end.
    #[error("ends too early")]
    Incomplete,
    /// A name with arguments that is no function.
    #[error("{0:?} is not a function: there are max and min")]
    Function(String),
    /// A function has another number of arguments.
    #[error("{function} takes exactly 2 arguments, not {count}")]
    Arguments {
        /// The function.
        function: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A name that is no variable.
    #[error("{0:?} is not a variable: there are cpu and memory")]
    Variable(String),
    /// Both names of the variable are used.
    #[error("must not use both cpu and memory: either of them stands for the amount of the resource that is computed")]
    TwoVariables,
    /// Two quantities are multiplied.
    #[error("must not multiply two quantities")]
    Product,
    /// Something is divided by a quantity.
    #[error("must not divide by a quantity")]
    Divisor,
    /// Something is divided by zero.
    #[error("must not divide by zero")]
    DivisionByZero,
    /// A plain number is too large.
    #[error("has a number that is too large")]
    Infinite,
    /// A value that is the same for every Pod is below zero.
    #[error("must not be negative, but is {0}")]
    Negative(String),
    /// The value is below zero for every amount that was tried.
    #[error("must not be negative, but is for {0} and is never positive")]
    NeverPositive(String),
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Memory];

    /// Returns the name that it has in a Pod.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }

    /// The amounts that an expression is tried with when it is read: from nothing to what a large Pod has.
    const fn samples(self) -> [&'static str; 5] {
        match self {
            Self::Cpu => ["0", "1m", "100m", "1", "64"],
            Self::Memory => ["0", "1", "64Mi", "1Gi", "1Ti"],
        }
    }

    /// Returns a plain number as an amount of the resource: bytes are whole, processors have thousandths.
    fn amount_of(self, number: f64) -> i128 {
        // As in Kruise: fractions are cut off. A cast from a float is capped.
        match self {
            Self::Cpu => (number * 1000.0) as i128,
            Self::Memory => (number as i128).saturating_mul(1000),
        }
    }
}

impl Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Expression {
    /// Reads an expression for an amount of a resource.
    ///
    /// # Errors
    /// It cannot be understood, or has no sensible value.
    pub fn parse(text: &str, resource: Resource) -> Result<Self, ParseExpressionError> {
        if text.len() > LONGEST {
            return Err(ParseExpressionError::TooLong);
        }
        let root = parser::parse(lexer::tokens(text)?)?.into_root(resource);
        let expression = Self { text: text.to_owned(), root };
        expression.try_out(resource)?;
        Ok(expression)
    }

    /// Returns the value for a Pod whose application has this much of the resource.
    #[must_use]
    pub fn evaluate(&self, aggregate: &Quantity) -> Evaluation {
        let amount = self.root.evaluate(Amount::of(aggregate));
        let below_zero = (amount.millis < 0).then(|| amount.into_quantity());
        Evaluation { quantity: amount.or_zero().into_quantity(), below_zero }
    }

    /// Returns the text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses an expression that is of no use because it is never positive.
    fn try_out(&self, resource: Resource) -> Result<(), ParseExpressionError> {
        let value = |sample: &str| Quantity::parse(sample).map(|sample| self.root.evaluate(Amount::of(&sample)));
        let tried: Vec<(&str, Amount)> =
            resource.samples().into_iter().filter_map(|sample| Some((sample, value(sample).ok()?))).collect();
        let negative: Vec<&(&str, Amount)> = tried.iter().filter(|(_, amount)| amount.millis < 0).collect();
        match negative.as_slice() {
            [] => Ok(()),
            _ if tried.iter().any(|(_, amount)| amount.millis > 0) => Ok(()),
            [(_, amount), ..] if self.root.is_constant() => {
                Err(ParseExpressionError::Negative(amount.into_quantity().canonical()))
            }
            negative => {
                let samples: Vec<String> = negative.iter().map(|(sample, _)| format!("{resource} {sample}")).collect();
                Err(ParseExpressionError::NeverPositive(samples.join(", ")))
            }
        }
    }
}
