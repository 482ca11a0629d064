//! The value of an expression for one Pod. Nothing here fails: numbers that are too large are capped.

use super::value::Extremum;
use crate::quantity::{Format, Quantity};

/// Whole numbers up to here are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A part of an expression whose value is a quantity.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Constant(Amount),
    /// What the application has.
    Variable,
    Negative(Box<Node>),
    Sum(Box<Node>, Box<Node>),
    Difference(Box<Node>, Box<Node>),
    Product(Box<Node>, f64),
    /// The divisor is not zero.
    Quotient(Box<Node>, f64),
    Extreme(Extremum, Box<Node>, Box<Node>),
}

/// A quantity, as far as it is computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) millis: i128,
    /// The suffixes it is written with. A plain number has none of its own.
    format: Option<Format>,
}

impl Amount {
    pub(super) fn of(quantity: &Quantity) -> Self {
        Self { millis: quantity.millis(), format: Some(quantity.format()) }
    }

    pub(super) fn plain(millis: i128) -> Self {
        Self { millis, format: None }
    }

    pub(super) fn or_zero(self) -> Self {
        Self { millis: self.millis.max(0), ..self }
    }

    pub(super) fn into_quantity(self) -> Quantity {
        Quantity::from_millis(self.millis, self.format.unwrap_or(Format::DecimalSi))
    }

    // As in Go: the sum is written like the first, unless that is zero.
    fn combined(self, other: Self, millis: fn(i128, i128) -> i128) -> Self {
        let format = if self.millis == 0 { other.format.or(self.format) } else { self.format.or(other.format) };
        Self { millis: millis(self.millis, other.millis), format }
    }
}

impl Node {
    /// Returns the value where the application has this much.
    // The depth is bounded by the length of the text.
    pub(super) fn evaluate(&self, variable: Amount) -> Amount {
        let value = |node: &Self| node.evaluate(variable);
        match self {
            Self::Constant(amount) => *amount,
            Self::Variable => variable,
            Self::Negative(node) => changed(value(node), i128::saturating_neg),
            Self::Sum(left, right) => value(left).combined(value(right), i128::saturating_add),
            Self::Difference(left, right) => value(left).combined(value(right), i128::saturating_sub),
            Self::Product(node, factor) => changed(value(node), |millis| multiplied(millis, *factor)),
            Self::Quotient(node, divisor) => changed(value(node), |millis| divided(millis, *divisor)),
            Self::Extreme(extremum, left, right) => extreme(*extremum, value(left), value(right)),
        }
    }

    /// Says whether the value is the same for every Pod.
    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Variable => false,
            Self::Negative(node) | Self::Product(node, _) | Self::Quotient(node, _) => node.is_constant(),
            Self::Sum(left, right) | Self::Difference(left, right) | Self::Extreme(_, left, right) => {
                left.is_constant() && right.is_constant()
            }
        }
    }
}

fn changed(amount: Amount, millis: impl FnOnce(i128) -> i128) -> Amount {
    Amount { millis: millis(amount.millis), ..amount }
}

/// Returns the one that is asked for, and the first where they are equal.
fn extreme(extremum: Extremum, one: Amount, other: Amount) -> Amount {
    let is_other = match extremum {
        Extremum::Largest => other.millis > one.millis,
        Extremum::Smallest => other.millis < one.millis,
    };
    if is_other { other } else { one }
}

/// Multiplies, and cuts off what is finer than a thousandth.
// As in Kruise: a factor with a fraction is a float, so 29% of 100m are 28m. Whole factors are exact.
fn multiplied(millis: i128, factor: f64) -> i128 {
    match whole(factor) {
        Some(factor) => millis.saturating_mul(factor),
        None => (millis as f64 * factor) as i128,
    }
}

fn divided(millis: i128, divisor: f64) -> i128 {
    match whole(divisor) {
        Some(divisor) => millis.saturating_div(divisor),
        None => (millis as f64 / divisor) as i128,
    }
}

fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i128)
}
