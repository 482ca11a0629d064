//! A label selector, parsed once.

use crate::json::Json;
use crate::validation::{Violations, is_label_value, is_qualified_name};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Labels that can be asked for the value of a key.
pub trait Labels {
    /// Returns the value of a label, or nothing where there is none of that key.
    fn value(&self, key: &str) -> Option<&str>;

    /// Returns every label: its key and its value.
    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)>;
}

/// A parsed label selector: all its requirements hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Selector {
    pub(super) requirements: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Requirement {
    /// The label has one of these values.
    In {
        /// The key of the label.
        key: String,
        /// The values.
        values: BTreeSet<String>,
    },
    /// The label has none of these values. As in Kubernetes: one that is absent has none.
    NotIn {
        /// The key of the label.
        key: String,
        /// The values.
        values: BTreeSet<String>,
    },
    /// The label is there, whatever its value.
    Exists {
        /// The key of the label.
        key: String,
    },
    /// The label is not there.
    DoesNotExist {
        /// The key of the label.
        key: String,
    },
}

impl Selector {
    /// Parses a selector as the API server would, adding what is wrong with it under `path`.
    pub fn parse(source: &LabelSelector, path: &str, violations: &mut Violations) -> Option<Self> {
        let before = violations.count();
        let mut requirements = Vec::new();
        for (key, value) in source.match_labels.iter().flatten() {
            check_key(key, &format!("{path}.matchLabels"), violations);
            check_value(value, &format!("{path}.matchLabels[{key}]"), violations);
            requirements.push(Requirement::In { key: key.clone(), values: BTreeSet::from([value.clone()]) });
        }
        for (at, expression) in source.match_expressions.iter().flatten().enumerate() {
            let path = format!("{path}.matchExpressions[{at}]");
            requirements.extend(Requirement::parse(expression, &path, violations));
        }
        (violations.count() == before).then_some(Self { requirements })
    }

    /// Returns the selector of the one namespace of this name.
    #[must_use]
    pub fn namespace_named(name: &str) -> Self {
        let key = sidecarset_api::markers::NAMESPACE_NAME.to_owned();
        Self { requirements: vec![Requirement::In { key, values: BTreeSet::from([name.to_owned()]) }] }
    }

    /// Returns the selector of all namespaces but the one of this name.
    #[must_use]
    pub fn namespace_not_named(name: &str) -> Self {
        let key = sidecarset_api::markers::NAMESPACE_NAME.to_owned();
        Self { requirements: vec![Requirement::NotIn { key, values: BTreeSet::from([name.to_owned()]) }] }
    }

    /// Returns the first requirement that labels do not fulfil.
    #[must_use]
    pub fn unmet(&self, labels: &impl Labels) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| !requirement.matches(labels))
    }

    /// Returns what labels have to fulfil, all of it.
    pub(crate) fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Returns what it asks for beyond what another one does.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.requirements.retain(|requirement| !other.requirements.contains(requirement));
        self
    }

    /// Says whether it asks for nothing, so that everything matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Says whether labels fulfil every requirement.
    #[must_use]
    pub fn matches(&self, labels: &impl Labels) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

/// As the API server reads it.
impl From<&Selector> for LabelSelector {
    fn from(selector: &Selector) -> Self {
        let expressions = selector.requirements.iter().map(LabelSelectorRequirement::from).collect();
        Self { match_expressions: Some(expressions), ..Self::default() }
    }
}

impl From<&Requirement> for LabelSelectorRequirement {
    fn from(requirement: &Requirement) -> Self {
        let (key, operator, values) = match requirement {
            Requirement::In { key, values } => (key, "In", Some(values)),
            Requirement::NotIn { key, values } => (key, "NotIn", Some(values)),
            Requirement::Exists { key } => (key, "Exists", None),
            Requirement::DoesNotExist { key } => (key, "DoesNotExist", None),
        };
        let values = values.map(|values| values.iter().cloned().collect());
        Self { key: key.clone(), operator: operator.to_owned(), values }
    }
}

