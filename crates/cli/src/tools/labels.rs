//! Selectors of labels in the words of kubectl.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use sidecarset_core::selection::Selector;
use sidecarset_core::validation::Violations;

/// Reads a selector such as `app=web,tier in (a,b),!legacy`.
///
/// # Errors
/// It is none.
pub fn selector(text: &str) -> Result<Selector, String> {
    let mut source = LabelSelector::default();
    let expressions = source.match_expressions.get_or_insert_default();
    for part in parts(text) {
        expressions.push(requirement(part.trim()).ok_or_else(|| format!("{part:?} selects no labels"))?);
    }
    let mut violations = Violations::default();
    let selector = Selector::parse(&source, "labels", &mut violations);
    selector.ok_or_else(|| violations.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join(", "))
}

/// Takes a selector apart at the commas that stand in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

fn requirement(text: &str) -> Option<LabelSelectorRequirement> {
    let made = |key: &str, operator: &str, values: Vec<String>| {
        let key = key.trim().to_owned();
        let values = (!values.is_empty()).then_some(values);
        (!key.is_empty()).then(|| LabelSelectorRequirement { key, operator: operator.to_owned(), values })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, rest)) = text.split_once(" notin ") {
        return made(key, "NotIn", list(rest)?);
    }
    if let Some((key, rest)) = text.split_once(" in ") {
        return made(key, "In", list(rest)?);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return made(key, "NotIn", one(value));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return made(key, "In", one(value));
    }
    match text.strip_prefix('!') {
        Some(key) => made(key, "DoesNotExist", Vec::new()),
        None => made(text, "Exists", Vec::new()),
    }
}

fn list(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_in_every_spelling_of_kubectl() {
        let told = |text: &str| selector(text).unwrap().to_string();

        assert_eq!(told("app=web,tier in (a, b)"), "app=web,tier in (a,b)");
        assert_eq!(told("app==web"), "app=web");
        assert_eq!(told("app!=web,zone notin (x,y),team,!legacy"), "app!=web,zone notin (x,y),team,!legacy");
    }

    #[test]
    fn what_selects_nothing_is_refused() {
        assert_eq!(selector("a,").unwrap_err(), "\"\" selects no labels");
        assert_eq!(selector("a in b").unwrap_err(), "\"a in b\" selects no labels");
        assert_eq!(selector("a b=c").unwrap_err(), "\"a b\" is not a label key");
    }
}
