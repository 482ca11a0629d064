//! Arbitrary JSON, and JSON that was valid once.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Texts that mean something somewhere, and texts that are hard to read.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "agent",
    "agent-1",
    "main",
    "log-sc",
    "nginx",
    "agent:v2",
    "app",
    "name",
    "true",
    "Always",
    "Never",
    "0",
    "-1",
    "1",
    "50%",
    "101%",
    "1e400",
    "0.5",
    "1Gi",
    "100m",
    "-5",
    "9223372036854775808",
    "999999999999999999n",
    "HotUpgrade",
    "ColdUpgrade",
    "NotUpdate",
    "RollingUpdate",
    "enabled",
    "disabled",
    "Partial",
    "Overwrite",
    "Retain",
    "MergePatchJson",
    "BeforeAppContainer",
    "AfterAppContainer",
    "Ignore",
    "sum",
    "max",
    "In",
    "NotIn",
    "Exists",
    "cpu*50%",
    "max(cpu,",
    "memory - 1Ti",
    "(a*)*",
    "[",
    "(?i)\\w{9}",
    "$(A)",
    "$$(A",
    "%s",
    "..",
    "/",
    "~1",
    "a/b/c",
    "\u{0}",
    "ä",
    "🦀",
    "\u{202e}",
    "'",
    "\"",
    "\\",
    "\n",
    "{}",
    "[]",
    "null",
    "[[",
    "{\"a\":null}",
    "{\"log-sc\":\"h\"}",
    "{\"log-sc\":{\"hash\":\"h\"}}",
    "log-sc,,a , b",
    "metadata.annotations['a']",
    "metadata.labels['a']",
    "kruise.io/sidecarset-hash",
    "2026-01-02T03:04:05Z",
    "-009999-01-01T00:00:00Z",
    "-0001-12-31T01:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-30T22:00:00Z",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
];

/// One change of one part of a value.
#[derive(Debug, Clone)]
pub enum Change {
    Replace(Value),
    /// A copy of another part takes its place.
    Copy(Index),
    Remove(Index),
    /// A member, or an item of a list.
    Insert(String, Value),
    /// What is in it stands there twice.
    Repeat,
    Nest,
}

/// Returns any text, often one that means something.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(TEXTS).prop_map(str::to_owned),
        1 => ".{0,12}",
        1 => "[a-z0-9./-]{0,12}",
        1 => (select(TEXTS), 0_usize..300).prop_map(|(text, times)| text.repeat(times)),
    ]
}

/// Returns any JSON value.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(vec![0, 1, -1, i64::MAX, i64::MIN, i64::from(i32::MAX) + 1, 65536]).prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Returns changes of a value, and where each of them is made.
pub fn changes() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = prop_oneof![
        4 => json().prop_map(Change::Replace),
        2 => any::<Index>().prop_map(Change::Copy),
        2 => any::<Index>().prop_map(Change::Remove),
        2 => (text(), json()).prop_map(|(key, value)| Change::Insert(key, value)),
        1 => Just(Change::Repeat),
        1 => Just(Change::Nest),
    ];
    prop::collection::vec((any::<Index>(), change), 0..6)
}

/// Returns one of these values, changed.
pub fn mutated(values: Vec<(String, Value)>) -> impl Strategy<Value = Value> {
    let values: Vec<Value> = values.into_iter().map(|(_, value)| value).collect();
    (select(values), changes()).prop_map(|(value, changes)| changed(value, &changes))
}

/// Makes changes, one after the other.
pub fn changed(mut value: Value, changes: &[(Index, Change)]) -> Value {
    for (place, change) in changes {
        let parts = count(&value);
        let copy = match change {
            Change::Copy(from) => nth(&mut value, &mut from.index(parts)).cloned(),
            _ => None,
        };
        if let Some(part) = nth(&mut value, &mut place.index(parts)) {
            change.make(part, copy);
        }
    }
    value
}

impl Change {
    fn make(&self, part: &mut Value, copy: Option<Value>) {
        match self {
            Self::Replace(value) => *part = value.clone(),
            Self::Copy(_) => *part = copy.unwrap_or_default(),
            Self::Remove(at) => remove(part, *at),
            Self::Insert(key, value) => match part {
                Value::Object(members) => drop(members.insert(key.clone(), value.clone())),
                Value::Array(items) => items.push(value.clone()),
                other => *other = value.clone(),
            },
            Self::Repeat => match part {
                Value::Array(items) => items.extend(items.clone()),
                Value::String(text) => *text = text.repeat(2),
                other => *other = json!([other.clone(), other.clone()]),
            },
            Self::Nest => *part = json!({"a": [part.take()]}),
        }
    }
}

fn remove(part: &mut Value, at: Index) {
    match part {
        Value::Object(members) if !members.is_empty() => {
            let key = members.keys().nth(at.index(members.len())).cloned();
            key.and_then(|key| members.remove(&key));
        }
        Value::Array(items) if !items.is_empty() => drop(items.remove(at.index(items.len()))),
        other => *other = Value::Null,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// Returns a part of a value, counted from outside and from the left.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, left)),
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        _ => None,
    }
}

/// Says where something that was there is there no more, if anywhere. What was null was not there. Items of a list
/// may have others between them.
pub fn lost(before: &Value, after: &Value) -> Option<String> {
    match (before, after) {
        (Value::Null, _) => None,
        (Value::Object(before), Value::Object(after)) => lost_member(before, after),
        (Value::Array(items), Value::Array(after)) => {
            let mut rest = after.iter();
            let at = items.iter().position(|item| !rest.any(|candidate| lost(item, candidate).is_none()))?;
            Some(format!("[{at}]"))
        }
        _ => (before != after).then(|| format!(" was {before} and is {after}")),
    }
}

fn lost_member(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<String> {
    before.iter().find_map(|(key, value)| {
        let lost = lost(value, after.get(key).unwrap_or(&Value::Null))?;
        Some(format!(".{key}{lost}"))
    })
}
