//! Amounts of a resource, such as `500m` or `1.5Gi`, read and written as Go's `resource.Quantity` does.

mod arithmetic;
mod order;
mod text;

use crate::json::float_as_go;
use serde_json::Value;
use text::{Parts, Suffix};

/// The most decimal digits that a quantity may need; two more still fit the number that holds them.
const MAX_DIGITS: usize = 36;
/// The finest step there is, as a power of ten.
const NANO: i64 = -9;
const MILLI: i64 = -3;
const LARGEST_BINARY: i128 = i64::MAX as i128;
const DECIMAL_SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// An amount of a resource: an exact number, and the family of suffixes it is written with.
#[derive(Debug, Clone)]
pub struct Quantity {
    mantissa: i128,
    /// The power of ten that the mantissa is multiplied with; never below nano.
    exponent: i64,
    format: Format,
    /// The text it was read from, where that is what Go prints again.
    written: Option<String>,
}

/// Why a text or a JSON value is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantityError {
    /// The text is not a number followed by a suffix.
    #[error("{text:?} is not a number with an optional suffix")]
    Malformed {
        /// The whole text.
        text: String,
    },
    /// The number is followed by something that is not a suffix.
    #[error("{suffix:?} is not a suffix of a quantity")]
    UnknownSuffix {
        /// What follows the number.
        suffix: String,
    },
    /// The number cannot be held exactly.
    #[error("{text:?} has more than 36 digits")]
    TooLong {
        /// The whole text.
        text: String,
    },
    /// The JSON value is a bool, a list or an object.
    #[error("a quantity is a string or a number")]
    WrongType,
}

/// The family of suffixes that a quantity is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `m`, `k`, `M` and so on: powers of ten.
    DecimalSi,
    /// `e3`: powers of ten, as numbers.
    DecimalExponent,
    /// `Ki`, `Mi` and so on: powers of two.
    BinarySi,
}

impl Quantity {
    /// Reads a quantity. What is finer than a nano is rounded away from zero, and a binary quantity is capped at
    /// 2^63-1. As in Go, a sign or a suffix without a digit is read as zero.
    pub fn parse(text: &str) -> Result<Self, ParseQuantityError> {
        let parts = Parts::split(text).ok_or_else(|| ParseQuantityError::Malformed { text: text.to_owned() })?;
        let suffix =
            parts.suffix().ok_or_else(|| ParseQuantityError::UnknownSuffix { suffix: parts.suffix.to_owned() })?;
        if !parts.has_digit && !parts.is_short(suffix) {
            return Err(ParseQuantityError::Malformed { text: text.to_owned() });
        }
        let quantity = exact(&parts, suffix).ok_or_else(|| ParseQuantityError::TooLong { text: text.to_owned() })?;
        let quantity = Self { written: parts.prints_as_written(suffix).then(|| text.to_owned()), ..quantity };
        Ok(if parts.is_negative { Self { mantissa: -quantity.mantissa, ..quantity } } else { quantity })
    }

