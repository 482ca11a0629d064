//! Why JSON is not what it is read as.

use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display, Write};

/// How many bytes are told of it: what was read stands in it, and may be as long as the whole text.
const LONGEST: usize = 1024;

/// Why JSON is not what it is read as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

/// The beginning of a text, of which the rest is not even made.
#[derive(Debug, Default)]
struct Beginning(String);

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        let mut told = Beginning::default();
        // It fails where it has enough.
        let _ = write!(told, "{message}");
        Self(told.0)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::custom(format_args!("invalid type: null, expected {expected}")),
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use crate::json::Document;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    fn fault(text: &str) -> String {
        let document = Document::parse(text).unwrap();
        BTreeMap::<String, u8>::deserialize(document.root()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_read_is_told_as_it_is_written() {
        assert_eq!(fault(r#"{"a": null}"#), "invalid type: null, expected u8");
        assert_eq!(fault(r#"{"a": "b\n"}"#), r#"invalid type: string "b\n", expected u8"#);
        assert_eq!(fault(r#"{"a": 256}"#), "invalid value: integer `256`, expected u8");
    }

    #[test]
    fn of_what_is_long_the_beginning_is_told() {
        let told = fault(&format!("{{\"a\": \"{}\"}}", "ä\u{7f}".repeat(500_000)));

        assert!(told.starts_with(r#"invalid type: string "ä\u{7f}ä"#) && told.ends_with('…'), "{told}");
        assert!((1000..1100).contains(&told.len()), "{} bytes", told.len());
    }
}
