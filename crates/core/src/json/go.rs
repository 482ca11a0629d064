//! JSON as Go writes it: without space, and with what is dangerous inside HTML or JavaScript escaped.

use super::write_letters;

/// What Go escapes beside what has to be.
const ESCAPED: [char; 5] = ['<', '>', '&', '\u{2028}', '\u{2029}'];

/// Writes a text as a string of JSON, with its quotes.
pub(crate) fn write_text_as_go(out: &mut String, text: &str) {
    out.push('"');
    for part in text.split_inclusive(ESCAPED) {
        let mut letters = part.chars();
        match letters.next_back().filter(|last| ESCAPED.contains(last)) {
            Some(last) => {
                write_letters(out, letters.as_str());
                write_escape(out, last);
            }
            None => write_letters(out, part),
        }
    }
    out.push('"');
}

/// Writes JSON again. Numbers and strings keep their text but for those characters.
pub(crate) fn write_as_go(out: &mut String, json: &str) {
    let mut is_in_string = false;
    let mut is_escaped = false;
    for letter in json.chars() {
        match letter {
            _ if ESCAPED.contains(&letter) => write_escape(out, letter),
            ' ' | '\n' | '\r' | '\t' if !is_in_string => {}
            _ => out.push(letter),
        }
        if letter == '"' && !is_escaped {
            is_in_string = !is_in_string;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
}

fn write_escape(out: &mut String, letter: char) {
    out.push_str(&format!("\\u{:04x}", u32::from(letter)));
}

/// Returns the text of a number with a fraction, or of any number that Go has read without knowing its type.
pub(crate) fn float_as_go(float: f64) -> String {
    let magnitude = float.abs();
    let is_plain = magnitude == 0.0 || (1e-6..1e21).contains(&magnitude);
    let text = if is_plain { format!("{float}") } else { format!("{float:e}") };
    if magnitude >= 1e21 { text.replacen('e', "e+", 1) } else { text }
}