    /// Reads a quantity from JSON: a string, spaces around it ignored, or a number. As in Go, `null` is zero.
    pub fn from_json(value: &Value) -> Result<Self, ParseQuantityError> {
        match value {
            Value::Null => Self::parse("0"),
            Value::String(text) => Self::parse(text.trim()),
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Self::parse(&float_as_go(float)),
                _ => Self::parse(&number.to_string()),
            },
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(ParseQuantityError::WrongType),
        }
    }

    /// Returns the text that Go prints: no fraction, and the largest suffix that needs none. As in Go, some texts
    /// stay as they were written although another is canonical (`1.234`, `+5`).
    pub fn canonical(&self) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        match self.format {
            Format::BinarySi => self.binary_text().unwrap_or_else(|| self.decimal_text(Format::DecimalSi)),
            Format::DecimalSi | Format::DecimalExponent => self.decimal_text(self.format),
        }
    }

    /// Returns the quantity in whole thousandths, rounded away from zero. The family of suffixes stays.
    #[must_use]
    pub fn rounded_up_to_milli(self) -> Self {
        self.rounded_away_from_zero(MILLI)
    }

    fn rounded_away_from_zero(self, step: i64) -> Self {
        if self.exponent >= step {
            return self;
        }
        let mantissa = divided_away_from_zero(self.mantissa, step - self.exponent);
        Self { mantissa, exponent: step, format: self.format, written: None }
    }

    /// Returns the value if it is whole.
    fn whole(&self) -> Option<i128> {
        let power = 10_i128.checked_pow(u32::try_from(self.exponent.unsigned_abs()).ok()?)?;
        if self.exponent >= 0 {
            self.mantissa.checked_mul(power)
        } else {
            (self.mantissa % power == 0).then_some(self.mantissa / power)
        }
    }

    /// Returns the text with a binary suffix, or nothing where a decimal one says it better.
    fn binary_text(&self) -> Option<String> {
        let mut number = self.whole().filter(|whole| whole.unsigned_abs() >= 1024)?;
        let mut suffix = 0;
        while number % 1024 == 0 && suffix + 1 < BINARY_SUFFIXES.len() {
            number /= 1024;
            suffix += 1;
        }
        Some(format!("{number}{}", BINARY_SUFFIXES[suffix]))
    }

    fn decimal_text(&self, format: Format) -> String {
        if self.mantissa == 0 {
            return "0".to_owned();
        }
        let (mut number, mut exponent) = (self.mantissa, self.exponent);
        while number % 10 == 0 {
            number /= 10;
            exponent += 1;
        }
        // Go prints what is beyond the largest suffix without any (1000E as 1); here the number grows instead.
        let shown = if format == Format::DecimalSi { exponent.min(18) } else { exponent };
        let shown = shown - shown.rem_euclid(3);
        let zeros = "0".repeat(usize::try_from(exponent - shown).unwrap_or_default());
        match format {
            Format::DecimalExponent if shown == 0 => format!("{number}{zeros}"),
            Format::DecimalExponent => format!("{number}{zeros}e{shown}"),
            Format::DecimalSi | Format::BinarySi => format!("{number}{zeros}{}", decimal_suffix(shown)),
        }
    }
}

fn decimal_suffix(exponent: i64) -> &'static str {
    usize::try_from((exponent - NANO) / 3)
        .ok()
        .and_then(|index| DECIMAL_SUFFIXES.get(index))
        .copied()
        .unwrap_or_default()
}

/// Returns the magnitude that the parts spell, or nothing if it has too many digits.
fn exact(parts: &Parts<'_>, suffix: Suffix) -> Option<Quantity> {
    let fraction = parts.fraction.trim_end_matches('0');
    let digits = format!("{}{fraction}", parts.whole);
    let digits = digits.trim_start_matches('0');
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let mantissa = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
    let fraction = i64::try_from(fraction.len()).ok()?;
    let quantity = |mantissa, exponent, format| Quantity { mantissa, exponent, format, written: None };
    match suffix {
        Suffix::Decimal(power) => {
            Some(quantity(mantissa, power - fraction, Format::DecimalSi).rounded_away_from_zero(NANO))
        }
        Suffix::Exponent(power) => {
            Some(quantity(mantissa, power - fraction, Format::DecimalExponent).rounded_away_from_zero(NANO))
        }
        Suffix::Binary(bits) => {
            let whole = whole_part(mantissa, fraction);
            if whole > i128::from(i64::MAX >> bits) {
                return Some(quantity(LARGEST_BINARY, 0, Format::BinarySi));
            }
            let mantissa = mantissa.checked_mul(1 << bits).filter(|product| *product < 10_i128.pow(36))?;
            Some(bounded(quantity(mantissa, -fraction, Format::BinarySi).rounded_away_from_zero(NANO)))
        }
    }
}

fn whole_part(mantissa: i128, fraction: i64) -> i128 {
    let divisor = u32::try_from(fraction).ok().and_then(|power| 10_i128.checked_pow(power));
    // A divisor that does not fit is larger than any number we hold.
    divisor.map_or(0, |divisor| mantissa / divisor)
}

/// Caps a binary quantity, and makes one below 1 a decimal one.
fn bounded(quantity: Quantity) -> Quantity {
    let one = 10_i128.pow(u32::try_from(-quantity.exponent).unwrap_or_default());
    if quantity.mantissa > LARGEST_BINARY * one {
        Quantity { mantissa: LARGEST_BINARY, exponent: 0, ..quantity }
    } else if quantity.mantissa < one {
        Quantity { format: Format::DecimalSi, ..quantity }
    } else {
        quantity
    }
}

