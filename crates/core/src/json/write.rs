//! JSON that is written as text.

use super::scan;
use std::fmt::Write;

/// Writes a text as a string of JSON, with its quotes.
pub fn write_text(out: &mut String, text: &str) {
    out.push('"');
    write_letters(out, text);
    out.push('"');
}

/// Writes a text as a part of a string of JSON.
pub fn write_letters(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let until = scan::plain_until(bytes, at);
        // What ends a plain part is one byte long, so both ends are between characters.
        out.push_str(text.get(at..until).unwrap_or_default());
        if let Some(special) = bytes.get(until) {
            write_escape(out, *special);
        }
        at = until + 1;
    }
}

fn write_escape(out: &mut String, special: u8) {
    match special {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x8 => out.push_str("\\b"),
        0xc => out.push_str("\\f"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        other => drop(write!(out, "\\u{other:04x}")),
    }
}
