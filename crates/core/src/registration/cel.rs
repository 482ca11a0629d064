//! Expressions of the Common Expression Language, in which the API server is told what to ask about. Each of them has
//! a value for every Pod: one that fails would have the Pod refused.

use crate::selection::{Requirement, Selector};
use sidecarset_api::markers::NAMESPACE_NAME;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What a label that is absent is compared as where the empty text is asked for: no label has this value.
const NO_VALUE: &str = "!";

/// Expressions of which one has to be true.
#[derive(Debug, Default)]
pub(super) struct Alternatives {
    // By the expression for the namespaces, which is empty for all of them.
    by_namespaces: BTreeMap<String, Pods>,
}

#[derive(Debug, Default)]
struct Pods {
    // The API server takes time that grows with the square of the number of expressions, and hardly any for a list.
    values: BTreeMap<String, BTreeSet<String>>,
    others: BTreeSet<String>,
}

impl Alternatives {
    /// Adds the Pods of a selector in the namespaces of an expression.
    pub(super) fn add(&mut self, namespaces: String, pods: &Selector) {
        let alternatives = self.by_namespaces.entry(namespaces).or_default();
        if let [Requirement::In { key, values }] = pods.requirements() {
            alternatives.values.entry(key.clone()).or_default().extend(values.iter().cloned());
        } else {
            alternatives.others.insert(all_of(pods.requirements().iter().map(of_pod)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_namespaces.is_empty()
    }

    /// Returns how many expressions there are, lists of values counted once.
    pub(super) fn len(&self) -> usize {
        self.by_namespaces.values().map(|pods| pods.values.len() + pods.others.len()).sum()
    }

    /// Returns the one expression that is true where one of them is.
    pub(super) fn text(&self) -> String {
        let groups = self.by_namespaces.iter().map(|(namespaces, pods)| match namespaces.as_str() {
            "" => pods.text(),
            namespaces => format!("{namespaces} && ({})", pods.text()),
        });
        groups.collect::<Vec<_>>().join(" || ")
    }
}

impl Pods {
    fn text(&self) -> String {
        let values = self.values.iter().map(|(key, values)| is_one_of(&label(key, values), values));
        values.chain(self.others.iter().cloned()).collect::<Vec<_>>().join(" || ")
    }
}

/// Returns what the requirements of a selector say of the name of the namespace, sorted; nothing for a selector that no
/// namespace can fulfil. What it says of other labels is left out.
pub(super) fn of_namespace_name(namespaces: &Selector) -> Option<BTreeSet<String>> {
    let of_name = namespaces.requirements().iter().filter(|requirement| requirement.key() == NAMESPACE_NAME);
    let mut texts = BTreeSet::new();
    for requirement in of_name {
        match requirement {
            Requirement::In { values, .. } => texts.insert(is_one_of("request.namespace", values)),
            Requirement::NotIn { values, .. } => texts.insert(format!("!({})", is_one_of("request.namespace", values))),
            // The API server gives every namespace this label.
            Requirement::Exists { .. } => true,
            Requirement::DoesNotExist { .. } => return None,
        };
    }
    Some(texts)
}

/// Returns the expression that is true outside of these namespaces.
pub(super) fn outside_of<T: AsRef<str> + Ord>(namespaces: &BTreeSet<T>) -> String {
    format!("!({})", is_one_of("request.namespace", namespaces))
}

/// Returns the expression that is true where all of them are.
pub(super) fn all_of(texts: impl IntoIterator<Item = String>) -> String {
    let texts: BTreeSet<String> = texts.into_iter().collect();
    texts.into_iter().collect::<Vec<_>>().join(" && ")
}

fn of_pod(requirement: &Requirement) -> String {
    match requirement {
        Requirement::In { key, values } => is_one_of(&label(key, values), values),
        Requirement::NotIn { key, values } => format!("!({})", is_one_of(&label(key, values), values)),
        Requirement::Exists { key } => has_label(key),
        Requirement::DoesNotExist { key } => format!("!{}", has_label(key)),
    }
}

fn has_label(key: &str) -> String {
    format!("object.metadata.?labels[{}].hasValue()", literal(key))
}

/// Returns the value of a label, to be compared with these; an absent label is none of them.
fn label(key: &str, values: &BTreeSet<String>) -> String {
    let absent = if values.contains("") { NO_VALUE } else { "" };
    format!("object.metadata.?labels[{}].orValue({})", literal(key), literal(absent))
}

fn is_one_of<T: AsRef<str> + Ord>(what: &str, values: &BTreeSet<T>) -> String {
    let literals: Vec<String> = values.iter().map(|value| literal(value.as_ref())).collect();
    match literals.as_slice() {
        [one] => format!("{what} == {one}"),
        many => format!("{what} in [{}]", many.join(", ")),
    }
}

/// Returns a text as CEL writes it. Keys and values of labels need no escaping, but nobody should have to rely on that.
fn literal(text: &str) -> String {
    let mut literal = String::from("'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => literal.extend(['\\', character]),
            character if character.is_control() => {
                write!(literal, "\\U{:08x}", u32::from(character)).expect("a String takes any text");
            }
            character => literal.push(character),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Violations;
    use serde_json::{Value, json};

    fn selector(source: Value) -> Selector {
        let source = serde_json::from_value(source).unwrap();
        Selector::parse(&source, "", &mut Violations::default()).unwrap()
    }

    fn text(selectors: &[Value]) -> String {
        let mut alternatives = Alternatives::default();
        for source in selectors {
            alternatives.add(String::new(), &selector(source.clone()));
        }
        alternatives.text()
    }

    fn expression(operator: &str, values: &[&str]) -> Value {
        json!({"matchExpressions": [
            {"key": "a", "operator": "Exists"}, {"key": "tier", "operator": operator, "values": values},
        ]})
    }

    #[test]
    fn an_absent_label_is_in_no_list() {
        let absent = "object.metadata.?labels['a'].hasValue() && ";

        assert_eq!(
            text(&[expression("In", &["db", "web"])]),
            absent.to_owned() + "object.metadata.?labels['tier'].orValue('') in ['db', 'web']"
        );
        assert_eq!(
            text(&[expression("NotIn", &["db", "web"])]),
            "!(object.metadata.?labels['tier'].orValue('') in ['db', 'web']) && object.metadata.?labels['a'].hasValue()"
        );
    }

    #[test]
    fn an_absent_label_is_not_an_empty_one() {
        let absent = "object.metadata.?labels['a'].hasValue() && ";

        assert_eq!(
            text(&[expression("In", &["", "web"])]),
            absent.to_owned() + "object.metadata.?labels['tier'].orValue('!') in ['', 'web']"
        );
        assert_eq!(
            text(&[expression("NotIn", &[""])]),
            "!(object.metadata.?labels['tier'].orValue('!') == '') && object.metadata.?labels['a'].hasValue()"
        );
    }

    #[test]
    fn presence_and_absence_are_told_apart() {
        assert_eq!(
            text(&[expression("DoesNotExist", &[])]),
            "!object.metadata.?labels['tier'].hasValue() && object.metadata.?labels['a'].hasValue()"
        );
    }

    #[test]
    fn selectors_of_one_label_are_one_list() {
        let labels = |value| json!({"matchLabels": {"app": value}});
        let expression = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["c", "b"]}]});

        assert_eq!(
            text(&[labels("a"), labels("c"), expression]),
            "object.metadata.?labels['app'].orValue('') in ['a', 'b', 'c']"
        );
    }

    #[test]
    fn the_order_of_requirements_and_of_sets_does_not_matter() {
        let one = json!({"matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]});
        let same =
            json!({"matchExpressions": [{"key": "b", "operator": "Exists"}, {"key": "a", "operator": "Exists"}]});
        let other = json!({"matchExpressions": [{"key": "c", "operator": "Exists"}]});

        let expected = "object.metadata.?labels['a'].hasValue() && object.metadata.?labels['b'].hasValue() || \
                        object.metadata.?labels['c'].hasValue()";
        assert_eq!(text(&[one.clone(), same.clone(), other.clone()]), expected);
        assert_eq!(text(&[other, same, one]), expected);
    }

    #[test]
    fn no_text_ends_a_literal() {
        assert_eq!(literal("a'b\\c\n"), "'a\\'b\\\\c\\U0000000a'");
    }
}
