//! The JSON text of containers and volumes, byte for byte as Go's encoding/json writes the typed struct, so that a hash of it
//! equals the one that Kruise has written.

use crate::json::{float_as_go, write_text_as_go};
use crate::quantity::Quantity;
use crate::schema::{CONTAINER, Field, Kind, Presence};
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::SidecarContainer;
use std::collections::BTreeMap;

/// Returns the JSON text of a container. Fields that the schema does not know follow the others, sorted, and a value
/// of another type than the schema says is written as it is: nothing is lost.
pub(super) fn encoded(container: &SidecarContainer) -> String {
    encoded_object(&object(container))
}

/// Returns the JSON text of a container as if it had no image.
pub(super) fn encoded_without_image(container: &SidecarContainer) -> String {
    let mut object = object(container);
    object.remove("image");
    encoded_object(&object)
}

/// Returns the JSON text of each member of a container, by name.
pub(super) fn encoded_members(container: &SidecarContainer) -> BTreeMap<String, String> {
    let object = object(container);
    let text = |kind: &Kind, value: &Value| {
        let mut out = String::new();
        write_value(&mut out, kind, value);
        out
    };
    members(CONTAINER, &object).map(|(name, kind, value)| (name.to_owned(), text(kind, value))).collect()
}

/// Returns the JSON text of a list of objects with these fields.
pub(super) fn encoded_list(fields: &'static [Field], list: &[Map<String, Value>]) -> String {
    let mut out = String::new();
    write_joined(&mut out, ['[', ']'], list, |out, object| write_object(out, fields, object));
    out
}

/// Returns the JSON text of any value with all keys sorted, as Go writes what it has read without knowing its type: each number
/// is one with a fraction.
pub(super) fn sorted_text(value: &Value) -> String {
    let mut out = String::new();
    write_untyped(&mut out, value);
    out
}

fn object(container: &SidecarContainer) -> Map<String, Value> {
    match serde_json::to_value(container) {
        Ok(Value::Object(object)) => object,
        Ok(_) | Err(_) => container.container.clone(),
    }
}

fn encoded_object(object: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_object(&mut out, CONTAINER, object);
    out
}

fn write_value(out: &mut String, kind: &Kind, value: &Value) {
    match (kind, value) {
        (Kind::Text, Value::Null) => out.push_str("\"\""),
        (Kind::Flag, Value::Null) => out.push_str("false"),
        (Kind::Integer | Kind::IntOrString, Value::Null) => out.push('0'),
        (Kind::Integer | Kind::IntOrString, Value::Number(_)) => write_integer(out, value),
        (Kind::Quantity, _) => write_quantity(out, value),
        (Kind::List(kind), Value::Array(items)) => {
            write_joined(out, ['[', ']'], items, |out, item| write_value(out, kind, item));
        }
        (Kind::Map(kind), Value::Object(entries)) => {
            write_joined(out, ['{', '}'], sorted(entries), |out, (key, value)| write_member(out, key, kind, value));
        }
        (Kind::Object(fields), Value::Object(object)) => write_object(out, fields, object),
        (Kind::Object(fields), Value::Null) => write_object(out, fields, &Map::new()),
        (
            Kind::Text
            | Kind::Flag
            | Kind::Integer
            | Kind::IntOrString
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Object(_)
            | Kind::Anything,
            _,
        ) => write_as_it_is(out, value),
    }
}

fn write_object(out: &mut String, fields: &'static [Field], object: &Map<String, Value>) {
    write_joined(out, ['{', '}'], members(fields, object), |out, (name, kind, value)| {
        write_member(out, name, kind, value);
    });
}

/// Returns the known fields in the order of the schema, then the others in the order of their names.
fn members<'a>(
    fields: &'static [Field],
    object: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'static Kind, &'a Value)> {
    let known = fields.iter().filter_map(|field| {
        let value = object.get(field.name).unwrap_or(&Value::Null);
        let kind = if field.presence == Presence::OrNull && value.is_null() { &Kind::Anything } else { &field.kind };
        is_written(field, value).then_some((field.name, kind, value))
    });
    let unknown = sorted(object).filter(|(name, _)| fields.iter().all(|field| field.name != *name));
    known.chain(unknown.map(|(name, value)| (name, &Kind::Anything, value)))
}

