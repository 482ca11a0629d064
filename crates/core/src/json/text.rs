//! A string of a document, and what it means.

use super::{Document, scan, unescaped};
use std::borrow::Cow;

/// A string of a document: where it is was found in one go.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    document: &'a Document<'a>,
    // Where its first quote is, and its last one.
    start: u32,
    end: u32,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// Finds the string whose first quote is at a place of the text of a document.
    pub(super) fn at(document: &'a Document<'a>, text: &[u8], start: u32) -> Self {
        let (end, has_escapes) = scan::last_quote(text, start);
        Self { document, start, end, has_escapes }
    }

    /// Returns where what comes after it begins.
    #[inline]
    pub(super) fn after(self) -> u32 {
        self.end + 1
    }

    /// Says whether it is that text. What is made to find out is not kept: it would be of every name that is passed.
    #[inline]
    pub(super) fn is(self, text: &str) -> bool {
        let (from, to) = (self.start as usize + 1, self.end as usize);
        if !self.has_escapes {
            return to - from == text.len() && self.document.text.as_bytes().get(from..to) == Some(text.as_bytes());
        }
        // A byte is written as six at most.
        (text.len()..=text.len().saturating_mul(6)).contains(&(to - from)) && self.meant() == text
    }

    /// Returns what it means, which its document keeps if there are escapes in it.
    pub(super) fn kept(self) -> &'a str {
        if !self.has_escapes {
            return self.written();
        }
        let made = &self.document.made;
        made.get(&self.start).unwrap_or_else(|| made.insert(self.start, unescaped(self.written()).into()))
    }

    /// Returns what it means, which is not kept.
    pub(super) fn meant(self) -> Cow<'a, str> {
        if self.has_escapes { Cow::Owned(unescaped(self.written())) } else { Cow::Borrowed(self.written()) }
    }

    /// Returns what stands between its quotes.
    fn written(self) -> &'a str {
        self.document.text.get(self.start as usize + 1..self.end as usize).unwrap_or_default()
    }
}