impl Requirement {
    /// Returns the key of the label that it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::In { key, .. } | Self::NotIn { key, .. } | Self::Exists { key } | Self::DoesNotExist { key } => key,
        }
    }

    fn parse(source: &LabelSelectorRequirement, path: &str, violations: &mut Violations) -> Option<Self> {
        check_key(&source.key, &format!("{path}.key"), violations);
        let key = source.key.clone();
        let values: BTreeSet<String> = source.values.iter().flatten().cloned().collect();
        for (at, value) in source.values.iter().flatten().enumerate() {
            check_value(value, &format!("{path}.values[{at}]"), violations);
        }
        let takes_values = matches!(source.operator.as_str(), "In" | "NotIn");
        if takes_values && values.is_empty() {
            violations.add(format!("{path}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        if !takes_values && !values.is_empty() {
            violations
                .add(format!("{path}.values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        match source.operator.as_str() {
            "In" => Some(Self::In { key, values }),
            "NotIn" => Some(Self::NotIn { key, values }),
            "Exists" => Some(Self::Exists { key }),
            "DoesNotExist" => Some(Self::DoesNotExist { key }),
            other => {
                let message = format!("{other:?} is not a valid selector operator: In, NotIn, Exists or DoesNotExist");
                violations.add(format!("{path}.operator"), message);
                None
            }
        }
    }

    pub(super) fn matches(&self, labels: &impl Labels) -> bool {
        match self {
            Self::In { key, values } => labels.value(key).is_some_and(|value| values.contains(value)),
            Self::NotIn { key, values } => labels.value(key).is_none_or(|value| !values.contains(value)),
            Self::Exists { key } => labels.value(key).is_some(),
            Self::DoesNotExist { key } => labels.value(key).is_none(),
        }
    }
}

/// In the words of kubectl: `app=web,tier in (a,b),!legacy`.
impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            requirement.fmt(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |values: &BTreeSet<String>| values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        match self {
            Self::In { key, values } if values.len() == 1 => write!(out, "{key}={}", joined(values)),
            Self::In { key, values } => write!(out, "{key} in ({})", joined(values)),
            Self::NotIn { key, values } if values.len() == 1 => write!(out, "{key}!={}", joined(values)),
            Self::NotIn { key, values } => write!(out, "{key} notin ({})", joined(values)),
            Self::Exists { key } => out.write_str(key),
            Self::DoesNotExist { key } => write!(out, "!{key}"),
        }
    }
}

fn check_key(key: &str, path: &str, violations: &mut Violations) {
    if !is_qualified_name(key) {
        violations.add(path, format!("{key:?} is not a label key"));
    }
}

fn check_value(value: &str, path: &str, violations: &mut Violations) {
    if !is_label_value(value) {
        violations.add(path, format!("{value:?} is not a label value"));
    }
}

impl Labels for BTreeMap<String, String> {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(String::as_str)
    }

    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.iter().map(|(key, value)| (key.into(), value.into()))
    }
}

/// What is no object has no labels.
impl Labels for Json<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.at(key).as_str()
    }

    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.passing_members().filter_map(|(key, value)| Some((key, value.passing_str()?)))
    }
}

impl Labels for serde_json::Map<String, serde_json::Value> {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(serde_json::Value::as_str)
    }

    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.iter().filter_map(|(key, value)| Some((key.into(), value.as_str()?.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(source: serde_json::Value) -> Result<Selector, Violations> {
        let source: LabelSelector = serde_json::from_value(source).unwrap();
        let mut violations = Violations::default();
        Selector::parse(&source, "spec.selector", &mut violations).ok_or(violations)
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_requirement_has_to_hold() {
        let selector = parse(json!({
            "matchLabels": {"app": "nginx"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "edge"]}],
        }))
        .unwrap();

        assert!(selector.matches(&labels(&[("app", "nginx"), ("tier", "edge")])));
        assert!(!selector.matches(&labels(&[("app", "nginx"), ("tier", "db")])));
        assert!(!selector.matches(&labels(&[("tier", "edge")])));
    }

    #[test]
    fn an_absent_label_is_not_in_any_set() {
        let selector =
            parse(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]})).unwrap();

        assert!(selector.matches(&labels(&[])));
        assert!(!selector.matches(&labels(&[("tier", "db")])));
    }

    #[test]
    fn presence_and_absence_are_told_apart() {
        let exists = parse(json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]})).unwrap();
        let absent = parse(json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]})).unwrap();

        assert!(exists.matches(&labels(&[("a", "")])) && !exists.matches(&labels(&[])));
        assert!(absent.matches(&labels(&[])) && !absent.matches(&labels(&[("a", "")])));
    }

    #[test]
    fn everything_wrong_is_told_with_its_path() {
        let violations = parse(json!({
            "matchLabels": {"!!bad": "a/b"},
            "matchExpressions": [
                {"key": "ok", "operator": "In"},
                {"key": "ok", "operator": "Exists", "values": ["x"]},
                {"key": "ok", "operator": "Near"},
            ],
        }))
        .unwrap_err();

        let paths: Vec<_> = violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "spec.selector.matchLabels",
                "spec.selector.matchLabels[!!bad]",
                "spec.selector.matchExpressions[0].values",
                "spec.selector.matchExpressions[1].values",
                "spec.selector.matchExpressions[2].operator",
            ]
        );
    }

    #[test]
    fn a_selector_is_read_as_it_is_written() {
        let selector = parse(json!({"matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["x"]},
            {"key": "team", "operator": "Exists"},
            {"key": "legacy", "operator": "DoesNotExist"},
        ]}))
        .unwrap();

        let written = LabelSelector::from(&selector);

        assert_eq!(Selector::parse(&written, "", &mut Violations::default()), Some(selector));
    }

    #[test]
    fn a_selector_is_told_in_the_words_of_kubectl() {
        let source = json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["b", "a"]},
                {"key": "zone", "operator": "NotIn", "values": ["x"]},
                {"key": "team", "operator": "Exists"},
                {"key": "legacy", "operator": "DoesNotExist"},
            ],
        });
        let selector =
            Selector::parse(&serde_json::from_value(source).unwrap(), "", &mut Violations::default()).unwrap();

        assert_eq!(selector.to_string(), "app=web,tier in (a,b),zone!=x,team,!legacy");
        let labels: BTreeMap<String, String> = [("app".to_owned(), "web".to_owned())].into();
        assert_eq!(selector.unmet(&labels).unwrap().key(), "tier");
    }
}