fn is_written(field: &Field, value: &Value) -> bool {
    match field.presence {
        Presence::Always | Presence::OrNull => true,
        Presence::IfGiven => !value.is_null(),
        Presence::UnlessEmpty => !is_zero(&field.kind, value),
    }
}

/// Whether a value is what Go leaves out as empty.
fn is_zero(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null) => true,
        (Kind::Text, Value::String(text)) => text.is_empty(),
        (Kind::Flag, Value::Bool(flag)) => !flag,
        (Kind::Integer, Value::Number(number)) => number.as_f64() == Some(0.0),
        (Kind::List(_), Value::Array(items)) => items.is_empty(),
        (Kind::Map(_), Value::Object(entries)) => entries.is_empty(),
        _ => false,
    }
}

fn write_member(out: &mut String, name: &str, kind: &Kind, value: &Value) {
    write_text_as_go(out, name);
    out.push(':');
    write_value(out, kind, value);
}

/// Writes a whole number without a fraction, however it was spelled.
fn write_integer(out: &mut String, value: &Value) {
    match value.as_f64() {
        // Beyond 2^53 a fraction is lost anyway.
        Some(float) if value.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
            out.push_str(&format!("{float:.0}"));
        }
        _ => write_as_it_is(out, value),
    }
}

fn write_quantity(out: &mut String, value: &Value) {
    match Quantity::from_json(value) {
        Ok(quantity) => write_text_as_go(out, &quantity.canonical()),
        Err(_) => write_as_it_is(out, value),
    }
}

/// Writes any JSON, compact and with its keys sorted.
fn write_as_it_is(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text_as_go(out, text),
        Value::Array(items) => write_joined(out, ['[', ']'], items, write_as_it_is),
        Value::Object(entries) => {
            write_joined(out, ['{', '}'], sorted(entries), |out, (key, value)| {
                write_member(out, key, &Kind::Anything, value);
            });
        }
    }
}

