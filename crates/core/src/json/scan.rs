//! Strings of JSON, as they stand between their quotes.

use memchr::memchr2;

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

/// Returns what a string means that was found to be right.
pub(super) fn unescaped(written: &str) -> String {
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
            break;
        }
    }
    meant
}
