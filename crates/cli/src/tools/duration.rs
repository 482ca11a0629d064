//! Durations as kubectl reads them.

use super::failure::Failure;
use jiff::SignedDuration;
use std::time::Duration;

/// Reads a duration such as `90s` or `5m`.
///
/// # Errors
/// It is none, or not a positive one.
pub fn parse(text: &str) -> Result<Duration, Failure> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    let parsed = parsed.filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| Failure::new(format!("{text:?} is not a duration such as 90s or 5m")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_given_as_to_kubectl() {
        assert_eq!(parse("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse("1h30m").unwrap(), Duration::from_secs(5400));
        for text in ["", "5", "0s", "-5m", "soon"] {
            assert_eq!(parse(text).unwrap_err().to_string(), format!("{text:?} is not a duration such as 90s or 5m"));
        }
    }
}