fn write_untyped(out: &mut String, value: &Value) {
    match value {
        Value::Number(number) => out.push_str(&float_as_go(number.as_f64().unwrap_or_default())),
        Value::Array(items) => write_joined(out, ['[', ']'], items, write_untyped),
        Value::Object(entries) => write_joined(out, ['{', '}'], sorted(entries), |out, (key, value)| {
            write_text_as_go(out, key);
            out.push(':');
            write_untyped(out, value);
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => write_as_it_is(out, value),
    }
}

fn write_joined<T>(
    out: &mut String,
    brackets: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(brackets[0]);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(brackets[1]);
}

fn sorted(entries: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What every container ends with.
    const TAIL: &str = r#""upgradeStrategy":{},"shareVolumePolicy":{}}"#;

    fn encoded_json(container: Value) -> String {
        encoded(&serde_json::from_value(container).unwrap())
    }

    #[test]
    fn structs_that_are_no_pointers_are_always_written() {
        assert_eq!(encoded_json(json!({})), format!(r#"{{"name":"","resources":{{}},{TAIL}"#));
    }

    #[test]
    fn fields_stand_in_the_order_of_go() {
        let text = encoded_json(json!({"tty": true, "image": "a", "args": ["x"], "name": "n", "command": ["c"]}));

        assert_eq!(
            text,
            format!(r#"{{"name":"n","image":"a","command":["c"],"args":["x"],"resources":{{}},"tty":true,{TAIL}"#)
        );
    }

    #[test]
    fn without_its_image_only_the_image_is_missing() {
        let container = json!({"name": "n", "image": "a", "upgradeStrategy": {"hotUpgradeEmptyImage": "empty"}});

        let text = encoded_without_image(&serde_json::from_value(container).unwrap());

        assert_eq!(
            text,
            r#"{"name":"n","resources":{},"upgradeStrategy":{"hotUpgradeEmptyImage":"empty"},"shareVolumePolicy":{}}"#
        );
    }

    #[test]
    fn empty_values_are_left_out_and_empty_pointers_are_kept() {
        let text = encoded_json(json!({
            "image": "", "command": [], "stdin": false, "livenessProbe": null, "lifecycle": {},
            "readinessProbe": {"successThreshold": 0, "terminationGracePeriodSeconds": 0},
            "securityContext": {"privileged": false, "runAsUser": 0},
        }));

        assert_eq!(
            text,
            format!(
                r#"{{"name":"","resources":{{}},{}"lifecycle":{{}},{}{TAIL}"#,
                r#""readinessProbe":{"terminationGracePeriodSeconds":0},"#,
                r#""securityContext":{"privileged":false,"runAsUser":0},"#
            )
        );
    }

    #[test]
    fn required_members_are_written_as_the_zero_of_their_kind() {
        let text = encoded_json(json!({
            "ports": [null], "env": [{"valueFrom": {"resourceFieldRef": {}}}],
            "startupProbe": {"tcpSocket": {}, "grpc": {}},
        }));

        assert_eq!(
            text,
            format!(
                r#"{{"name":"","ports":[{{"containerPort":0}}],{}"resources":{{}},{}{TAIL}"#,
                r#""env":[{"name":"","valueFrom":{"resourceFieldRef":{"resource":"","divisor":"0"}}}],"#,
                r#""startupProbe":{"tcpSocket":{"port":0},"grpc":{"port":0,"service":null}},"#
            )
        );
    }

    #[test]
    fn quantities_are_canonical_and_sorted_by_resource() {
        let text = encoded_json(json!({"resources": {"limits": {"memory": "1.5Gi", "cpu": 0.5, "a": "junk"}}}));

        assert_eq!(
            text,
            format!(r#"{{"name":"","resources":{{"limits":{{"a":"junk","cpu":"500m","memory":"1536Mi"}}}},{TAIL}"#)
        );
    }

    #[test]
    fn what_is_dangerous_in_html_is_escaped() {
        let text = encoded_json(json!({"name": "<a>&\u{2028}\u{2029}\"\\\n\u{1}é"}));

        assert_eq!(
            text,
            format!(r#"{{"name":"{}","resources":{{}},{TAIL}"#, r#"\u003ca\u003e\u0026\u2028\u2029\"\\\n\u0001é"#)
        );
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        let text = encoded_json(json!({"ports": [{"containerPort": 80.0}, {"containerPort": 0.5}]}));

        assert_eq!(
            text,
            format!(r#"{{"name":"","ports":[{{"containerPort":80}},{{"containerPort":0.5}}],"resources":{{}},{TAIL}"#)
        );
    }

    #[test]
    fn unknown_fields_follow_the_known_ones_sorted() {
        let text = encoded_json(json!({"zeta": {"b": [1.5, null], "a": "<"}, "alpha": "", "name": "n"}));

        let known = r#"{"name":"n","resources":{},"upgradeStrategy":{},"shareVolumePolicy":{}"#;
        assert_eq!(text, format!(r#"{known},"alpha":"","zeta":{{"a":"\u003c","b":[1.5,null]}}}}"#));
    }

    #[test]
    fn a_value_of_an_unexpected_type_is_written_as_it_is() {
        let text = encoded_json(json!({"image": 0, "ports": 5, "resources": "x", "livenessProbe": [{"b": 1, "a": 2}]}));

        assert_eq!(
            text,
            format!(r#"{{"name":"","image":0,"ports":5,"resources":"x","livenessProbe":[{{"a":2,"b":1}}],{TAIL}"#)
        );
    }

    #[test]
    fn members_of_newer_kubernetes_stand_at_their_place() {
        let text = encoded_json(json!({
            "restartPolicy": "OnFailure", "volumeMounts": [],
            "restartPolicyRules": [{"exitCodes": {"values": [0, 42], "operator": "In"}, "action": "Restart"}],
            "lifecycle": {"stopSignal": "SIGUSR1"},
        }));

        assert_eq!(
            text,
            format!(
                r#"{{"name":"","resources":{{}},"restartPolicy":"OnFailure",{}{}{TAIL}"#,
                r#""restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[0,42]}}],"#,
                r#""lifecycle":{"stopSignal":"SIGUSR1"},"#
            )
        );
    }
}
