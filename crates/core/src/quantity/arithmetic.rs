//! Quantities as whole thousandths, which is how amounts of resources are added and compared.

use super::{Format, LARGEST_BINARY, MILLI, Quantity};

/// The largest quantity that Kubernetes promises to keep, 2^63-1, in thousandths.
const LARGEST: i128 = LARGEST_BINARY * 1000;

impl Quantity {
    /// Returns a number of thousandths as a quantity, capped at 2^63-1 in either direction.
    #[must_use]
    pub fn from_millis(millis: i128, format: Format) -> Self {
        Self { mantissa: millis.clamp(-LARGEST, LARGEST), exponent: MILLI, format, written: None }
    }

    /// Returns the quantity in thousandths, rounded away from zero and capped at 2^63-1 in either direction.
    #[must_use]
    pub fn millis(&self) -> i128 {
        let rounded = self.clone().rounded_away_from_zero(MILLI);
        let power = u32::try_from(rounded.exponent - MILLI).ok().and_then(|power| 10_i128.checked_pow(power));
        // A power that does not fit is larger than any number we hold.
        let millis = rounded.mantissa.saturating_mul(power.unwrap_or(i128::MAX));
        millis.clamp(-LARGEST, LARGEST)
    }

    /// Returns what a text says in thousandths, where it is written as most are: some digits, and a suffix of whole amounts or
    /// `m`. Of any other text it says nothing, whether it is a quantity or not.
    #[must_use]
    pub fn plain_millis(text: &str) -> Option<i128> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, suffix) = text.split_at(digits);
        let factor = match suffix {
            "m" => 1,
            "" => 1000,
            "k" => 1_000_000,
            "M" => 1_000_000_000,
            "G" => 1_000_000_000_000,
            "Ki" => 1000 << 10,
            "Mi" => 1000 << 20,
            "Gi" => 1000 << 30,
            _ => return None,
        };
        // Few enough digits that the product is less than the largest quantity.
        (1..=9).contains(&digits).then(|| number.parse::<i128>().ok().map(|number| number * factor)).flatten()
    }

    /// Returns none of anything.
    #[must_use]
    pub fn zero() -> Self {
        Self::from_millis(0, Format::DecimalSi)
    }

    /// Returns the sum in thousandths. As in Go, it is written like the first, unless that is zero.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let format = if self.mantissa == 0 { other.format } else { self.format };
        Self::from_millis(self.millis() + other.millis(), format)
    }

    /// Returns the family of suffixes that it is written with.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> i128 {
        Quantity::parse(text).unwrap().millis()
    }

    #[test]
    fn a_quantity_is_counted_in_thousandths() {
        for (text, expected) in
            [("0", 0), ("1", 1000), ("250m", 250), ("1Ki", 1_024_000), ("-1500m", -1500), ("2e3", 2_000_000)]
        {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn a_plain_text_says_the_same_without_being_parsed() {
        for text in ["0", "007", "250m", "16", "3k", "3M", "3G", "64Ki", "512Mi", "999999999Gi", "1"] {
            assert_eq!(Quantity::plain_millis(text), Some(millis(text)), "{text}");
        }
        for text in ["", "m", "1.5", "-1", "+1", "1e3", "1T", "1u", "1 ", "9999999999", "1E"] {
            assert_eq!(Quantity::plain_millis(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_thousandth_is_rounded_away_from_zero() {
        assert_eq!((millis("1u"), millis("-1n"), millis("1.0001")), (1, -1, 1001));
    }

    #[test]
    fn what_is_beyond_the_largest_quantity_is_capped() {
        for text in ["9223372036854775807", "10E", "999999999999999999999999999999999999", "1e2000000000"] {
            assert_eq!(millis(text), 9_223_372_036_854_775_807_000, "{text}");
        }
        assert_eq!(millis("-1e30"), -9_223_372_036_854_775_807_000);
        assert_eq!(Quantity::from_millis(i128::MAX, Format::BinarySi).canonical(), "9223372036854775807");
        assert_eq!(Quantity::from_millis(i128::MIN, Format::DecimalSi).canonical(), "-9223372036854775807");
    }

    #[test]
    fn a_sum_is_written_like_its_first_part_unless_that_is_zero() {
        for (one, other, expected) in
            [("1Ki", "1k", "2024"), ("512Mi", "512Mi", "1Gi"), ("0", "1Gi", "1Gi"), ("100m", "1", "1100m")]
        {
            let sum = Quantity::parse(one).unwrap().plus(&Quantity::parse(other).unwrap());

            assert_eq!(sum.canonical(), expected);
        }
    }

    #[test]
    fn thousandths_are_written_with_suffixes_of_the_family_that_say_them_exactly() {
        for (millis, format, expected) in [
            (0, Format::BinarySi, "0"),
            (300, Format::DecimalSi, "300m"),
            (2000, Format::DecimalSi, "2"),
            (2_000_000, Format::DecimalSi, "2k"),
            (2_000_000, Format::DecimalExponent, "2e3"),
            (268_435_456_000, Format::BinarySi, "256Mi"),
            (53_687_091_200, Format::BinarySi, "53687091200m"),
            (512_000, Format::BinarySi, "512"),
            (-1_048_576_000, Format::BinarySi, "-1Mi"),
        ] {
            assert_eq!(Quantity::from_millis(millis, format).canonical(), expected);
        }
    }
}
