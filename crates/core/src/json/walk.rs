//! The way over what is in a list or an object, from one value to the next.

use super::{Document, Json, Text, scan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    Number,
    Text,
    List,
    Object,
}

/// Goes over what is in a list or an object.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    document: &'a Document<'a>,
    text: &'a [u8],
    at: u32,
    end: u32,
    // Where the list or the object ends.
    until: u32,
}

impl Kind {
    /// Returns the kind of the value that begins at a place.
    pub(super) fn at(text: &[u8], start: u32) -> Self {
        match text.get(start as usize) {
            Some(b'"') => Self::Text,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::List,
            Some(b't') => Self::True,
            Some(b'f') => Self::False,
            Some(b'n') => Self::Null,
            Some(_) | None => Self::Number,
        }
    }

    /// Returns where a value of this kind ends that begins at a place and is neither a list nor an object.
    #[inline]
    pub(super) fn end_of_scalar(self, text: &[u8], start: u32) -> u32 {
        match self {
            Self::Text => scan::last_quote(text, start).0 + 1,
            Self::Number => scan::number_end(text, start),
            Self::False => start + 5,
            Self::Null | Self::True | Self::List | Self::Object => start + 4,
        }
    }
}

impl<'a> Walk<'a> {
    /// Begins with the first value in a list or an object.
    pub(super) fn over(json: Json<'a>) -> Self {
        let (document, text) = (json.document, json.document.text.as_bytes());
        let (at, until) = (scan::past_space(text, json.start + 1), document.end(json.end) - 1);
        Self { document, text, at, end: json.end + 1, until }
    }

    pub(super) fn has_next(&self) -> bool {
        self.at < self.until
    }

    pub(super) fn value(&self) -> Json<'a> {
        Json { document: self.document, start: self.at, end: self.end }
    }

    /// Returns the name of a member, and passes it and what is between it and the member.
    #[inline]
    pub(super) fn name(&mut self) -> Text<'a> {
        let name = Text::at(self.document, self.text, self.at);
        let colon = scan::past_space(self.text, name.after());
        self.at = scan::past_space(self.text, colon + 1);
        name
    }

    /// Passes a value, and what is between it and the next one.
    #[inline]
    pub(super) fn pass(&mut self) {
        let after = match Kind::at(self.text, self.at) {
            Kind::List | Kind::Object => {
                let end;
                (end, self.end) = self.document.beyond(self.end);
                end
            }
            kind => kind.end_of_scalar(self.text, self.at),
        };
        let comma = scan::past_space(self.text, after);
        self.at = if comma < self.until { scan::past_space(self.text, comma + 1) } else { comma };
    }
}
