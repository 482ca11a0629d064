//! Raw JSON with the path at which it stands.
//!
//! Values of an unexpected type are told where types are checked; every reader here passes over them.

use super::Violations;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

pub(crate) const REQUIRED: &str = "is required";

/// An object within a spec.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

impl<'a> Member<'a> {
    pub(super) fn new(path: impl Into<String>, object: &'a Map<String, Value>) -> Self {
        Self { path: path.into(), object }
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the path of one of its members.
    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Returns a member, `null` counting as absent, as in Kubernetes.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Returns the names of the members that are there.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.object.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str())
    }

    /// Returns a text that is there, even an empty one.
    pub(super) fn written(&self, key: &str) -> Option<&'a str> {
        self.value(key)?.as_str()
    }

    /// Returns a text that is there and not empty.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.written(key).filter(|text| !text.is_empty())
    }

    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.value(key)?.as_i64()
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.value(key)?.as_bool()
    }

    pub(super) fn child(&self, key: &str) -> Option<Self> {
        Some(Self::new(self.at(key), self.object.get(key)?.as_object()?))
    }

    /// Returns the objects of a list.
    pub(super) fn list(&self, key: &str) -> impl Iterator<Item = Self> + use<'a> {
        let path = self.at(key);
        let items = self.object.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
        items.filter_map(move |(at, item)| Some(Self::new(format!("{path}[{at}]"), item.as_object()?)))
    }

    /// Returns the texts of a list.
    pub(super) fn texts(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Says whether a list is absent or empty.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        self.value(key).is_none_or(|list| list.as_array().is_some_and(Vec::is_empty))
    }

    /// Returns a text, or adds that it is required.
    pub(super) fn required(&self, key: &str, violations: &mut Violations) -> Option<&'a str> {
        if self.value(key).is_none_or(|value| value == "") {
            violations.add(self.at(key), REQUIRED);
        }
        self.text(key)
    }

    /// Adds what a rule says about a text that is there and not empty.
    pub(super) fn check(&self, key: &str, rule: impl Fn(&str) -> Result<(), String>, violations: &mut Violations) {
        if let Some(text) = self.text(key) {
            violations.take(self.at(key), rule(text));
        }
    }

    /// Adds what a rule says about a text, or that it is required.
    pub(super) fn check_required(
        &self,
        key: &str,
        rule: impl Fn(&str) -> Result<(), String>,
        violations: &mut Violations,
    ) {
        if let Some(text) = self.required(key, violations) {
            violations.take(self.at(key), rule(text));
        }
    }

    /// Adds a text that is not one of those allowed. An empty one counts as absent.
    pub(super) fn check_one_of(&self, key: &str, allowed: &[&str], violations: &mut Violations) {
        self.check(key, |text| one_of(text, allowed), violations);
    }

    /// Adds a text that is not one of those allowed, an empty one too: for members that Kubernetes tells from absent ones.
    pub(super) fn check_written_one_of(&self, key: &str, allowed: &[&str], violations: &mut Violations) {
        if let Some(text) = self.written(key) {
            violations.take(self.at(key), one_of(text, allowed));
        }
    }

    /// Adds a number that is there and not within a range.
    pub(super) fn check_range(&self, key: &str, range: &RangeInclusive<i64>, violations: &mut Violations) {
        if let Some(number) = self.number(key).filter(|number| !range.contains(number)) {
            violations.add(self.at(key), out_of_range(number, range));
        }
    }

    /// Adds a list that has too many items.
    pub(super) fn check_length(&self, key: &str, most: usize, violations: &mut Violations) {
        let length = self.value(key).and_then(Value::as_array).map_or(0, Vec::len);
        if length > most {
            violations.add(self.at(key), format!("must have at most {most} items, has {length}"));
        }
    }

    /// Adds a number below zero.
    pub(super) fn check_not_negative(&self, key: &str, violations: &mut Violations) {
        if self.number(key).is_some_and(|number| number < 0) {
            violations.add(self.at(key), "must be greater than or equal to 0");
        }
    }
}

pub(super) fn one_of(text: &str, allowed: &[&str]) -> Result<(), String> {
    if allowed.contains(&text) { Ok(()) } else { Err(format!("{text:?} is not one of {}", allowed.join(", "))) }
}

pub(crate) fn out_of_range(number: i64, range: &RangeInclusive<i64>) -> String {
    format!("{number} is not between {} and {}", range.start(), range.end())
}

pub(crate) fn duplicate(value: &str) -> String {
    format!("duplicate value: {value:?}")
}
