//! JSON that is only read, over the text that it was read from: nothing of it is copied.
//!
//! A Pod is read once for each review, and most of it is of no interest. `serde_json::Value` would allocate every
//! key and every string of it, which costs several times as much as the rest of the review. So the text is checked in one
//! pass, which notes where each list and each object ends, and nothing else: what is in them is found again by going over the
//! text, where whatever nobody asks for is passed in one step. What is known of a text beside it is never more than twice as long
//! as the text, whatever is in it. A string with escapes is made only for who asks for it.

mod discarded;
mod extent;
mod fault;
mod go;
mod look;
mod parser;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod walk;
mod write;

pub use extent::Extent;
pub use fault::ReadError;
pub(crate) use go::{float_as_go, write_as_go, write_text_as_go};
pub use look::AsJson;
pub(crate) use scan::unescaped;
pub use write::{write_letters, write_text};

use discarded::Discarded;
use elsa::sync::FrozenBTreeMap;
use memchr::memmem::{self, Finder};
use serde::Serialize;
use serde::de::Error as _;
use serde_json::{Error, Map, Number, Value};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use text::Text;
use walk::{Kind, Walk};

/// A text that is JSON, and where in it lists and objects end.
pub struct Document<'a> {
    text: Cow<'a, str>,
    // In the order in which they begin: those of what is in one follow its own, and are less.
    ends: Vec<u32>,
    has_escapes: bool,
    // The strings with escapes that somebody has asked for, by where they begin.
    made: FrozenBTreeMap<u32, Box<str>>,
}

/// A value of a document, or nothing. The members of an object are in the order of the text; of two of one name the first
/// counts, and the API server sends no such object.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document<'a>,
    // Where it begins in the text.
    start: u32,
    // Of a list or an object: where its end is noted. Of anything else: where that of the next list or object is.
    end: u32,
}

/// Where a value is in a document that whoever has it knows: half as large as the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    start: u32,
    end: u32,
}

static NOTHING: Document<'static> =
    Document { text: Cow::Borrowed("null"), ends: Vec::new(), has_escapes: false, made: FrozenBTreeMap::new() };

impl<'a> Document<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no JSON, is nested more than 127 deep, or has a number that no program can calculate with.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        parser::parse(Cow::Borrowed(text), parser::DEEPEST).map_err(|text| fault(&text))
    }

    /// Returns what somebody has built as a document with a text of its own. However deep it is: it is there.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Document<'static> {
        Self::of_text(serde_json::to_string(value).unwrap_or_default())
    }

    /// The same of a text that somebody has put together from JSON.
    pub(crate) fn of_text(text: String) -> Document<'static> {
        parser::parse(Cow::Owned(text), usize::MAX).unwrap_or_default()
    }

    /// Returns the value that the text is.
    #[must_use]
    pub fn root(&self) -> Json<'_> {
        Json { document: self, start: scan::past_space(self.text.as_bytes(), 0), end: 0 }
    }
}

/// Returns what is wrong with a text, and where: in words that many know.
#[cold]
fn fault(text: &str) -> Error {
    let mut json = serde_json::Deserializer::from_str(text);
    let said = match serde_path_to_error::deserialize::<_, Discarded>(&mut json) {
        Ok(Discarded) => return json.end().err().unwrap_or_else(|| Error::custom("the text is too long")),
        Err(said) => said,
    };
    match said.path().to_string() {
        path if path == "." => said.into_inner(),
        // Where it is nested too deep its beginning is enough to find it.
        path => Error::custom(format_args!("{path:.200}: {}", said.inner())),
    }
}

impl<'a> Json<'a> {
    /// Returns what is not there.
    #[must_use]
    pub fn null() -> Self {
        Self { document: &NOTHING, start: 0, end: 0 }
    }

    /// Returns the member of an object; null where there is none, or where this is no object.
    #[must_use]
    pub fn at(self, key: &str) -> Self {
        self.get(key).unwrap_or_else(Self::null)
    }

