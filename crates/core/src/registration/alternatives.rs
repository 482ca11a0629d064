//! Pods of which one webhook is for all, put together into as few conditions as the API server can bear.

use super::cel::{BETWEEN, Expression, all_of, has_one_of, have_one_of, of_pod};
use super::cost;
use crate::selection::{Requirement, Selector};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Values of labels that are asked for together are listed as long as there are not more than this: so they cost no more than
/// the labels.
const MOST_COMBINATIONS: usize = cost::REQUIREMENT / cost::VALUE;

/// Expressions of which one has to be true.
#[derive(Debug, Default)]
pub(super) struct Alternatives<'a> {
    // By the expression for the namespaces, if it is not for all of them.
    by_namespaces: BTreeMap<Option<Expression>, Pods<'a>>,
}

#[derive(Debug, Default)]
struct Pods<'a> {
    // The values that are asked for, by the labels; those of several labels in one text. The API server takes time that grows
    // with the square of the number of expressions, and hardly any for a list.
    values: BTreeMap<Vec<&'a str>, BTreeSet<Cow<'a, str>>>,
    others: BTreeSet<Expression>,
}

/// Conditions of which one is true where one of the alternatives is.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) texts: Vec<String>,
    /// What the API server pays for all of them.
    pub(super) cost: usize,
}

/// A condition that is being put together, of alternatives as far as there is room for them.
#[derive(Debug, Default)]
struct Condition<'a> {
    alternatives: Vec<(Option<&'a Expression>, Vec<String>)>,
    cost: usize,
}

impl<'a> Alternatives<'a> {
    /// Adds the Pods of selectors in the namespaces of an expression.
    pub(super) fn add(&mut self, namespaces: Option<Expression>, selectors: impl IntoIterator<Item = &'a Selector>) {
        let alternatives = self.by_namespaces.entry(namespaces).or_default();
        for pods in selectors {
            match combinations(pods) {
                Some((keys, values)) => alternatives.values.entry(keys).or_default().extend(values),
                None => alternatives.others.extend(all_of(pods.requirements().iter().map(of_pod))),
            }
        }
    }

    /// Returns conditions of which one is true where one of them is. None costs more than `most`, unless it is a single one.
    pub(super) fn conditions(&self, most: usize) -> Conditions {
        let mut conditions = vec![Condition::default()];
        for (namespaces, pods) in &self.by_namespaces {
            let namespaces = namespaces.as_ref();
            for (keys, values) in &pods.values {
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                let mut left = values.as_slice();
                while !left.is_empty() {
                    let condition = with_room(&mut conditions, most, (namespaces, list_cost(keys, 1)));
                    let taken = left.len().min(condition.room_for_values(most, namespaces, keys).max(1));
                    condition.add(namespaces, listed(keys, &left[..taken]));
                    left = &left[taken..];
                }
            }
            for other in &pods.others {
                with_room(&mut conditions, most, (namespaces, other.cost)).add(namespaces, other.clone());
            }
        }
        conditions.retain(|condition| !condition.alternatives.is_empty());
        Conditions {
            texts: conditions.iter().map(Condition::text).collect(),
            cost: conditions.iter().map(|condition| condition.cost).sum(),
        }
    }
}

