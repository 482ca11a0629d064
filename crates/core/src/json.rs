//! JSON that is only read: a tree over the text that it was read from, without copies of its strings.
//!
//! A Pod is read once for each review, and most of it is of no interest. `serde_json::Value` would allocate every
//! key and every string of it, which costs several times as much as the rest of the review. Most of a large Pod are
//! environment variables, of which few are ever asked for: these lists are read only when somebody asks.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// The member that is read late.
const LATE: &str = "env";

/// A value that borrows from the text it was read from. The members of an object are in the order of the text; of two of one
/// name the first counts, and the API server sends no such object.
#[derive(Debug, Clone, Default)]
pub enum Json<'a> {
    /// Nothing.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
    /// Something that is read when it is asked for.
    Late(Late<'a>),
}

/// A value that is read when it is asked for.
#[derive(Debug, Clone)]
pub struct Late<'a> {
    text: &'a str,
    // With strings of its own: a cell that borrows would tie the whole tree to one lifetime.
    read: OnceLock<Box<Json<'static>>>,
}

/// What can be looked at as [`Json`].
pub trait AsJson {
    /// Returns it as it is looked at.
    fn as_json(&self) -> Cow<'_, Json<'_>>;
}

static NULL: Json<'static> = Json::Null;

impl<'a> Json<'a> {
    /// Returns the member of an object; null where there is none, or where this is no object.
    #[must_use]
    pub fn at(&self, key: &str) -> &Json<'a> {
        self.members().find(|(name, _)| *name == key).map_or(&NULL, |(_, member)| member)
    }

    /// Returns the members of an object; none where this is no object.
    pub fn members<'b>(&'b self) -> impl Iterator<Item = (&'b str, &'b Json<'a>)> {
        let members = if let Json::Object(members) = self.read() { members.as_slice() } else { &[] };
        members.iter().map(|(name, member)| (&**name, member))
    }

    /// Returns the items of a list; none where this is no list.
    pub fn items<'b>(&'b self) -> impl Iterator<Item = &'b Json<'a>> {
        let items = if let Json::List(items) = self.read() { items.as_slice() } else { &[] };
        items.iter()
    }

    /// Returns the text, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Json::Text(text) = self.read() { Some(text) } else { None }
    }

    /// Says whether this is that text.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }

    /// Says whether this is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.read(), Json::Null)
    }

    /// Says whether this is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self.read(), Json::List(_))
    }

    /// Says whether this is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.read(), Json::Object(_))
    }

    /// Says whether this may hold a text that needs no escapes, which is cheap to find out of what has not been read. It may
    /// where it does.
    #[must_use]
    pub fn may_mention(&self, text: &str) -> bool {
        if let Json::Late(late) = self { late.may_mention(text) } else { true }
    }

    /// Returns the same with strings of its own.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self.read() {
            Json::Null | Json::Late(_) => Value::Null,
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => Value::Number(number.clone()),
            Json::Text(text) => Value::String(text.to_string()),
            Json::List(items) => items.iter().map(Json::to_value).collect(),
            Json::Object(_) => Value::Object(self.to_map()),
        }
    }

    /// Returns the members of an object as a map with strings of its own.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        self.members().map(|(name, member)| (name.to_owned(), member.to_value())).collect()
    }

    fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(yes) => Json::Bool(yes),
            Json::Number(number) => Json::Number(number),
            Json::Text(text) => Json::Text(text.into_owned().into()),
            Json::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Json::Object(members) => {
                let own = members.into_iter().map(|(name, member)| (name.into_owned().into(), member.into_owned()));
                Json::Object(own.collect())
            }
            Json::Late(late) => late.read().clone(),
        }
    }

    fn read(&self) -> &Json<'a> {
        if let Json::Late(late) = self { late.read() } else { self }
    }
}

impl<'a> Late<'a> {
    fn new(text: &'a RawValue) -> Self {
        Self { text: text.get(), read: OnceLock::new() }
    }

