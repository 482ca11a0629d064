//! The text of a quantity, taken apart.

/// The most digits of a number that Go keeps as a plain integer, which it may print as it was written.
const SHORT: usize = 18;

/// A quantity's text, in its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) is_negative: bool,
    /// Whether there is any digit in front of the suffix.
    pub(super) has_digit: bool,
    /// The digits before the point, without leading zeros.
    pub(super) whole: &'a str,
    /// The digits after the point.
    pub(super) fraction: &'a str,
    pub(super) suffix: &'a str,
}

/// What a suffix multiplies with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suffix {
    /// A power of ten.
    Decimal(i64),
    /// A power of ten that is written as a number.
    Exponent(i64),
    /// A power of two.
    Binary(u32),
}

impl<'a> Parts<'a> {
    /// Takes a text apart, or returns nothing if it is empty or something follows what may be a suffix.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (digits, rest) = split_digits(unsigned);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => split_digits(rest),
            None => ("", rest),
        };
        let exponent = suffix.trim_start_matches(|letter| "eEinumkKMGTP".contains(letter));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        exponent.bytes().all(|byte| byte.is_ascii_digit()).then(|| Self {
            is_negative: text.starts_with('-'),
            has_digit: !digits.is_empty() || !fraction.is_empty(),
            whole: digits.trim_start_matches('0'),
            fraction,
            suffix,
        })
    }

    /// Returns what the suffix means, or nothing if it is unknown.
    pub(super) fn suffix(&self) -> Option<Suffix> {
        Some(match self.suffix {
            "n" => Suffix::Decimal(-9),
            "u" => Suffix::Decimal(-6),
            "m" => Suffix::Decimal(-3),
            "" => Suffix::Decimal(0),
            "k" => Suffix::Decimal(3),
            "M" => Suffix::Decimal(6),
            "G" => Suffix::Decimal(9),
            "T" => Suffix::Decimal(12),
            "P" => Suffix::Decimal(15),
            "E" => Suffix::Decimal(18),
            "Ki" => Suffix::Binary(10),
            "Mi" => Suffix::Binary(20),
            "Gi" => Suffix::Binary(30),
            "Ti" => Suffix::Binary(40),
            "Pi" => Suffix::Binary(50),
            "Ei" => Suffix::Binary(60),
            other => Suffix::Exponent(other.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?.into()),
        })
    }

    /// Whether Go keeps the number as a plain integer with a power of ten.
    pub(super) fn is_short(&self, suffix: Suffix) -> bool {
        let length = self.whole.len().max(1) + self.fraction.len();
        match suffix {
            Suffix::Decimal(_) | Suffix::Exponent(_) => length <= SHORT && self.scale(suffix) >= super::NANO,
            Suffix::Binary(bits) => self.fraction.is_empty() && length + bits as usize * 3 / 10 <= 14,
        }
    }

    // As in Go: a plain integer that looks canonical is printed as it was written, though a plus sign, a point
    // or a fraction of thousandths is not canonical.
    /// Whether Go prints the very text again.
    pub(super) fn prints_as_written(&self, suffix: Suffix) -> bool {
        if !self.is_short(suffix) {
            return false;
        }
        let whole = if self.whole.is_empty() { "0" } else { self.whole };
        match suffix {
            Suffix::Decimal(_) | Suffix::Exponent(_) => {
                let ends_in_thousands = format!("{whole}{}", self.fraction).ends_with("000");
                self.scale(suffix) % 3 == 0 && !ends_in_thousands && !whole.starts_with('0')
            }
            Suffix::Binary(_) => whole.parse::<u64>().is_ok_and(|number| number % 8 != 0),
        }
    }

    /// The power of ten of the last digit.
    fn scale(&self, suffix: Suffix) -> i64 {
        let fraction = i64::try_from(self.fraction.len()).unwrap_or(i64::MAX);
        match suffix {
            Suffix::Decimal(power) | Suffix::Exponent(power) => power.saturating_sub(fraction),
            Suffix::Binary(_) => 0,
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}
