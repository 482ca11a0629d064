//! Checks a text and notes where its values are.

use super::{Document, Kind, Node, scan};
use serde_json::Number;
use std::sync::OnceLock;

/// How deep lists and objects may stand in one another: as many as the parser of sets takes.
pub(super) const DEEPEST: usize = 127;
/// A number with fewer digits, and no exponent, is one that can be calculated with.
const LONGEST_SURE: usize = 300;

/// Reads a text, of which lists and objects may be nested so deep; nothing where it is no JSON.
pub(super) fn parse(text: &str, depth: usize) -> Option<Document<'_>> {
    u32::try_from(text.len()).ok()?;
    // A Pod has a name or a value in about seven bytes: room enough for most at once.
    let nodes = Vec::with_capacity(text.len() / 6 + 4);
    // The API server ends each review with a line break, and has no other control character.
    let has_controls = scan::has_controls(text.trim_ascii_end().as_bytes());
    let mut parser = Parser { text: text.as_bytes(), has_controls, at: 0, nodes, escaped: 0 };
    parser.value(depth)?;
    parser.skip_space();
    let is_whole = parser.at == parser.text.len();
    let escaped = std::iter::repeat_with(OnceLock::new).take(parser.escaped as usize).collect();
    is_whole.then_some(Document { text, nodes: parser.nodes, escaped })
}

struct Parser<'a> {
    text: &'a [u8],
    // Looked for once: there is hardly ever one.
    has_controls: bool,
    at: usize,
    nodes: Vec<Node>,
    escaped: u32,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_space();
        match self.peek() {
            b'"' => self.string(),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'n' => self.word(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let opened = self.open(Kind::Object);
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
        let opened = self.open(Kind::List);
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
        let (mut kind, mut link) = (Kind::Text, 0);
        if self.text.get(end) != Some(&b'"') {
            end = self.past_escapes(end)?;
            (kind, link) = (Kind::Escaped, self.escaped);
            self.escaped += 1;
        }
        if self.has_controls && scan::has_controls(self.text.get(start..end)?) {
            return None;
        }
        self.note(kind, start, end, link);
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

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let end = self.at + word.len();
        if self.text.get(self.at..end)? != word {
            return None;
        }
        self.note(kind, self.at, end, 0);
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
        self.note(Kind::Number, start, self.at, 0);
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

    fn open(&mut self, kind: Kind) -> usize {
        let opened = self.nodes.len();
        self.note(kind, self.at, self.at, 0);
        self.at += 1;
        opened
    }

    /// Ends a list or an object, whose last character was passed.
    fn close(&mut self, opened: usize) -> Option<()> {
        let next = short(self.nodes.len());
        let node = self.nodes.get_mut(opened)?;
        (node.end, node.link) = (short(self.at), next);
        Some(())
    }

    fn note(&mut self, kind: Kind, start: usize, end: usize, link: u32) {
        self.nodes.push(Node { kind, start: short(start), end: short(end), link });
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

// Neither places in the text nor values are more than the text is long, which was looked at before.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
