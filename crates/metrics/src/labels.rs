//! The values that a label may have.

use prometheus_client::encoding::MetricEncoder;
use std::fmt::{self, Debug};

/// A closed set of labels: for each of its values there is a series, from the start.
pub trait Labels: Copy + Debug + Send + Sync + 'static {
    /// How many values there are.
    const COUNT: usize;

    /// Returns every value, in the order of their indices.
    fn all() -> impl Iterator<Item = Self>;

    /// Returns where this value is among all: below [`Self::COUNT`].
    fn index(self) -> usize;

    /// Returns the labels as they are written.
    fn written(self) -> Vec<(&'static str, &'static str)>;
}

/// No label: there is one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoLabels;

impl Labels for NoLabels {
    const COUNT: usize = 1;

    fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self)
    }

    fn index(self) -> usize {
        0
    }

    fn written(self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// Writes the series of some labels. Without any, there are no braces either.
pub(crate) fn write_series(
    labels: impl Labels,
    encoder: &mut MetricEncoder<'_>,
    write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    let written = labels.written();
    if written.is_empty() { write(encoder) } else { write(&mut encoder.encode_family(&written)?) }
}

/// Every value of the one with every value of the other.
impl<A: Labels, B: Labels> Labels for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn all() -> impl Iterator<Item = Self> {
        A::all().flat_map(|one| B::all().map(move |other| (one, other)))
    }

    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }

    fn written(self) -> Vec<(&'static str, &'static str)> {
        [self.0.written(), self.1.written()].concat()
    }
}

/// Defines a label: its name, and an enum with a variant for each of its values.
#[macro_export]
macro_rules! label {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident: $label:literal {
            $($(#[$meaning:meta])* $variant:ident = $value:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$meaning])* $variant,)+
        }

        impl $crate::Labels for $name {
            const COUNT: usize = [$($value),+].len();

            fn all() -> impl Iterator<Item = Self> {
                [$(Self::$variant),+].into_iter()
            }

            fn index(self) -> usize {
                self as usize
            }

            fn written(self) -> Vec<(&'static str, &'static str)> {
                let value = match self {
                    $(Self::$variant => $value,)+
                };
                vec![($label, value)]
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    label! {
        /// A colour.
        enum Colour: "colour" {
            Red = "red",
            Green = "green",
        }
    }

    label! {
        /// A size.
        enum Size: "size" {
            Small = "s",
            Medium = "m",
            Large = "l",
        }
    }

    #[test]
    fn every_combination_has_a_place_of_its_own() {
        let places: Vec<_> = <(Colour, Size)>::all().map(Labels::index).collect();

        assert_eq!(places, [0, 1, 2, 3, 4, 5]);
        assert_eq!(<(Colour, Size)>::COUNT, 6);
    }

    #[test]
    fn a_combination_is_written_with_both_labels() {
        assert_eq!((Colour::Green, Size::Medium).written(), [("colour", "green"), ("size", "m")]);
    }
}
