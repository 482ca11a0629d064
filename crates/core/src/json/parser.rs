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
    let mut parser = Parser { text: text.as_bytes(), has_controls, at: 0, ends, has_escapes: false, has_grown: false };
    parser.value(depth)?;
    parser.skip_space();
    let is_whole = parser.at == parser.text.len();
    is_whole.then_some((parser.ends, parser.has_escapes))
}

struct Parser<'a> {
    text: &'a [u8],
    // Looked for once: there is hardly ever one.
    has_controls: bool,
    at: usize,
    ends: Vec<u32>,
    has_escapes: bool,
    has_grown: bool,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_space();
        match self.peek() {
            b'"' => self.string(),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let opened = self.open();
        if self.next_is(b'}') {
            return self.close(opened);
        }
        loop {
            self.skip_space();
            self.string()?;
            if !self.next_is(b':') {
                return None;
            }
            self.value(depth)?;
            if self.next_is(b',') {
                continue;
            }
            return if self.next_is(b'}') { self.close(opened) } else { None };
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        let opened = self.open();
        if self.next_is(b']') {
            return self.close(opened);
        }
        loop {
            self.value(depth)?;
            if self.next_is(b',') {
                continue;
            }
            return if self.next_is(b']') { self.close(opened) } else { None };
        }
    }

    fn string(&mut self) -> Option<()> {
        if self.peek() != b'"' {
            return None;
        }
        let start = self.at + 1;
        let mut end = scan::string_until(self.text, start);
        if self.text.get(end) != Some(&b'"') {
            end = self.past_escapes(end)?;
            self.has_escapes = true;
        }
        if self.has_controls && scan::has_controls(self.text.get(start..end)?) {
            return None;
        }
        self.at = end + 1;
        Some(())
    }

    /// Returns where a string ends, from its first escape on.
    fn past_escapes(&self, mut at: usize) -> Option<usize> {
        while *self.text.get(at)? == b'\\' {
            at = scan::string_until(self.text, scan::escape(self.text, at)?.1);
        }
        Some(at)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let end = self.at + word.len();
        if self.text.get(self.at..end)? != word {
            return None;
        }
        self.at = end;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        match self.peek() {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        let mut is_sure = self.at - start < LONGEST_SURE;
        if matches!(self.peek(), b'e' | b'E') {
            is_sure = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        let number = self.text.get(start..self.at)?;
        if !is_sure && serde_json::from_slice::<Number>(number).is_err() {
            return None;
        }
        Some(())
    }

    /// Passes digits, of which there is at least one.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Begins a list or an object, whose end is to be noted at the place that is returned.
    fn open(&mut self) -> usize {
        let opened = self.ends.len();
        if opened == self.ends.capacity() {
            self.make_room();
        }
        self.ends.push(0);
        self.at += 1;
        opened
    }

    /// Makes room for as many as there are likely to come, and where these are too few, for as many as there can: the old place is kept
    /// meanwhile, so it is not to happen often.
    #[cold]
    fn make_room(&mut self) {
        let rest = self.text.len() - self.at;
        // Each takes two bytes at least.
        let most = rest / 2 + 1;
        let likely = self.ends.len().saturating_mul(rest) / self.at.max(1) * 5 / 4 + 4;
        let is_first = !std::mem::replace(&mut self.has_grown, true);
        self.ends.reserve_exact(if is_first { likely.min(most) } else { most });
    }

    /// Ends a list or an object, whose last character was passed.
    fn close(&mut self, opened: usize) -> Option<()> {
        *self.ends.get_mut(opened)? = short(self.at);
        Some(())
    }

    /// Passes space, and a character if it is that one.
    fn next_is(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == wanted;
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        // The API server writes none: one comparison is all that there is to it.
        while self.peek() <= b' ' && matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Returns the next byte. At the end it is one that stands nowhere in JSON.
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
}

// Places in the text are not beyond its length, which was looked at before.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
