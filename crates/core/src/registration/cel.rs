//! Expressions of the Common Expression Language, in which the API server is told what to call for. Each of them has a value
//! for every Pod: one that fails would have the Pod refused.

use super::cost;
use crate::selection::{Requirement, Selector};
use sidecarset_api::markers::NAMESPACE_NAME;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What a label that is absent is compared as where the empty text is asked for: no label has this value.
const NO_VALUE: &str = "!";
/// What stands between the values of two labels: it is in none of them.
pub(super) const BETWEEN: char = ' ';

/// An expression, with what it costs the API server to compile it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) cost: usize,
}

/// Returns the expression that is true where a label has one of these values. An absent label has none of them.
pub(super) fn has_one_of<'a>(key: &str, values: impl Iterator<Item = &'a str> + Clone) -> Expression {
    let mut label = String::new();
    let absent = if values.clone().any(str::is_empty) { NO_VALUE } else { "" };
    push_label(&mut label, key, absent);
    is_one_of(label, values)
}

/// Returns the expression that is true where the labels have the values of one of these texts, which have those of all labels
/// with [`BETWEEN`] between them.
pub(super) fn have_one_of<'a>(keys: &[&str], joined: impl Iterator<Item = &'a str> + Clone) -> Expression {
    let mut labels = String::new();
    for (at, key) in keys.iter().enumerate() {
        if at > 0 {
            write!(labels, " + '{BETWEEN}' + ").expect("a String takes any text");
        }
        push_label(&mut labels, key, NO_VALUE);
    }
    let Expression { text, cost } = is_one_of(labels, joined);
    // Each text has a value of each label.
    Expression { text, cost: cost * keys.len() }
}

/// Returns what the requirements of a selector say of the name of the namespace; nothing for a selector that no
/// namespace can fulfil. What it says of other labels is left out.
pub(super) fn of_namespace_name(namespaces: &Selector) -> Option<BTreeSet<Expression>> {
    let of_name = namespaces.requirements().iter().filter(|requirement| requirement.key() == NAMESPACE_NAME);
    let mut expressions = BTreeSet::new();
    for requirement in of_name {
        match requirement {
            Requirement::In { values, .. } => expressions.insert(inside_of(values)),
            Requirement::NotIn { values, .. } => expressions.insert(outside_of(values)),
            // The API server gives every namespace this label.
            Requirement::Exists { .. } => true,
            Requirement::DoesNotExist { .. } => return None,
        };
    }
    Some(expressions)
}

/// Returns the expression that is true inside of these namespaces.
pub(super) fn inside_of<'a, T: AsRef<str> + 'a>(
    namespaces: impl IntoIterator<Item = &'a T, IntoIter: Clone>,
) -> Expression {
    is_one_of("request.namespace".to_owned(), namespaces.into_iter().map(AsRef::as_ref))
}

/// Returns the expression that is true outside of these namespaces.
pub(super) fn outside_of<T: AsRef<str> + Ord>(namespaces: &BTreeSet<T>) -> Expression {
    not(&inside_of(namespaces))
}

/// Returns the expression that is true where all of them are, if there are any.
pub(super) fn all_of(expressions: impl IntoIterator<Item = Expression>) -> Option<Expression> {
    let expressions: BTreeSet<Expression> = expressions.into_iter().collect();
    let cost = expressions.iter().map(|expression| expression.cost).sum();
    let texts: Vec<String> = expressions.into_iter().map(|expression| expression.text).collect();
    (!texts.is_empty()).then(|| Expression { text: texts.join(" && "), cost })
}

fn not(expression: &Expression) -> Expression {
    Expression { text: format!("!({})", expression.text), cost: expression.cost }
}

/// Returns the expression that is true where a Pod fulfils a requirement.
pub(super) fn of_pod(requirement: &Requirement) -> Expression {
    let of_presence = |text| Expression { text, cost: cost::REQUIREMENT };
    match requirement {
        Requirement::In { key, values } => has_one_of(key, values.iter().map(String::as_str)),
        Requirement::NotIn { key, values } => not(&has_one_of(key, values.iter().map(String::as_str))),
        Requirement::Exists { key } => of_presence(has_label(key)),
        Requirement::DoesNotExist { key } => of_presence(format!("!{}", has_label(key))),
    }
}

fn has_label(key: &str) -> String {
    let mut text = "object.metadata.?labels[".to_owned();
    push_literal(&mut text, key);
    text.push_str("].hasValue()");
    text
}

/// Adds the value of a label, or `absent` where it is not there.
fn push_label(out: &mut String, key: &str, absent: &str) {
    out.push_str("object.metadata.?labels[");
    push_literal(out, key);
    out.push_str("].orValue(");
    push_literal(out, absent);
    out.push(')');
}

fn is_one_of<'a>(what: String, mut values: impl Iterator<Item = &'a str> + Clone) -> Expression {
    let (mut text, mut count) = (what, 1);
    let first = values.next().unwrap_or_default();
    let mut rest = values.peekable();
    if rest.peek().is_none() {
        text.push_str(" == ");
        push_literal(&mut text, first);
    } else {
        text.push_str(" in [");
        push_literal(&mut text, first);
        for value in rest {
            text.push_str(", ");
            push_literal(&mut text, value);
            count += 1;
        }
        text.push(']');
    }
    Expression { text, cost: cost::REQUIREMENT + count * cost::VALUE }
}

/// Adds a text as CEL writes it. Keys and values of labels need no escaping, but nobody should have to rely on that.
fn push_literal(out: &mut String, text: &str) {
    out.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => out.extend(['\\', character]),
            character if character.is_control() => {
                write!(out, "\\U{:08x}", u32::from(character)).expect("a String takes any text");
            }
            character => out.push(character),
        }
    }
    out.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_literal() {
        let mut literal = String::new();
        push_literal(&mut literal, "a'b\\c\n");

        assert_eq!(literal, "'a\\'b\\\\c\\U0000000a'");
    }
}
