//! Strings of JSON, as they stand between their quotes.

use memchr::memchr2;

/// How half a character is written that needs more than 16 bits.
const HALF: &str = "\\ud83d";

const ONES: u64 = u64::MAX / 0xff;
const HIGH: u64 = ONES << 7;

/// Says whether there is a control character, of which strings may have none.
pub(super) fn has_controls(text: &[u8]) -> bool {
    // Without an end in between, which lets the compiler look at many bytes at once.
    text.iter().fold(false, |found, byte| found | (*byte < 0x20))
}

/// Returns where the first quote or backslash is, from a place on. Where there is none, it is the end.
pub(super) fn string_until(text: &[u8], at: usize) -> usize {
    let Some(rest) = text.get(at..) else { return text.len() };
    // Most strings are short: for these, it takes longer to begin with many bytes at once than to be done.
    let mut passed = 0;
    if let Some(eight) = rest.first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        passed = 8;
    }
    let more = rest.get(passed..).and_then(|rest| memchr2(b'"', b'\\', rest));
    more.map_or(text.len(), |more| at + passed + more)
}

/// Returns where the next byte is that is no space, or the end.
pub(super) fn past_space(text: &[u8], mut at: u32) -> u32 {
    // The API server writes none: one comparison is all that there is to it.
    while text.get(at as usize).is_some_and(|byte| *byte <= b' ') {
        at += 1;
    }
    at
}

/// Returns where the last quote of a string is whose first one is at a place of a text that was checked, and whether there are
/// escapes between them.
pub(super) fn last_quote(text: &[u8], start: u32) -> (u32, bool) {
    let first = string_until(text, start as usize + 1);
    let mut at = first;
    while text.get(at) == Some(&b'\\') {
        // Whatever is escaped by it, it is no end: a number behind it has neither quotes nor backslashes.
        at = string_until(text, at + 2);
    }
    (place(at), at > first)
}

/// Returns where a number of a text that was checked ends.
pub(super) fn number_end(text: &[u8], start: u32) -> u32 {
    let rest = text.get(start as usize..).unwrap_or_default();
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + place(rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len()))
}

// A text that was checked is no longer than that.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns where the first byte is that cannot stand for itself in a string, from a place on: a quote, a backslash or a
/// control character. Where there is none, it is the end.
pub(super) fn plain_until(text: &[u8], mut at: usize) -> usize {
    // Eight at once: most of a Pod are strings.
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = special(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    text.get(at..).and_then(|rest| rest.iter().position(is_special)).map_or(text.len(), |more| at + more)
}

/// Returns a word whose lowest bit that is set is in the first byte that is special. Those above it mean nothing: a
/// difference borrows from the byte above.
fn special(word: u64) -> u64 {
    below(word, 0x20) | equal(word, b'"') | equal(word, b'\\')
}

fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word & HIGH
}

/// Reads an escape whose backslash is at a place. Returns the character and the place after it.
pub(super) fn escape(text: &[u8], at: usize) -> Option<(char, usize)> {
    let plain = |character| Some((character, at + 2));
    match text.get(at + 1)? {
        b'"' => plain('"'),
        b'\\' => plain('\\'),
        b'/' => plain('/'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'u' => code_point(text, at + 2),
        _ => None,
    }
}

/// Reads a character that is given by its number: as two halves where it needs more than 16 bits.
fn code_point(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = hexadecimal(text, at)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, at + 4));
    }
    let second = text.get(at + 4..at + 6).filter(|next| *next == b"\\u").and_then(|_| hexadecimal(text, at + 6))?;
    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)?, at + 10))
}

fn hexadecimal(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

/// Returns what a string means that was found to be right. As in Go, half a character becomes the one for what is none.
pub(crate) fn unescaped(written: &str) -> String {
    let bytes = written.as_bytes();
    let mut meant = String::with_capacity(written.len());
    let mut at = 0;
    while at < bytes.len() {
        let until = plain_until(bytes, at);
        meant.push_str(written.get(at..until).unwrap_or_default());
        at = until;
        if let Some((character, next)) = escape(bytes, until) {
            meant.push(character);
            at = next;
        } else if until < bytes.len() {
            meant.push(char::REPLACEMENT_CHARACTER);
            at += HALF.len();
        }
    }
    meant
}
