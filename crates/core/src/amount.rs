//! A number of Pods, given as a count or as a share.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A count or a share of the matched Pods, read from the `IntOrString` of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// This many Pods.
    Count(u32),
    /// This many of a hundred matched Pods.
    Percent(u32),
}

/// Why an `IntOrString` is no [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// A number below zero.
    #[error("must be greater than or equal to 0")]
    Negative,
    /// A text that is no percentage.
    #[error("must be an integer or a percentage (such as 5 or \"10%\")")]
    NotAPercentage,
}

impl Amount {
    /// Reads a count or a percentage such as `"10%"`.
    ///
    /// # Errors
    /// A negative number, or a text that is not digits and `%`.
    pub fn parse(value: &IntOrString) -> Result<Self, ParseAmountError> {
        match value {
            IntOrString::Int(count) => u32::try_from(*count).map(Self::Count).map_err(|_| ParseAmountError::Negative),
            IntOrString::String(text) => {
                let digits = text.strip_suffix('%').ok_or(ParseAmountError::NotAPercentage)?;
                // `parse` alone would let a plus sign through.
                if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(ParseAmountError::NotAPercentage);
                }
                digits.parse().map(Self::Percent).map_err(|_| ParseAmountError::NotAPercentage)
            }
        }
    }

    /// Returns how many of `total` this is, rounding a share up.
    #[must_use]
    pub fn rounded_up(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(share) => {
                let pods = (u64::from(total) * u64::from(share)).div_ceil(100);
                u32::try_from(pods).unwrap_or(u32::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> IntOrString {
        IntOrString::String(value.to_owned())
    }

    #[test]
    fn a_share_is_rounded_up() {
        let five_percent = Amount::parse(&text("5%")).unwrap();

        assert_eq!(five_percent.rounded_up(6), 1);
        assert_eq!(five_percent.rounded_up(20), 1);
        assert_eq!(five_percent.rounded_up(21), 2);
        assert_eq!(five_percent.rounded_up(0), 0);
    }

    #[test]
    fn a_count_does_not_depend_on_the_total() {
        assert_eq!(Amount::parse(&IntOrString::Int(7)).unwrap().rounded_up(3), 7);
    }

    #[test]
    fn a_negative_count_is_refused() {
        assert_eq!(Amount::parse(&IntOrString::Int(-1)), Err(ParseAmountError::Negative));
    }

    #[test]
    fn a_text_that_is_no_percentage_is_refused() {
        for junk in ["abc", "", "%", "5", "-5%", "+5%", "5 %", "5%%", "1.5%", "99999999999%"] {
            assert_eq!(Amount::parse(&text(junk)), Err(ParseAmountError::NotAPercentage), "{junk:?}");
        }
    }
}
