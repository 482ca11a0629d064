//! What tells one Pod, and one version of it, from another, in as few bytes as it takes.

use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// The namespace and name of a Pod. Keys are in the order of the namespaces, then of the names.
// One text with a zero between the two, which neither can have and which comes before all that they can have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodKey(Arc<str>);

const BETWEEN: char = '\0';

impl PodKey {
    /// Returns the key of a Pod.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self([namespace, name].join("\0").into())
    }

    /// Returns the namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.parts().0
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(BETWEEN).unwrap_or_default()
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace(), self.name())
    }
}

/// The `uid` of a Pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uid(UidForm);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum UidForm {
    // As every API server gives them.
    Uuid([u8; 16]),
    Text(Box<str>),
}

/// How many hexadecimal digits there are in each part of a UUID.
const UUID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        Self(uuid(text).map_or_else(|| UidForm::Text(text.into()), UidForm::Uuid))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            UidForm::Text(text) => out.write_str(text),
            UidForm::Uuid(bytes) => {
                let mut rest = format!("{:032x}", u128::from_be_bytes(*bytes));
                let parts = UUID_PARTS.map(|digits| rest.drain(..digits).collect::<String>());
                out.write_str(&parts.join("-"))
            }
        }
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// Only in the form in which it is written again.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut parts = text.split('-');
    let are_all = UUID_PARTS
        .iter()
        .all(|digits| parts.next().is_some_and(|part| part.len() == *digits && part.bytes().all(is_digit)));
    let number = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
    (are_all && parts.next().is_none()).then(|| number.to_be_bytes())
}

/// The `resourceVersion` of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceVersion(VersionForm);

#[derive(Debug, Clone, PartialEq, Eq)]
enum VersionForm {
    // As every API server gives them.
    Number(u64),
    Text(Box<str>),
}

impl ResourceVersion {
    /// Returns the number that it is. There is no order between versions that are none.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self.0 {
            VersionForm::Number(number) => Some(number),
            VersionForm::Text(_) => None,
        }
    }
}

impl From<&str> for ResourceVersion {
    fn from(text: &str) -> Self {
        // Only in the form in which it is written again.
        let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
        Self(number.map_or_else(|| VersionForm::Text(text.into()), VersionForm::Number))
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            VersionForm::Number(number) => number.fmt(out),
            VersionForm::Text(text) => out.write_str(text),
        }
    }
}

impl Serialize for ResourceVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

    #[test]
    fn keys_are_in_the_order_of_namespaces_then_of_names() {
        let keys = [("a", "z"), ("a-b", "a"), ("a-b", "b"), ("a0", "a")].map(|(space, name)| PodKey::new(space, name));

        assert!(keys.is_sorted());
        assert_eq!((keys[1].namespace(), keys[1].name()), ("a-b", "a"));
        assert_eq!(keys[1].to_string(), "a-b/a");
    }

    #[test]
    fn an_identity_is_written_as_it_was_read() {
        let others = ["", "u1", "705AB4F5-6393-11E8-B7CC-42010A800002", "705ab4f5639311e8b7cc42010a800002"];
        let others =
            others.into_iter().chain(["705ab4f5-6393-11e8-b7cc-42010a800002-", "+05ab4f5-6393-11e8-b7cc-42010a800002"]);

        for text in others.chain([UUID, "00000000-0000-4000-8000-000000000001"]) {
            assert_eq!(Uid::from(text).to_string(), text);
        }
    }

    #[test]
    fn the_identity_that_an_api_server_gives_takes_no_memory_of_its_own() {
        assert_eq!(size_of::<Uid>(), 24);
        assert!(matches!(Uid::from(UUID).0, UidForm::Uuid(_)));
    }

    #[test]
    fn a_version_is_written_as_it_was_read_and_is_a_number_where_it_is_one() {
        let numbers = ["0", "7", "18446744073709551615"];
        let others = ["", "abc", "007", "+7", "18446744073709551616"];

        for text in numbers.into_iter().chain(others) {
            assert_eq!(ResourceVersion::from(text).to_string(), text);
        }
        assert_eq!(ResourceVersion::from("7").number(), Some(7));
        assert!(others.iter().all(|text| ResourceVersion::from(*text).number().is_none()));
    }
}