fn divided_away_from_zero(number: i128, powers_of_ten: i64) -> i128 {
    let divisor = u32::try_from(powers_of_ten).ok().and_then(|power| 10_i128.checked_pow(power));
    // A divisor that does not fit is larger than any number we hold.
    let Some(divisor) = divisor else { return number.signum() };
    let rest = (number % divisor).signum();
    number / divisor + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Texts and what Go prints for them, as found by running it.
    const CANONICAL: &str = "
        0=0 1=1 1.5Gi=1536Mi 1000m=1 0.5=500m 1E=1E 1e3=1e3 1024Mi=1Gi 1Ki=1Ki 1023=1023 0.5Ki=512 1.5Ki=1536
        1500=1500 1000k=1M 1.500G=1.500G 1.234=1.234 +5=+5 -5=-5 007=007 1.=1. .5=500m 12e6=12e6 1200e6=1200e6
        1E3=1E3 1e-3=1e-3 1e+3=1e+3 0e5=0 10Ei=9223372036854775807 2048Gi=2Ti 1025Mi=1025Mi 0.1Gi=107374182400m
        -1Gi=-1Gi -1.5=-1500m 128974848=128974848 129e6=129e6 123Mi=123Mi 1Pi=1Pi
        9223372036854775807=9223372036854775807 9223372036854775808=9223372036854775808 +=0 Ki=0 10e0=10e0
        1000000=1M 1.0001Ki=1024102400u 0.1m=100u 0.0001=100u -0.0001=-100u 1.1n=2n 100u=100u 1e-4=100e-6 1e-99=1e-9";

    fn vectors() -> impl Iterator<Item = (&'static str, &'static str)> {
        CANONICAL.split_whitespace().map(|vector| vector.split_once('=').unwrap())
    }

    fn canonical(text: &str) -> String {
        Quantity::parse(text).unwrap().canonical()
    }

    #[test]
    fn the_canonical_text_is_the_one_that_go_prints() {
        for (text, expected) in vectors() {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn the_canonical_text_is_canonical() {
        for (_, text) in vectors() {
            assert_eq!(canonical(text), text);
        }
    }

    #[test]
    fn rounding_to_thousandths_goes_away_from_zero_and_keeps_the_suffixes() {
        for (text, expected) in [
            ("1.0001Ki", "1024103m"),
            ("0.1m", "1m"),
            ("0.0001", "1m"),
            ("-0.0001", "-1m"),
            ("1.1n", "1m"),
            ("100u", "1m"),
            ("1e-4", "1e-3"),
            ("1e-99", "1e-3"),
            ("1.5Gi", "1536Mi"),
            ("1.234", "1.234"),
            ("1e-3", "1e-3"),
            ("-1.5", "-1500m"),
        ] {
            let rounded = Quantity::parse(text).unwrap().rounded_up_to_milli();

            assert_eq!(rounded.canonical(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_beyond_the_largest_suffix_keeps_its_value() {
        assert_eq!(canonical("1000E"), "1000E");
    }

    #[test]
    fn junk_is_refused_because_it_is_malformed() {
        for text in ["", "Pi", "1kb", "1 Gi", "1.2.3", "1e1.5", "é", "1é", "1Gi "] {
            let error = Quantity::parse(text).unwrap_err();

            assert_eq!(error, ParseQuantityError::Malformed { text: text.to_owned() });
        }
    }

    #[test]
    fn an_unknown_suffix_is_refused_by_its_name() {
        for (text, suffix) in
            [("1K", "K"), ("e", "e"), ("--1", "-1"), ("1e99999999999999999999", "e99999999999999999999")]
        {
            let error = Quantity::parse(text).unwrap_err();

            assert_eq!(error, ParseQuantityError::UnknownSuffix { suffix: suffix.to_owned() });
        }
    }

    #[test]
    fn a_number_too_long_to_be_exact_is_refused_as_that() {
        let text = "1".repeat(37);

        assert_eq!(Quantity::parse(&text).unwrap_err(), ParseQuantityError::TooLong { text });
    }

    #[test]
    fn json_numbers_null_and_spaced_texts_are_quantities() {
        for (value, expected) in [
            (json!(1), "1"),
            (json!(0.5), "500m"),
            (json!(1e3), "1k"),
            (json!(1e-7), "100e-9"),
            (json!(1e21), "1e+21"),
            (json!(" 5Gi "), "5Gi"),
            (json!(null), "0"),
        ] {
            assert_eq!(Quantity::from_json(&value).unwrap().canonical(), expected, "{value}");
        }
    }

    #[test]
    fn other_json_is_refused_because_of_its_type() {
        for value in [json!(true), json!([]), json!({})] {
            assert_eq!(Quantity::from_json(&value).unwrap_err(), ParseQuantityError::WrongType);
        }
    }
}
