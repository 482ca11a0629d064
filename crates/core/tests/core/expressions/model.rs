//! Expressions as a naive reader understands them: trees of whole thousandths, written with as few parentheses as
//! the rules of precedence ask for.

use proptest::prelude::*;

#[derive(Debug, Clone)]
pub enum Model {
    Variable,
    Millis(i64),
    Negative(Box<Model>),
    Sum(Box<Model>, Box<Model>),
    Difference(Box<Model>, Box<Model>),
    Product(Box<Model>, i64),
    Quotient(Box<Model>, i64),
    Largest(Box<Model>, Box<Model>),
    Smallest(Box<Model>, Box<Model>),
}

/// Trees whose values stay below a million million.
pub fn model() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![Just(Model::Variable), (0_i64..1_000_000).prop_map(Model::Millis)];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let two = || (one(), one());
        prop_oneof![
            one().prop_map(Model::Negative),
            two().prop_map(|(left, right)| Model::Sum(left, right)),
            two().prop_map(|(left, right)| Model::Difference(left, right)),
            (one(), -3_i64..4).prop_map(|(node, factor)| Model::Product(node, factor)),
            (one(), prop_oneof![-7_i64..0, 1_i64..8]).prop_map(|(node, divisor)| Model::Quotient(node, divisor)),
            two().prop_map(|(left, right)| Model::Largest(left, right)),
            two().prop_map(|(left, right)| Model::Smallest(left, right)),
        ]
    })
}

impl Model {
    pub fn value(&self, variable: i128) -> i128 {
        let of = |node: &Self| node.value(variable);
        match self {
            Self::Variable => variable,
            Self::Millis(millis) => i128::from(*millis),
            Self::Negative(node) => -of(node),
            Self::Sum(left, right) => of(left) + of(right),
            Self::Difference(left, right) => of(left) - of(right),
            Self::Product(node, factor) => of(node) * i128::from(*factor),
            Self::Quotient(node, divisor) => of(node) / i128::from(*divisor),
            Self::Largest(left, right) => of(left).max(of(right)),
            Self::Smallest(left, right) => of(left).min(of(right)),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Variable => "cpu".to_owned(),
            Self::Millis(millis) => format!("{millis}m"),
            Self::Negative(node) => format!("-{}", node.text_in(3)),
            Self::Sum(left, right) => format!("{} + {}", left.text_in(1), right.text_in(2)),
            Self::Difference(left, right) => format!("{} - {}", left.text_in(1), right.text_in(2)),
            Self::Product(node, factor) => format!("{} * {factor}", node.text_in(2)),
            Self::Quotient(node, divisor) => format!("{} / {divisor}", node.text_in(2)),
            Self::Largest(left, right) => format!("max({}, {})", left.text(), right.text()),
            Self::Smallest(left, right) => format!("min({}, {})", left.text(), right.text()),
        }
    }

    fn text_in(&self, least: u8) -> String {
        if self.binding() < least { format!("({})", self.text()) } else { self.text() }
    }

    fn binding(&self) -> u8 {
        match self {
            Self::Sum(..) | Self::Difference(..) => 1,
            Self::Product(..) | Self::Quotient(..) => 2,
            Self::Variable | Self::Millis(_) | Self::Negative(_) | Self::Largest(..) | Self::Smallest(..) => 3,
        }
    }
}
