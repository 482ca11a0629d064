//! JSON that is only read, over the text that it was read from: nothing of it is copied.
//!
//! A Pod is read once for each review, and most of it is of no interest. `serde_json::Value` would allocate every
//! key and every string of it, which costs several times as much as the rest of the review. So the text is checked in one
//! pass, which notes where each value begins and ends, and a string with escapes is made only for who asks for it.

mod look;
mod parser;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use look::AsJson;
pub use write::{write_letters, write_text};

use memchr::memmem;
use serde::de::Error as _;
use serde_json::{Error, Map, Number, Value};
use std::sync::OnceLock;

/// A text that is JSON, and where in it each value is.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    // Each value stands before those in it; the name of a member stands before the member.
    nodes: Vec<Node>,
    // The strings with escapes, once somebody has asked for them.
    escaped: Vec<OnceLock<Box<str>>>,
}

/// A value of a document, or nothing. The members of an object are in the order of the text; of two of one name the first
/// counts, and the API server sends no such object.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document<'a>,
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    False,
    True,
    Number,
    /// A string without escapes.
    Text,
    /// A string with escapes.
    Escaped,
    List,
    Object,
}

/// Where a value stands in the text; a string without its quotes.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    // Of a list or an object: the node that comes after all that is in it. Of a string with escapes: which one it is.
    link: u32,
}

static NOTHING: Document<'static> = Document { text: "", nodes: Vec::new(), escaped: Vec::new() };
const NULL: Node = Node { kind: Kind::Null, start: 0, end: 0, link: 0 };

impl<'a> Document<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no JSON, is nested more than 127 deep, or has a number that no program can calculate with.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        parser::parse(text, parser::DEEPEST).ok_or_else(|| fault(text))
    }

    /// Returns the value that the text is.
    #[must_use]
    pub fn root(&self) -> Json<'_> {
        Json { document: self, at: 0 }
    }
}

/// Returns what is wrong with a text: in words that many know.
#[cold]
fn fault(text: &str) -> Error {
    let said = serde_json::from_str::<Value>(text).err();
    said.unwrap_or_else(|| Error::custom("the text is too long"))
}

impl<'a> Json<'a> {
    /// Returns what is not there.
    #[must_use]
    pub fn null() -> Self {
        Self { document: &NOTHING, at: 0 }
    }

    /// Returns the member of an object; null where there is none, or where this is no object.
    #[must_use]
    pub fn at(self, key: &str) -> Self {
        self.members_as_nodes()
            .find(|(name, _)| self.document.is_text(*name, key))
            .map_or_else(Self::null, |(_, at)| Self { at, ..self })
    }

    /// Returns the members of an object; none where this is no object.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let document = self.document;
        let members = self.members_as_nodes();
        members.map(move |(name, at)| (document.text_of(name).unwrap_or_default(), Self { document, at }))
    }

    /// Returns the items of a list; none where this is no list.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let mut next = self.at + 1;
        let end = if self.is_list() { self.document.after(self.at) } else { 0 };
        std::iter::from_fn(move || {
            let item = (next < end).then_some(Self { at: next, ..self })?;
            next = self.document.after(next);
            Some(item)
        })
    }

    /// Returns the text, where this is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        self.document.text_of(self.at)
    }

    /// Returns the yes or no, where this is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Null | Kind::Number | Kind::Text | Kind::Escaped | Kind::List | Kind::Object => None,
        }
    }

    /// Returns the number, where this is one.
    #[must_use]
    pub fn as_number(self) -> Option<Number> {
        (self.kind() == Kind::Number).then(|| serde_json::from_str(self.raw()).ok()).flatten()
    }

    /// Says whether this is that text.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        self.document.is_text(self.at, text)
    }

    /// Says whether this is nothing.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Says whether this is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.kind() == Kind::List
    }

    /// Says whether this is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    /// Returns the JSON of this as it was written.
    #[must_use]
    pub fn raw(self) -> &'a str {
        let node = self.document.node(self.at);
        let quotes = usize::from(matches!(node.kind, Kind::Text | Kind::Escaped));
        let (start, end) = (node.start as usize - quotes, node.end as usize + quotes);
        self.document.text.get(start..end).filter(|raw| !raw.is_empty()).unwrap_or("null")
    }

    /// Says whether this may hold a text that needs no escapes, which is cheaper to find out than whether it does.
    #[must_use]
    pub fn may_mention(self, text: &str) -> bool {
        let raw = self.raw().as_bytes();
        // Any character may be written as an escape.
        let has_escapes = || !self.document.escaped.is_empty() && memmem::find(raw, b"\\u").is_some();
        memmem::find(raw, text.as_bytes()).is_some() || has_escapes()
    }

    /// Returns the same with strings of its own.
    #[must_use]
    pub fn to_value(self) -> Value {
        serde_json::from_str(self.raw()).unwrap_or_default()
    }

    /// Returns the members of an object as a map with strings of its own.
    #[must_use]
    pub fn to_map(self) -> Map<String, Value> {
        if let Value::Object(members) = self.to_value() { members } else { Map::new() }
    }

    fn kind(self) -> Kind {
        self.document.node(self.at).kind
    }

    /// Returns the name of each member and the member.
    fn members_as_nodes(self) -> impl Iterator<Item = (usize, usize)> {
        let mut next = self.at + 1;
        let end = if self.is_object() { self.document.after(self.at) } else { 0 };
        std::iter::from_fn(move || {
            let name = (next < end).then_some(next)?;
            next = self.document.after(name + 1);
            Some((name, name + 1))
        })
    }
}

impl Document<'_> {
    fn node(&self, at: usize) -> Node {
        self.nodes.get(at).copied().unwrap_or(NULL)
    }

    /// Returns the node after a value and all that is in it.
    fn after(&self, at: usize) -> usize {
        let node = self.node(at);
        if matches!(node.kind, Kind::List | Kind::Object) { node.link as usize } else { at + 1 }
    }

    /// Says whether a node is that text. Bytes are compared: that is all that most members are looked at for.
    fn is_text(&self, at: usize, text: &str) -> bool {
        let node = self.node(at);
        match node.kind {
            Kind::Text => self.text.as_bytes().get(node.start as usize..node.end as usize) == Some(text.as_bytes()),
            Kind::Escaped => self.text_of(at) == Some(text),
            Kind::Null | Kind::False | Kind::True | Kind::Number | Kind::List | Kind::Object => false,
        }
    }

    fn text_of(&self, at: usize) -> Option<&str> {
        let node = self.node(at);
        let written = || self.text.get(node.start as usize..node.end as usize);
        match node.kind {
            Kind::Text => written(),
            Kind::Escaped => {
                let made = self.escaped.get(node.link as usize)?;
                Some(made.get_or_init(|| scan::unescaped(written().unwrap_or_default()).into()))
            }
            Kind::Null | Kind::False | Kind::True | Kind::Number | Kind::List | Kind::Object => None,
        }
    }
}
