//! What an API server says beside its answer, in headers: `Warning: 299 - "text"`.

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use std::collections::BTreeSet;

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Tells each warning once.
pub fn tell<'a>(headers: impl Iterator<Item = &'a str>) {
    for text in headers.filter_map(text).collect::<BTreeSet<_>>() {
        eprintln!("{YELLOW}Warning:{YELLOW:#} {text}");
    }
}

/// Returns the text of a header.
fn text(header: &str) -> Option<String> {
    let (_, rest) = header.split_once('"')?;
    let (quoted, _) = rest.rsplit_once('"')?;
    let (mut text, mut is_escaped) = (String::new(), false);
    for character in quoted.chars() {
        is_escaped = character == '\\' && !is_escaped;
        if !is_escaped {
            text.push(character);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_is_quoted() {
        assert_eq!(
            text(r#"299 - "spec.containers[0]: has no requests""#).unwrap(),
            "spec.containers[0]: has no requests"
        );
        assert_eq!(text(r#"299 - "says \"a\", and \\""#).unwrap(), r#"says "a", and \"#);
        assert_eq!(text("299 - none"), None);
    }
}
