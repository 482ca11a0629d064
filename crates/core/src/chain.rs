//! An error with everything that led to it, as one line of text: for whoever ends an error, by writing it into a log, an answer or
//! a status.

use std::error::Error;
use std::fmt::{self, Display};

/// Returns an error with everything that led to it, outermost first.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// An error with everything that led to it.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        out.write_str(&told)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            let text = source.to_string();
            // Many libraries put what led to an error into its text, too.
            if !told.contains(&text) {
                write!(out, ": {text}")?;
                told = text;
            }
            next = source.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn linked(texts: &[&'static str]) -> Option<Box<Link>> {
        let (text, rest) = texts.split_first()?;
        Some(Box::new(Link { text, source: linked(rest) }))
    }

    fn told(texts: &[&'static str]) -> String {
        chain(&*linked(texts).unwrap()).to_string()
    }

    #[test]
    fn everything_that_led_to_an_error_is_told_in_one_line() {
        assert_eq!(
            told(&["failed to list", "connection closed", "reset by peer"]),
            "failed to list: connection closed: reset by peer"
        );
        assert_eq!(told(&["alone"]), "alone");
    }

    #[test]
    fn what_an_error_says_itself_of_what_led_to_it_is_not_told_twice() {
        assert_eq!(
            told(&["client error: reset by peer", "reset by peer", "errno 104"]),
            "client error: reset by peer: errno 104"
        );
    }
}