/// Returns a condition in which there is room: the last one, or a new one.
fn with_room<'a, 'c>(
    conditions: &'c mut Vec<Condition<'a>>,
    most: usize,
    (namespaces, cost): (Option<&'a Expression>, usize),
) -> &'c mut Condition<'a> {
    let has_room =
        conditions.last().is_some_and(|last| last.alternatives.is_empty() || last.cost_with(namespaces) + cost <= most);
    if !has_room {
        conditions.push(Condition::default());
    }
    conditions.last_mut().expect("one was pushed where there was none")
}

impl<'a> Condition<'a> {
    /// Returns what it costs with these namespaces, which may be there already.
    fn cost_with(&self, namespaces: Option<&Expression>) -> usize {
        let is_there = self.alternatives.last().is_some_and(|(last, _)| *last == namespaces);
        self.cost + namespaces.filter(|_| !is_there).map_or(0, |expression| expression.cost)
    }

    fn room_for_values(&self, most: usize, namespaces: Option<&Expression>, keys: &[&str]) -> usize {
        most.saturating_sub(self.cost_with(namespaces) + list_cost(keys, 0)) / value_cost(keys)
    }

    fn add(&mut self, namespaces: Option<&'a Expression>, pods: Expression) {
        self.cost = self.cost_with(namespaces) + pods.cost;
        match self.alternatives.last_mut() {
            Some((last, alternatives)) if *last == namespaces => alternatives.push(pods.text),
            Some(_) | None => self.alternatives.push((namespaces, vec![pods.text])),
        }
    }

    fn text(&self) -> String {
        let groups = self.alternatives.iter().map(|(namespaces, pods)| match namespaces {
            None => pods.join(" || "),
            Some(namespaces) => format!("{} && ({})", namespaces.text, pods.join(" || ")),
        });
        groups.collect::<Vec<_>>().join(" || ")
    }
}

/// Returns the labels that a selector asks for, and the values that it asks for together, where it asks for nothing else.
fn combinations(pods: &Selector) -> Option<(Vec<&str>, Vec<Cow<'_, str>>)> {
    let mut asked = Vec::with_capacity(pods.requirements().len());
    for requirement in pods.requirements() {
        let Requirement::In { key, values } = requirement else { return None };
        asked.push((key.as_str(), values));
    }
    asked.sort_unstable_by_key(|(key, _)| *key);
    let is_twice = asked.windows(2).any(|pair| pair[0].0 == pair[1].0);
    let count = asked.iter().try_fold(1_usize, |count, (_, values)| count.checked_mul(values.len()))?;
    let is_too_much = asked.len() > 1 && count > MOST_COMBINATIONS;
    if asked.is_empty() || is_twice || is_too_much {
        return None;
    }
    let keys = asked.iter().map(|(key, _)| *key).collect();
    let mut columns = asked.iter().map(|(_, values)| *values);
    let first = columns.next()?.iter().map(|value| Cow::Borrowed(value.as_str())).collect();
    Some((keys, columns.fold(first, |shorter: Vec<Cow<'_, str>>, values| joined(&shorter, values))))
}

/// Returns each text with each value behind it.
fn joined<'a>(shorter: &[Cow<'a, str>], values: &BTreeSet<String>) -> Vec<Cow<'a, str>> {
    let longer = |shorter: &str, value: &str| {
        let mut text = String::with_capacity(shorter.len() + value.len() + 1);
        text.push_str(shorter);
        text.push(BETWEEN);
        text.push_str(value);
        Cow::Owned(text)
    };
    shorter.iter().flat_map(|shorter| values.iter().map(move |value| longer(shorter, value))).collect()
}

/// Returns what a list of values costs. A list is one constant.
fn list_cost(keys: &[&str], values: usize) -> usize {
    keys.len() * cost::REQUIREMENT + values * value_cost(keys)
}

/// Returns what a text costs that has a value of each label.
fn value_cost(keys: &[&str]) -> usize {
    keys.len() * cost::VALUE
}

/// Returns the expression that is true where the labels have these values.
fn listed(keys: &[&str], values: &[&str]) -> Expression {
    match (keys, values) {
        ([key], values) => has_one_of(key, values.iter().copied()),
        (keys, [only]) => {
            let labels = keys.iter().zip(only.split(BETWEEN));
            let texts: Vec<String> = labels.map(|(key, value)| has_one_of(key, [value].into_iter()).text).collect();
            Expression { text: texts.join(" && "), cost: list_cost(keys, 1) }
        }
        (keys, values) => have_one_of(keys, values.iter().copied()),
    }
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

    /// The conditions of these, each of which costs no more than `most`; and what all of them cost.
    fn conditions(selectors: &[Value], most: usize) -> (Vec<String>, usize) {
        let selectors: Vec<Selector> = selectors.iter().cloned().map(selector).collect();
        let mut alternatives = Alternatives::default();
        alternatives.add(None, &selectors);
        let Conditions { texts, cost } = alternatives.conditions(most);
        (texts, cost)
    }

    fn text(selectors: &[Value]) -> String {
        let (conditions, _) = conditions(selectors, 1000);
        let [text] = conditions.as_slice() else { panic!("{conditions:?}") };
        text.clone()
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
    fn selectors_of_the_same_labels_are_one_list_of_their_values_together() {
        let labels = |app, tier| json!({"matchLabels": {"app": app, "tier": tier}});
        let tier = "object.metadata.?labels['tier'].orValue('!')";

        assert_eq!(
            text(&[labels("a", "web")]),
            "object.metadata.?labels['app'].orValue('') == 'a' && object.metadata.?labels['tier'].orValue('') == 'web'"
        );
        assert_eq!(
            text(&[labels("a", "web"), labels("b", "")]),
            format!("object.metadata.?labels['app'].orValue('!') + ' ' + {tier} in ['a web', 'b ']")
        );
    }

    #[test]
    fn selectors_that_ask_for_too_many_values_together_are_not_listed() {
        let values: Vec<String> = (0..7).map(|at| format!("v{at}")).collect();
        let both = json!({"matchExpressions": [
            {"key": "a", "operator": "In", "values": values}, {"key": "b", "operator": "In", "values": values},
        ]});

        assert!(text(&[both.clone(), both]).contains("labels['a'].orValue('') in ['v0', "));
    }

    #[test]
    fn a_condition_takes_no_more_than_it_may_cost() {
        let keys: Vec<Value> = (0..5).map(|at| json!({"matchLabels": {format!("key-{at}"): "v"}})).collect();
        let values: Vec<Value> = (0..50).map(|at| json!({"matchLabels": {"app": format!("v{at}")}})).collect();

        let (of_keys, cost_of_keys) = conditions(&keys, 42);
        let (of_values, cost_of_values) = conditions(&values, 45);

        assert_eq!(of_keys.iter().map(|text| text.matches("labels").count()).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(of_values.iter().map(|text| text.matches("'v").count()).collect::<Vec<_>>(), [25, 25]);
        // What is there twice is paid twice.
        assert_eq!((cost_of_keys, cost_of_values), (105, 90));
    }

    #[test]
    fn what_costs_more_than_a_condition_may_has_one_of_its_own() {
        let both =
            json!({"matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]});
        let one = json!({"matchExpressions": [{"key": "c", "operator": "Exists"}]});

        assert_eq!(conditions(&[both, one], 30).0.len(), 2);
    }

    #[test]
    fn the_api_server_takes_the_longest_condition() {
        let long = |at: usize| format!("{at:063}");
        let values: Vec<Value> = (0..2000)
            .map(|at| json!({"matchLabels": {format!("{0}.{0}.{0}/{1}", long(0), long(1)): long(at)}}))
            .collect();
        let all: Vec<Value> = (0..100)
            .map(|at| json!({"matchExpressions": [{"key": format!("{0}.{0}.{0}/{1}", long(0), long(at)), "operator": "Exists"}]}))
            .collect();

        let (conditions, _) = conditions(&[values, all].concat(), cost::MOST_OF_CONDITION);

        assert!(conditions.iter().all(|text| text.len() < 100_000));
        assert_eq!(conditions.len(), 5);
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
}
