//! An object as we wrote it last, compared with what is there now.

use super::Drift;
use kube::{Resource, ResourceExt};
use serde::Serialize;

/// What is known of an object by a watch.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Sight<K> {
    /// Nothing yet.
    #[default]
    Unseen,
    /// There is none.
    Missing,
    /// It says this.
    Present(Box<K>),
}

/// An object that we wrote, and how the API server differed from it at once: it may not know a field, and others may change what
/// is written before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applied<K> {
    ours: K,
    stored: K,
    at_once: Drift,
}

impl<K> Sight<K> {
    /// Returns the object, if there is one.
    pub fn present(&self) -> Option<&K> {
        match self {
            Self::Unseen | Self::Missing => None,
            Self::Present(object) => Some(object),
        }
    }
}

impl<K> From<Option<Box<K>>> for Sight<K> {
    fn from(object: Option<Box<K>>) -> Self {
        object.map_or(Self::Missing, Self::Present)
    }
}

impl<K: Resource + Serialize> Applied<K> {
    pub(super) fn new(ours: K, stored: K) -> Self {
        let at_once = Drift::between(&ours, &stored);
        Self { ours, stored, at_once }
    }

    /// Returns how what is there differs from what we wrote. `kind` is what the object is called.
    pub(super) fn drift(&self, sight: &Sight<K>, kind: &str) -> Drift {
        let mut drift = match sight {
            Sight::Missing => Drift::whole(),
            Sight::Present(present) if !is_older(&**present, &self.stored) => Drift::between(&self.ours, &**present),
            // The watch has yet to show what we wrote.
            Sight::Present(_) | Sight::Unseen => self.at_once.clone(),
        };
        // What was not taken the first time is not taken the next time either.
        drift.lost.retain(|path| !self.at_once.lost.contains(path));
        drift.within(kind)
    }
}

/// Says whether one version of an object is from before another one. Both are numbers that grow.
fn is_older(object: &impl Resource, than: &impl Resource) -> bool {
    let version = |version: Option<String>| version.and_then(|version| version.parse::<u64>().ok());
    match (version(object.resource_version()), version(than.resource_version())) {
        (Some(version), Some(than)) => version < than,
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
    use serde_json::{Value, json};

    type Object = ValidatingWebhookConfiguration;

    fn object(version: &str, webhook: Value) -> Object {
        let mut webhook = webhook;
        for (key, value) in [("name", json!("sets")), ("sideEffects", json!("None")), ("clientConfig", json!({}))] {
            webhook[key] = value;
        }
        webhook["admissionReviewVersions"] = json!(["v1"]);
        serde_json::from_value(json!({"metadata": {"resourceVersion": version}, "webhooks": [webhook]})).unwrap()
    }

    fn applied() -> Applied<Object> {
        let ours = Object { metadata: kube::core::ObjectMeta::default(), ..object("", json!({"timeoutSeconds": 5})) };
        Applied::new(ours, object("9", json!({"timeoutSeconds": 5})))
    }

    fn lost(applied: &Applied<Object>, sight: &Sight<Object>) -> Vec<String> {
        applied.drift(sight, "validating").lost.into_iter().collect()
    }

    fn present(version: &str, webhook: Value) -> Sight<Object> {
        Sight::Present(Box::new(object(version, webhook)))
    }

    #[test]
    fn what_was_there_before_we_wrote_is_no_change_of_others() {
        assert_eq!(lost(&applied(), &present("8", json!({"timeoutSeconds": 7}))), [""; 0]);
        assert_eq!(lost(&applied(), &Sight::Unseen), [""; 0]);
        assert_eq!(
            lost(&applied(), &present("10", json!({"timeoutSeconds": 7}))),
            ["validating.webhooks[sets].timeoutSeconds"]
        );
    }

    #[test]
    fn an_object_that_is_gone_is_lost_whole() {
        assert_eq!(lost(&applied(), &Sight::Missing), ["validating"]);
    }

    #[test]
    fn what_the_api_server_never_took_is_not_written_again_and_again() {
        let ours = object("", json!({"matchConditions": [{"name": "selected", "expression": "true"}]}));
        let applied =
            Applied::new(Object { metadata: kube::core::ObjectMeta::default(), ..ours }, object("9", json!({})));

        assert_eq!(lost(&applied, &present("10", json!({}))), [""; 0]);
    }

    #[test]
    fn what_others_add_before_it_is_stored_is_told() {
        let stored = object("9", json!({"timeoutSeconds": 5, "objectSelector": {"matchLabels": {"a": "b"}}}));
        let applied = Applied::new(object("", json!({"timeoutSeconds": 5})), stored);

        let narrowed = applied.drift(&Sight::Unseen, "validating").narrowed;

        assert_eq!(narrowed.into_iter().collect::<Vec<_>>(), ["validating.webhooks[sets].objectSelector: a=b"]);
    }
}