    fn read(&self) -> &Json<'static> {
        // What was skipped is known to be JSON, but for a text with half of a character: that is nothing.
        let read = || serde_json::from_str::<Json<'_>>(self.text).unwrap_or_default();
        self.read.get_or_init(|| Box::new(read().into_owned()))
    }

    fn may_mention(&self, text: &str) -> bool {
        // Any character may be written as an escape.
        self.text.contains(text) || self.text.contains("\\u")
    }
}

impl AsJson for Json<'_> {
    fn as_json(&self) -> Cow<'_, Json<'_>> {
        Cow::Borrowed(self)
    }
}

impl AsJson for Value {
    fn as_json(&self) -> Cow<'_, Json<'_>> {
        Cow::Owned(borrowed(self))
    }
}

fn borrowed(value: &Value) -> Json<'_> {
    match value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::Text(Cow::Borrowed(text)),
        Value::Array(items) => Json::List(items.iter().map(borrowed).collect()),
        Value::Object(members) => Json::Object(
            members.iter().map(|(name, member)| (Cow::Borrowed(name.as_str()), borrowed(member))).collect(),
        ),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = object.next_key()? {
            let member =
                if name == LATE { Json::Late(Late::new(object.next_value()?)) } else { object.next_value()? };
            members.push((name, member));
        }
        Ok(Json::Object(members))
    }
}

/// The name of a member, borrowed where it has no escapes: a `Cow` alone would always be a copy.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(Reader)? {
            Json::Text(name) => Ok(Self(name)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) | Json::Late(_) => {
                Err(serde::de::Error::custom("the name of a member is no text"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Json<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_missing_is_null() {
        let pod = read(r#"{"metadata": {"name": "web-0"}, "spec": 7}"#);

        assert!(pod.at("metadata").at("name").is("web-0"));
        assert!(pod.at("metadata").at("labels").at("app").is_null());
        assert!(pod.at("spec").at("containers").is_null());
        assert_eq!(pod.at("spec").items().count(), 0);
        assert_eq!(pod.at("spec").to_map(), Map::new());
    }

    #[test]
    fn numbers_and_escaped_texts_are_as_they_were_written() {
        let text = r#"{"a\"b": [1, -2, 0.1, 18446744073709551615, "\u00e4\n"], "c": {"d": null, "e": [true]}}"#;

        assert_eq!(
            read(text).to_value(),
            json!({"a\"b": [1, -2, 0.1, u64::MAX, "ä\n"], "c": {"d": null, "e": [true]}})
        );
    }

    #[test]
    fn a_list_that_is_read_late_is_as_it_was_written() {
        let container = read(r#"{"name": "app", "env": [{"name": "A", "value": "\u0031"}, {"name": "B"}]}"#);

        assert!(matches!(container.at("env"), Json::Late(late) if late.read.get().is_none()));
        assert!(container.at("env").is_list());
        assert!(container.at("env").items().nth(1).is_some_and(|variable| variable.at("name").is("B")));
        assert_eq!(container.to_value(), json!({"name": "app", "env": [{"name": "A", "value": "1"}, {"name": "B"}]}));
    }

    #[test]
    fn whether_a_text_is_there_is_known_without_reading() {
        let mentions = |text: &str| read(text).at("env").may_mention("IS_INJECTED");

        assert!(mentions(r#"{"env": [{"name": "IS_INJECTED"}]}"#));
        assert!(mentions(r#"{"env": [{"name": "\u0049S_INJECTED"}]}"#));
        assert!(!mentions(r#"{"env": [{"name": "IS\tINJECTED"}]}"#));
    }

    #[test]
    fn half_of_a_character_in_what_is_read_late_is_nothing() {
        assert!(read(r#"{"env": ["\ud800"]}"#).at("env").is_null());
    }

    #[test]
    fn a_tree_of_its_own_reads_as_it_is() {
        let value = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": [1, null, true, -0.5, {"env": []}]});

        assert_eq!(value.as_json().to_value(), value);
    }
}
