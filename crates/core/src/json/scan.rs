//! Strings of JSON, as they stand between their quotes.

use memchr::memchr2;
use wide::u8x16;

/// How half a character is written that needs more than 16 bits.
const HALF: &str = "\\ud83d";

/// Characters up to this one have to be written as escapes.
const HIGHEST_CONTROL: u8 = 0x1f;

/// Says whether there is a control character, of which strings may have none.
pub(super) fn has_controls(text: &[u8]) -> bool {
    // Without an end in between, which lets the compiler look at many bytes at once.
    text.iter().fold(false, |found, byte| found | (*byte <= HIGHEST_CONTROL))
}

/// How many bytes of a string are looked at here; of a longer one memchr looks at the rest, with all that the processor can do.
const SHORT: usize = 4 * WIDTH;
/// How many bytes are compared at once.
const WIDTH: usize = 16;

/// Returns where the first quote or backslash is, from a place on. Where there is none, it is the end.
#[inline]
pub(super) fn string_until(text: &[u8], at: usize) -> usize {
    let mut passed = at;
    // Most strings are short: for these, it takes longer to find out what the processor can do than to be done.
    while let Some(chunk) = text.get(passed..).and_then(<[u8]>::first_chunk::<WIDTH>) {
        if passed - at == SHORT {
            break;
        }
        let found = quotes_and_backslashes(*chunk);
        if found != 0 {
            return passed + found.trailing_zeros() as usize;
        }
        passed += WIDTH;
    }
    string_until_far(text, passed)
}

#[inline(never)]
fn string_until_far(text: &[u8], at: usize) -> usize {
    text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)).map_or(text.len(), |more| at + more)
}

/// Returns a word with a bit for each byte that is a quote or a backslash, the lowest for the first byte.
fn quotes_and_backslashes(chunk: [u8; WIDTH]) -> u32 {
    let bytes = u8x16::new(chunk);
    (bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))).to_bitmask()
}

/// Returns where the next byte is that is no space, or the end.
#[inline]
pub(super) fn past_space(text: &[u8], mut at: u32) -> u32 {
    // The API server writes none: one comparison is all that there is to it.
    while text.get(at as usize).is_some_and(|byte| *byte <= b' ') {
        at += 1;
    }
    at
}

/// Returns where the last quote of a string is whose first one is at a place of a text that was checked, and whether there are
/// escapes between them.
#[inline]
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
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<WIDTH>) {
        let bytes = u8x16::new(*chunk);
        let highest = u8x16::splat(HIGHEST_CONTROL);
        let controls = bytes.max(highest).simd_eq(highest).to_bitmask();
        let found = controls | quotes_and_backslashes(*chunk);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    let is_special = |byte: &u8| *byte <= HIGHEST_CONTROL || matches!(byte, b'"' | b'\\');
    text.get(at..).and_then(|rest| rest.iter().position(is_special)).map_or(text.len(), |more| at + more)
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