    /// Returns the member of an object, if there is one.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.named_members().find(|(name, _)| name.is(key)).map(|(_, member)| member)
    }

    /// Returns several members of an object, found in one go; null for each that is not there.
    #[must_use]
    pub fn select<const COUNT: usize>(self, keys: [&str; COUNT]) -> [Self; COUNT] {
        let (mut found, mut missing) = ([None; COUNT], COUNT);
        let mut members = self.named_members();
        while let Some((name, member)) = (missing > 0).then(|| members.next()).flatten() {
            if let Some(at) = keys.iter().position(|key| name.is(key)).filter(|at| found[*at].is_none()) {
                found[at] = Some(member);
                missing -= 1;
            }
        }
        found.map(|member| member.unwrap_or_else(Self::null))
    }

    /// Returns the members of an object; none where this is no object.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.named_members().map(|(name, member)| (name.kept(), member))
    }

    /// Returns the members of an object like [`members`](Self::members), with names that are not kept beyond that: where there are
    /// many, and few of them are of interest.
    pub fn passing_members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        self.named_members().map(|(name, member)| (name.meant(), member))
    }

    /// Returns the items of a list; none where this is no list.
    pub fn items(self) -> impl Iterator<Item = Self> + Clone {
        let mut walk = self.walk(Kind::List);
        std::iter::from_fn(move || {
            let walk = walk.as_mut().filter(|walk| walk.has_next())?;
            let item = walk.value();
            walk.pass();
            Some(item)
        })
    }

    /// Returns the text, where this is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        self.text().map(Text::kept)
    }

    /// Returns the text, where this is one, which is not kept beyond that.
    #[must_use]
    pub fn passing_str(self) -> Option<Cow<'a, str>> {
        self.text().map(Text::meant)
    }

    /// Returns the yes or no, where this is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Null | Kind::Number | Kind::Text | Kind::List | Kind::Object => None,
        }
    }

    /// Returns the number, where this is one.
    #[must_use]
    pub fn as_number(self) -> Option<Number> {
        (self.kind() == Kind::Number).then(|| serde_json::from_str(self.raw()).ok()).flatten()
    }

    /// Returns the whole number, where this is one.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        (self.kind() == Kind::Number).then(|| self.raw().parse().ok()).flatten()
    }

    /// Says whether this is that text.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        self.text().is_some_and(|its| its.is(text))
    }

    /// Says whether this means the same as another text, number or the like, however both are written. Of lists and objects, only
    /// those that are written alike do.
    #[must_use]
    pub fn means(self, other: Json<'_>) -> bool {
        let is_same = || match (self.text(), other.text()) {
            (Some(one), Some(other)) => one.meant() == other.meant(),
            _ => self.as_number().is_some_and(|number| other.as_number() == Some(number)),
        };
        self.raw() == other.raw() || is_same()
    }

    /// Says whether this is nothing.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Says whether this is a text.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.kind() == Kind::Text
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
        self.document.text.get(self.start as usize..self.after() as usize).unwrap_or("null")
    }

    /// Says whether this may hold a text that needs no escapes, which is cheaper to find out than whether it does.
    #[must_use]
    pub fn may_contain(self, text: &Finder<'_>) -> bool {
        let raw = self.raw().as_bytes();
        // Any character may be written as an escape.
        let has_escapes = || self.document.has_escapes && memmem::find(raw, b"\\u").is_some();
        text.find(raw).is_some() || has_escapes()
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

    /// Returns where this is in its document.
    pub(crate) fn place(self) -> Place {
        let is_there = !std::ptr::eq(self.document, &raw const NOTHING);
        Place { start: if is_there { self.start } else { u32::MAX }, end: self.end }
    }

    /// Returns what is at a place of the document of this; null where what was there was nothing.
    pub(crate) fn of_place(self, place: Place) -> Self {
        if place.start == u32::MAX { Self::null() } else { Self { start: place.start, end: place.end, ..self } }
    }

    fn named_members(self) -> impl Iterator<Item = (Text<'a>, Self)> {
        let mut walk = self.walk(Kind::Object);
        std::iter::from_fn(move || {
            let walk = walk.as_mut().filter(|walk| walk.has_next())?;
            let name = walk.name();
            let member = walk.value();
            walk.pass();
            Some((name, member))
        })
    }

    fn text(self) -> Option<Text<'a>> {
        (self.kind() == Kind::Text).then(|| Text::at(self.document, self.document.text.as_bytes(), self.start))
    }

    fn kind(self) -> Kind {
        Kind::at(self.document.text.as_bytes(), self.start)
    }

    /// Returns where it ends in the text.
    fn after(self) -> u32 {
        let text = self.document.text.as_bytes();
        match Kind::at(text, self.start) {
            Kind::List | Kind::Object => self.document.end(self.end),
            kind => kind.end_of_scalar(text, self.start),
        }
    }

    fn walk(self, kind: Kind) -> Option<Walk<'a>> {
        (self.kind() == kind).then(|| Walk::over(self))
    }
}

impl Document<'_> {
    fn end(&self, place: u32) -> u32 {
        self.ends.get(place as usize).copied().unwrap_or(1)
    }

    /// Returns where a list or an object ends, and where the end of the first one is noted that begins behind it.
    #[inline]
    fn beyond(&self, place: u32) -> (u32, u32) {
        let Some((end, rest)) = self.ends.get(place as usize..).and_then(<[u32]>::split_first) else {
            return (1, place + 1);
        };
        // Most have little in them.
        let mut reach = 0;
        while rest.get(reach).is_some_and(|next| next < end) {
            reach = 2 * reach + 1;
        }
        let (sure, most) = (reach.div_ceil(2), rest.len().min(reach));
        let more = rest.get(sure..most).map_or(0, |rest| rest.partition_point(|next| next < end));
        (*end, place + 1 + u32::try_from(sure + more).unwrap_or(u32::MAX))
    }
}

impl Default for Document<'_> {
    fn default() -> Self {
        Self { text: Cow::Borrowed("null"), ends: Vec::new(), has_escapes: false, made: FrozenBTreeMap::new() }
    }
}

impl Clone for Document<'_> {
    fn clone(&self) -> Self {
        let (text, ends) = (self.text.clone(), self.ends.clone());
        Self { text, ends, has_escapes: self.has_escapes, made: FrozenBTreeMap::new() }
    }
}

/// By the text.
impl PartialEq for Document<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Debug for Document<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Document").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Debug for Json<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.raw())
    }
}
