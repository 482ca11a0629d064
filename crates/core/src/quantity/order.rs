//! Comparing amounts.

use super::Quantity;
use std::cmp::Ordering;

impl Quantity {
    /// Compares the amounts, however they are written.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.mantissa.signum(), other.mantissa.signum()) {
            (1, 1) => self.compare_magnitude(other),
            (-1, -1) => other.compare_magnitude(self),
            (sign, other) => sign.cmp(&other),
        }
    }

    /// Says whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// Says whether it is less than nothing.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.mantissa < 0
    }

    /// Says whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let (mantissa, exponent) = self.shortest();
        mantissa == 0 || exponent >= 0
    }

    /// Says whether it is a whole number of `unit`s, and the unit a whole number above 0. What is too large to tell
    /// is not.
    #[must_use]
    pub fn is_multiple_of(&self, unit: &Self) -> bool {
        match (self.whole(), unit.whole()) {
            (Some(amount), Some(unit)) => unit > 0 && amount % unit == 0,
            _ => false,
        }
    }

    /// Compares two amounts by their distance from 0; neither is 0.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let (one, one_exponent) = self.shortest();
        let (two, two_exponent) = other.shortest();
        let digits = |mantissa: i128| i64::from(mantissa.unsigned_abs().ilog10());
        let magnitude = (digits(one) + one_exponent).cmp(&(digits(two) + two_exponent));
        // With their first digits at the same place, they are as many digits long as the longer one.
        let scaled = |mantissa: i128, exponent: i64| {
            let zeros = u32::try_from(exponent - one_exponent.min(two_exponent)).unwrap_or_default();
            mantissa.unsigned_abs().saturating_mul(10_u128.saturating_pow(zeros))
        };
        magnitude.then_with(|| scaled(one, one_exponent).cmp(&scaled(two, two_exponent)))
    }

    /// Returns the mantissa without the zeros at its end, and the exponent that goes with it.
    fn shortest(&self) -> (i128, i64) {
        let (mut mantissa, mut exponent) = (self.mantissa, self.exponent);
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        (mantissa, exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn amounts_are_compared_however_they_are_written() {
        for (smaller, larger) in
            [("1", "1001m"), ("1Ki", "1025"), ("-1", "0"), ("-2", "-1"), ("999Mi", "1Gi"), ("1n", "1e30"), ("0", "1n")]
        {
            assert_eq!(quantity(smaller).compare(&quantity(larger)), Ordering::Less, "{smaller} {larger}");
            assert_eq!(quantity(larger).compare(&quantity(smaller)), Ordering::Greater, "{larger} {smaller}");
        }
        for (one, other) in [("1000m", "1"), ("1Gi", "1024Mi"), ("1e3", "1k"), ("0", "-0"), ("0", "0Ki")] {
            assert_eq!(quantity(one).compare(&quantity(other)), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        for (text, expected) in
            [("1", true), ("1000m", true), ("1m", false), ("1.5Gi", true), ("0", true), ("1e9", true)]
        {
            assert_eq!(quantity(text).is_whole(), expected, "{text}");
        }
    }

    #[test]
    fn huge_pages_come_in_whole_pages() {
        assert!(quantity("4Mi").is_multiple_of(&quantity("2Mi")));
        assert!(!quantity("3Mi").is_multiple_of(&quantity("2Mi")));
        assert!(!quantity("3Mi").is_multiple_of(&quantity("0")));
    }
}
