//! The types of an expression: which values can be combined, known from the text alone.

use super::evaluation::{Amount, Node};
use super::operator::Operator;
use super::{ParseExpressionError, Resource};
use crate::quantity::Quantity;

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Value {
    /// A plain number. It is known at once: the variable is a quantity.
    Number(f64),
    /// A quantity, which may depend on the variable.
    Quantity(Node),
}

/// Which of two values a function returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extremum {
    Largest,
    Smallest,
}

impl Extremum {
    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Largest, Self::Smallest].into_iter().find(|it| name.eq_ignore_ascii_case(it.name()))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Largest => "max",
            Self::Smallest => "min",
        }
    }
}

impl Value {
    pub(super) fn of(quantity: &Quantity) -> Self {
        Self::Quantity(Node::Constant(Amount::of(quantity)))
    }

    pub(super) fn variable() -> Self {
        Self::Quantity(Node::Variable)
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Number(number) => Self::Number(-number),
            Self::Quantity(node) => Self::Quantity(Node::Negative(Box::new(node))),
        }
    }

    pub(super) fn combined(self, operator: Operator, right: Self) -> Result<Self, ParseExpressionError> {
        match operator {
            Operator::Plus => self.added(right, |one, other| one + other, Node::Sum),
            Operator::Minus => self.added(right, |one, other| one - other, Node::Difference),
            Operator::Times => self.multiplied(right),
            Operator::Over => self.divided(right),
        }
    }

    /// Returns the larger or the smaller of two, and the first where they are equal.
    pub(super) fn extreme(self, extremum: Extremum, other: Self) -> Self {
        match (self, other, extremum) {
            (Self::Number(one), Self::Number(other), Extremum::Largest) => {
                Self::Number(if other > one { other } else { one })
            }
            (Self::Number(one), Self::Number(other), Extremum::Smallest) => {
                Self::Number(if other < one { other } else { one })
            }
            (one, other, extremum) => {
                Self::Quantity(Node::Extreme(extremum, Box::new(one.into_node()), Box::new(other.into_node())))
            }
        }
    }

    /// Returns the whole expression as an amount of a resource.
    pub(super) fn into_root(self, resource: Resource) -> Node {
        match self {
            Self::Number(number) => Node::Constant(Amount::plain(resource.amount_of(number))),
            Self::Quantity(node) => node,
        }
    }

    fn added(
        self,
        right: Self,
        numbers: fn(f64, f64) -> f64,
        node: fn(Box<Node>, Box<Node>) -> Node,
    ) -> Result<Self, ParseExpressionError> {
        match (self, right) {
            (Self::Number(left), Self::Number(right)) => finite(numbers(left, right)),
            (left, right) => Ok(Self::Quantity(node(Box::new(left.into_node()), Box::new(right.into_node())))),
        }
    }

    fn multiplied(self, right: Self) -> Result<Self, ParseExpressionError> {
        match (self, right) {
            (Self::Number(left), Self::Number(right)) => finite(left * right),
            (Self::Quantity(node), Self::Number(factor)) | (Self::Number(factor), Self::Quantity(node)) => {
                Ok(Self::Quantity(Node::Product(Box::new(node), factor)))
            }
            (Self::Quantity(_), Self::Quantity(_)) => Err(ParseExpressionError::Product),
        }
    }

    fn divided(self, right: Self) -> Result<Self, ParseExpressionError> {
        match (self, right) {
            (_, Self::Quantity(_)) => Err(ParseExpressionError::Divisor),
            (_, Self::Number(0.0)) => Err(ParseExpressionError::DivisionByZero),
            (Self::Number(left), Self::Number(divisor)) => finite(left / divisor),
            (Self::Quantity(node), Self::Number(divisor)) => {
                Ok(Self::Quantity(Node::Quotient(Box::new(node), divisor)))
            }
        }
    }

    // As in Kruise: beside a quantity, a plain number has thousandths, whatever the resource is.
    fn into_node(self) -> Node {
        match self {
            Self::Number(number) => Node::Constant(Amount::plain(Resource::Cpu.amount_of(number))),
            Self::Quantity(node) => node,
        }
    }
}

fn finite(number: f64) -> Result<Value, ParseExpressionError> {
    if number.is_finite() { Ok(Value::Number(number)) } else { Err(ParseExpressionError::Infinite) }
}
