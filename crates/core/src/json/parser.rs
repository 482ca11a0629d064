//! Checks a text and notes where its lists and objects end.

use super::{Document, scan};
use elsa::sync::FrozenBTreeMap;
use serde_json::Number;
use std::borrow::Cow;

/// How deep lists and objects may stand in one another: as many as the parser of sets takes.
pub(super) const DEEPEST: usize = 127;
/// How many bytes of a text there usually are for each list or object.
const USUAL: usize = 32;
/// A number with fewer digits, and no exponent, is one that can be calculated with.
const LONGEST_SURE: usize = 300;

/// Reads a text, of which lists and objects may be nested so deep.
///
/// # Errors
/// The text, where it is no JSON.
pub(super) fn parse(text: Cow<'_, str>, depth: usize) -> Result<Document<'_>, Cow<'_, str>> {
    match read(&text, depth) {
        Some((ends, has_escapes)) => Ok(Document { text, ends, has_escapes, made: FrozenBTreeMap::new() }),
        None => Err(text),
    }
}

/// Returns where the lists and objects of a text end, and whether it has strings with escapes.
fn read(text: &str, depth: usize) -> Option<(Vec<u32>, bool)> {
    u32::try_from(text.len()).ok()?;
    // A Pod has a list or an object in about fifty bytes: room enough for most at once.
    let ends = Vec::with_capacity(text.len() / USUAL + 4);
    // The API server ends each review with a line break, and has no other control character.
    let has_controls = scan::has_controls(text.trim_ascii_end().as_bytes());
    let mut parser = Parser { text: text.as_bytes(), has_controls, ends, has_escapes: false, has_grown: false };
    let end = parser.value(parser.past_space(0), depth)?;
    let is_whole = parser.past_space(end) == text.len();
    is_whole.then_some((parser.ends, parser.has_escapes))
}

/// Each function begins at a place of the text, and returns where what it has passed ends.
struct Parser<'a> {
    text: &'a [u8],
    // Looked for once: there is hardly ever one.
    has_controls: bool,
    ends: Vec<u32>,
    has_escapes: bool,
    has_grown: bool,
}

impl Parser<'_> {
    fn value(&mut self, at: usize, depth: usize) -> Option<usize> {
        match self.byte(at) {
            b'"' => self.string(at),
            b'{' => self.object(at, depth.checked_sub(1)?),
            b'[' => self.list(at, depth.checked_sub(1)?),
            b't' => self.word(at, b"true"),
            b'f' => self.word(at, b"false"),
            b'n' => self.word(at, b"null"),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => None,
        }
    }

    fn object(&mut self, at: usize, depth: usize) -> Option<usize> {
        let opened = self.open(at);
        let mut at = self.past_space(at + 1);
        if self.byte(at) == b'}' {
            return self.close(opened, at);
        }
        loop {
            if self.byte(at) != b'"' {
                return None;
            }
            at = self.string(at)?;
            at = self.past_space(at);
            if self.byte(at) != b':' {
                return None;
            }
            at = self.value(self.past_space(at + 1), depth)?;
            at = self.past_space(at);
            match self.byte(at) {
                b',' => at = self.past_space(at + 1),
                b'}' => return self.close(opened, at),
                _ => return None,
            }
        }
    }

    fn list(&mut self, at: usize, depth: usize) -> Option<usize> {
        let opened = self.open(at);
        let mut at = self.past_space(at + 1);
        if self.byte(at) == b']' {
            return self.close(opened, at);
        }
        loop {
            at = self.value(at, depth)?;
            at = self.past_space(at);
            match self.byte(at) {
                b',' => at = self.past_space(at + 1),
                b']' => return self.close(opened, at),
                _ => return None,
            }
        }
    }

    fn string(&mut self, at: usize) -> Option<usize> {
        let mut end = scan::string_until(self.text, at + 1);
        if self.byte(end) != b'"' {
            end = self.past_escapes(end)?;
            self.has_escapes = true;
        }
        if self.has_controls && scan::has_controls(self.text.get(at + 1..end)?) {
            return None;
        }
        Some(end + 1)
    }

    /// Returns where a string ends, from its first escape on.
    #[cold]
    fn past_escapes(&self, mut at: usize) -> Option<usize> {
        while *self.text.get(at)? == b'\\' {
            at = scan::string_until(self.text, scan::escape(self.text, at)?.1);
        }
        Some(at)
    }

    fn word(&self, at: usize, word: &[u8]) -> Option<usize> {
        let end = at + word.len();
        (self.text.get(at..end)? == word).then_some(end)
    }

    fn number(&self, start: usize) -> Option<usize> {
        let mut at = start + usize::from(self.byte(start) == b'-');
        at = if self.byte(at) == b'0' { at + 1 } else { self.digits(at)? };
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        let mut is_sure = at - start < LONGEST_SURE;
        if matches!(self.byte(at), b'e' | b'E') {
            is_sure = false;
            at += 1;
            at = self.digits(at + usize::from(matches!(self.byte(at), b'+' | b'-')))?;
        }
        if !is_sure && serde_json::from_slice::<Number>(self.text.get(start..at)?).is_err() {
            return None;
        }
        Some(at)
    }

    /// Passes digits, of which there is at least one.
    fn digits(&self, start: usize) -> Option<usize> {
        let mut at = start;
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        (at > start).then_some(at)
    }

    /// Begins a list or an object, whose end is to be noted at the place that is returned.
    fn open(&mut self, at: usize) -> usize {
        let opened = self.ends.len();
        if opened == self.ends.capacity() {
            self.make_room(at);
        }
        self.ends.push(0);
        opened
    }

    /// Makes room for as many as there are likely to come, and where these are too few, for as many as there can: the old place is kept
    /// meanwhile, so it is not to happen often.
    #[cold]
    fn make_room(&mut self, at: usize) {
        let rest = self.text.len() - at;
        // Each takes two bytes at least.
        let most = rest / 2 + 1;
        let likely = self.ends.len().saturating_mul(rest) / at.max(1) * 5 / 4 + 4;
        let is_first = !std::mem::replace(&mut self.has_grown, true);
        self.ends.reserve_exact(if is_first { likely.min(most) } else { most });
    }

    /// Ends a list or an object, whose last character is at a place.
    fn close(&mut self, opened: usize, at: usize) -> Option<usize> {
        *self.ends.get_mut(opened)? = short(at + 1);
        Some(at + 1)
    }

    #[inline]
    fn past_space(&self, mut at: usize) -> usize {
        // The API server writes none: one comparison is all that there is to it.
        while self.byte(at) <= b' ' && matches!(self.byte(at), b' ' | b'\n' | b'\r' | b'\t') {
            at += 1;
        }
        at
    }

    /// Returns the byte at a place. At the end it is one that stands nowhere in JSON.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }
}

// Places in the text are not beyond its length, which was looked at before.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
