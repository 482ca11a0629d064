//! The volumes of a set that its sidecars mount.

use super::Sidecar;
use super::defaults::fill_volume;
use crate::quantity::Quantity;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::SidecarSetSpec;

/// A volume that some sidecar of a set mounts, or uses as a device.
#[derive(Debug, Clone, PartialEq)]
pub struct MountedVolume {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub definition: Map<String, Value>,
    /// The same as JSON text: written once, for each Pod gets it.
    pub text: Box<str>,
}

impl MountedVolume {
    /// Says whether a volume is the same, however it is written.
    pub(crate) fn is_like(&self, other: &Map<String, Value>) -> bool {
        are_alike(&self.definition, other)
    }

    /// Says whether it is a claim, or a claim is made for it.
    pub(crate) fn is_claim(&self) -> bool {
        self.claim_name().is_some() || self.ephemeral_name().is_some()
    }

    /// Returns the name of the claim that it is.
    pub(crate) fn claim_name(&self) -> Option<&str> {
        self.definition.get("persistentVolumeClaim")?.get("claimName")?.as_str()
    }

    /// Returns its name, where a claim is made for it.
    pub(crate) fn ephemeral_name(&self) -> Option<&str> {
        self.definition.get("ephemeral").filter(|it| !it.is_null()).map(|_| &*self.name)
    }
}

/// The members that are amounts, besides those of `requests` and `limits`.
const AMOUNTS: [&str; 2] = ["divisor", "sizeLimit"];

/// Says whether two volumes are the same, however they are written: with their defaults or without, with what says nothing or
/// without, and whatever the units of amounts.
pub(crate) fn are_alike(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one == other || meaning(one) == meaning(other)
}

fn meaning(volume: &Map<String, Value>) -> Value {
    let mut volume = volume.clone();
    fill_volume(&mut volume);
    plain(Value::Object(volume), false)
}

/// Returns a value without members that say nothing, and with amounts in thousandths.
fn plain(value: Value, is_amount: bool) -> Value {
    match value {
        Value::Object(members) => {
            let said = members.into_iter().filter(|(_, value)| !says_nothing(value));
            let plain_member = |(name, value): (String, Value)| {
                let holds_amounts = ["limits", "requests"].contains(&&*name) && value.is_object();
                let value = plain(value, holds_amounts || is_amount || AMOUNTS.contains(&&*name));
                (name, value)
            };
            Value::Object(said.map(plain_member).collect())
        }
        Value::Array(items) => items.into_iter().map(|item| plain(item, is_amount)).collect(),
        Value::String(_) | Value::Number(_) if is_amount => match Quantity::from_json(&value) {
            Ok(amount) => amount.millis().to_string().into(),
            Err(_) => value,
        },
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => value,
    }
}

/// As Go leaves it out: nothing, no, an empty text or list. An empty object says which kind of volume it is.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Returns the volumes that sidecars mount, in the order of the mounts, each once.
pub(super) fn mounted<'a>(spec: &SidecarSetSpec, sidecars: impl Iterator<Item = &'a Sidecar>) -> Vec<MountedVolume> {
    let mut mounted: Vec<MountedVolume> = Vec::new();
    for name in sidecars.flat_map(|sidecar| &sidecar.volumes) {
        let mut volumes = spec.volumes.iter().flatten();
        let definition = volumes.find(|volume| volume.get("name").is_some_and(|it| it == name.as_str()));
        if let Some(definition) = definition
            && !mounted.iter().any(|known| *known.name == **name)
        {
            let text = Value::Object(definition.clone()).to_string().into();
            mounted.push(MountedVolume { name: name.as_str().into(), definition: definition.clone(), text });
        }
    }
    mounted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn are_one(one: &Value, other: &Value) -> bool {
        are_alike(one.as_object().unwrap(), other.as_object().unwrap())
    }

    #[test]
    fn a_volume_is_the_same_however_it_is_written() {
        let claim = |amount: &str| {
            json!({"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": amount}},
            }}}})
        };
        for (one, other) in [
            (json!({"name": "v"}), json!({"name": "v", "emptyDir": {"medium": ""}})),
            (
                json!({"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}),
                json!({"name": "v", "emptyDir": {"sizeLimit": "1Gi"}, "secret": null}),
            ),
            (
                json!({"name": "v", "configMap": {"name": "c", "defaultMode": 420, "optional": false}}),
                json!({"name": "v", "configMap": {"name": "c"}}),
            ),
            (
                json!({"name": "v", "persistentVolumeClaim": {"claimName": "c", "readOnly": false}}),
                json!({"name": "v", "persistentVolumeClaim": {"claimName": "c"}}),
            ),
            (claim("1024Mi"), claim("1Gi")),
        ] {
            assert!(are_one(&one, &other), "{one} {other}");
        }
    }

    #[test]
    fn another_volume_is_another_one() {
        for (one, other) in [
            (json!({"name": "v", "emptyDir": {}}), json!({"name": "v", "emptyDir": {"sizeLimit": "1Gi"}})),
            (json!({"name": "v", "emptyDir": {}}), json!({"name": "v", "configMap": {"name": "c"}})),
            (
                json!({"name": "v", "secret": {"secretName": "1k"}}),
                json!({"name": "v", "secret": {"secretName": "1000"}}),
            ),
            (
                json!({"name": "v", "configMap": {"name": "c", "defaultMode": 0}}),
                json!({"name": "v", "configMap": {"name": "c"}}),
            ),
        ] {
            assert!(!are_one(&one, &other), "{one} {other}");
        }
    }
}
