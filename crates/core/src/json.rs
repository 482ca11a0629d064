//! JSON that is only read: a tree over the text that it was read from, without copies of its strings.
//!
//! A Pod is read once for each review, and most of it is of no interest. `serde_json::Value` would allocate every
//! key and every string of it, which costs several times as much as the rest of the review.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// A value that borrows from the text it was read from.
pub type Json<'a> = serde_json_borrow::Value<'a>;

static NULL: Json<'static> = Json::Null;

/// How members are looked up that may be missing.
pub trait Lookup<'a> {
    /// Returns the member of an object; null where there is none, or where this is no object.
    fn at(&self, key: &str) -> &Json<'a>;

    /// Returns the items of a list; none where this is no list.
    fn items<'b>(&'b self) -> impl Iterator<Item = &'b Json<'a>>
    where
        'a: 'b;

    /// Says whether this is that text.
    fn is(&self, text: &str) -> bool;

    /// Returns the members of an object as a map of its own; none where this is no object.
    fn to_map(&self) -> Map<String, Value>;
}

/// What can be looked at as [`Json`].
pub trait AsJson {
    /// Returns it as it is looked at.
    fn as_json(&self) -> Cow<'_, Json<'_>>;
}

impl<'a> Lookup<'a> for Json<'a> {
    fn at(&self, key: &str) -> &Json<'a> {
        self.as_object().and_then(|object| object.get(key)).unwrap_or(&NULL)
    }

    fn items<'b>(&'b self) -> impl Iterator<Item = &'b Json<'a>>
    where
        'a: 'b,
    {
        self.as_array().into_iter().flatten()
    }

    fn is(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }

    fn to_map(&self) -> Map<String, Value> {
        self.as_object().map(Map::from).unwrap_or_default()
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

// The conversion of the library looks for each key among those before it, which takes minutes for a hundred thousand.
fn borrowed(value: &Value) -> Json<'_> {
    match value {
        Value::Array(items) => Json::Array(items.iter().map(borrowed).collect()),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(key, value)| (key.as_str(), borrowed(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_null() {
        let pod: Json<'_> = serde_json::from_str(r#"{"metadata": {"name": "web-0"}, "spec": 7}"#).unwrap();

        assert!(pod.at("metadata").at("name").is("web-0"));
        assert!(pod.at("metadata").at("labels").at("app").is_null());
        assert!(pod.at("spec").at("containers").is_null());
        assert_eq!(pod.at("spec").items().count(), 0);
        assert_eq!(pod.at("spec").to_map(), Map::new());
    }

    #[test]
    fn numbers_and_escaped_texts_are_as_they_were_written() {
        let text = r#"{"a\"b": [1, -2, 0.1, 18446744073709551615, "\u00e4\n"], "c": {"d": null}}"#;

        let read: Json<'_> = serde_json::from_str(text).unwrap();

        assert_eq!(Value::from(&read), json!({"a\"b": [1, -2, 0.1, u64::MAX, "ä\n"], "c": {"d": null}}));
    }

    #[test]
    fn a_tree_of_its_own_reads_as_it_is() {
        let value = json!({"metadata": {"labels": {"app": "nginx"}}});

        assert_eq!(
            value.as_json().at("metadata").at("labels").to_map(),
            *value["metadata"]["labels"].as_object().unwrap()
        );
    }
}
