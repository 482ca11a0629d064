//! What is known of the namespace of a Pod, and what follows from it.

use super::{Labels, Namespaces, Requirement, Selector};
use sha2::{Digest, Sha256};
use sidecarset_api::markers::NAMESPACE_NAME;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What is known of the namespace of a Pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamespaceFacts<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its labels.
    pub labels: Option<&'a BTreeMap<String, String>>,
    /// The requirements on labels that the API server has found to hold.
    pub matched: Option<SelectorDigest>,
}

/// Identifies what a selector requires, whatever the order of its requirements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectorDigest(u64);

/// A text that is no digest of a selector.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest of 16 hexadecimal digits")]
pub struct ParseSelectorDigestError {
    text: String,
}

/// The one label that every namespace has.
struct NameLabel<'a>(&'a str);

impl<'a> From<Option<&'a BTreeMap<String, String>>> for NamespaceFacts<'a> {
    fn from(labels: Option<&'a BTreeMap<String, String>>) -> Self {
        Self { labels, ..Self::default() }
    }
}

impl<'a> NamespaceFacts<'a> {
    /// Returns its name, where that is known.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.name.or_else(|| self.labels?.get(NAMESPACE_NAME).map(String::as_str))
    }
}

impl Namespaces {
    /// Returns what is required of labels other than the name, each requirement once; nothing where that is nothing.
    #[must_use]
    pub fn label_requirements(&self) -> Option<Selector> {
        let Self::Matching(selector) = self else { return None };
        let of_labels = selector.requirements().iter().filter(|requirement| !is_of_name(requirement));
        let mut requirements: Vec<Requirement> = of_labels.cloned().collect();
        requirements.sort();
        requirements.dedup();
        (!requirements.is_empty()).then_some(Selector { requirements })
    }

    /// Says whether a namespace is one of them, where that is known.
    #[must_use]
    pub fn contain(&self, namespace: NamespaceFacts<'_>) -> Option<bool> {
        let Self::Matching(selector) = self else { return Some(true) };
        if let Some(labels) = namespace.labels {
            return Some(selector.matches(labels));
        }
        let name = NameLabel(namespace.name?);
        if !selector.requirements().iter().filter(|it| is_of_name(it)).all(|requirement| requirement.matches(&name)) {
            return Some(false);
        }
        match self.label_requirements() {
            Some(required) => (namespace.matched == Some(required.digest())).then_some(true),
            None => Some(true),
        }
    }
}

fn is_of_name(requirement: &Requirement) -> bool {
    requirement.key() == NAMESPACE_NAME
}

impl Selector {
    /// Returns what identifies its requirements, in the order that they are in.
    #[must_use]
    pub fn digest(&self) -> SelectorDigest {
        let digest = Sha256::digest(self.to_string());
        let first = digest.first_chunk().expect("a SHA-256 digest has 32 bytes");
        SelectorDigest(u64::from_be_bytes(*first))
    }
}

impl fmt::Display for SelectorDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl FromStr for SelectorDigest {
    type Err = ParseSelectorDigestError;

    fn from_str(text: &str) -> Result<Self, ParseSelectorDigestError> {
        let is_digest = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = u64::from_str_radix(text, 16).ok().filter(|_| is_digest);
        parsed.map(Self).ok_or_else(|| ParseSelectorDigestError { text: text.to_owned() })
    }
}

impl Labels for NameLabel<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        (key == NAMESPACE_NAME).then_some(self.0)
    }

    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        std::iter::once((NAMESPACE_NAME.into(), self.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Violations;
    use serde_json::{Value, json};

    fn namespaces(expressions: &Value) -> Namespaces {
        let source = serde_json::from_value(json!({"matchExpressions": expressions})).unwrap();
        Namespaces::Matching(Selector::parse(&source, "", &mut Violations::default()).unwrap())
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"key": key, "operator": operator, "values": values})
    }

    fn named(name: &str) -> NamespaceFacts<'_> {
        NamespaceFacts { name: Some(name), ..NamespaceFacts::default() }
    }

    fn red_but_shop() -> Namespaces {
        namespaces(&json!([
            expression("team", "In", &["red"]),
            expression("kubernetes.io/metadata.name", "NotIn", &["shop"]),
        ]))
    }

    #[test]
    fn namespaces_that_are_given_by_name_need_no_labels() {
        let shops = namespaces(&json!([expression("kubernetes.io/metadata.name", "In", &["shop", "mill"])]));

        assert_eq!((shops.contain(named("mill")), shops.contain(named("bank"))), (Some(true), Some(false)));
        assert_eq!(Namespaces::All.contain(NamespaceFacts::default()), Some(true));
    }

    #[test]
    fn labels_that_are_not_known_are_not_guessed() {
        assert_eq!(red_but_shop().contain(named("bank")), None);
        assert_eq!(red_but_shop().contain(NamespaceFacts::default()), None);
        // Whatever its labels are.
        assert_eq!(red_but_shop().contain(named("shop")), Some(false));
    }

    #[test]
    fn what_the_api_server_has_found_to_hold_holds() {
        let matched = |namespaces: &Namespaces| namespaces.label_requirements().map(|selector| selector.digest());
        let red = namespaces(&json!([expression("team", "In", &["red"])]));
        let blue = namespaces(&json!([expression("team", "In", &["blue"])]));
        let bank = |namespaces| NamespaceFacts { matched: matched(namespaces), ..named("bank") };

        assert_eq!(red_but_shop().contain(bank(&red)), Some(true));
        assert_eq!(red_but_shop().contain(bank(&blue)), None);
    }

    #[test]
    fn labels_that_are_known_count_more_than_what_the_api_server_has_found() {
        let matched = red_but_shop().label_requirements().map(|selector| selector.digest());
        let labels = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);

        assert_eq!(
            red_but_shop().contain(NamespaceFacts { matched, labels: Some(&labels), ..named("bank") }),
            Some(false)
        );
    }

    #[test]
    fn the_order_of_requirements_is_no_difference() {
        let (one, other) = (expression("a", "Exists", &[]), expression("b", "NotIn", &["y", "x"]));
        let digest = |expressions| namespaces(&expressions).label_requirements().unwrap().digest();

        assert_eq!(digest(json!([one, other])), digest(json!([other, one, other])));
        assert_ne!(digest(json!([one, other])), digest(json!([one])));
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = red_but_shop().label_requirements().unwrap().digest();

        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("0x00000000000000".parse::<SelectorDigest>().is_err());
        assert_eq!(SelectorDigest(7).to_string(), "0000000000000007");
    }
}
