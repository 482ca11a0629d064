//! What others have made of a webhook configuration that we wrote.
//!
//! Others may add whatever they like: labels, annotations, webhooks, and what keeps Pods out, such as a selector. That is theirs, and
//! stays. Only a field of ours that no longer says what we wrote has to be written again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ManagedFieldsEntry};
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_core::selection::Selector;
use sidecarset_core::validation::Violations;
use std::collections::BTreeSet;

/// The members of a webhook that say for what the API server does not call it.
const SELECTORS: [&str; 2] = ["namespaceSelector", "objectSelector"];
const CONDITIONS: &str = "matchConditions";

/// How a webhook configuration differs from what we wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// The fields of ours that are gone, or have another value.
    pub lost: BTreeSet<String>,
    /// What was added to our webhooks that keeps the API server from calling them.
    pub narrowed: BTreeSet<String>,
    /// Who changed it last, as far as the API server noted that.
    pub by: Option<String>,
}

impl Drift {
    /// Compares what is there with what we wrote.
    #[must_use]
    pub fn between<K: Resource + Serialize>(ours: &K, present: &K) -> Self {
        // What is read as JSON can be written as JSON.
        let json = |object| serde_json::to_value(object).unwrap_or_default();
        let (our_json, present_json) = (json(ours), json(present));
        let mut drift = Self::default();
        drift.compare(&our_json, &present_json, "");
        for (ours, present) in items_of_both(&our_json["webhooks"], &present_json["webhooks"]) {
            drift.see_what_narrows(ours, present);
        }
        drift.by = last_other_manager(present).map(str::to_owned).filter(|_| drift.is_there());
        drift
    }

    /// Returns how it is where nothing is left.
    pub(super) fn whole() -> Self {
        Self { lost: BTreeSet::from([String::new()]), ..Self::default() }
    }

    /// Says whether there is any.
    fn is_there(&self) -> bool {
        !self.lost.is_empty() || !self.narrowed.is_empty()
    }

    /// Returns it with paths that begin at what is above the object.
    pub(super) fn within(self, above: &str) -> Self {
        let below = |path: String| if path.is_empty() { above.to_owned() } else { format!("{above}.{path}") };
        Self {
            lost: self.lost.into_iter().map(below).collect(),
            narrowed: self.narrowed.into_iter().map(below).collect(),
            ..self
        }
    }

    /// Returns that of two objects.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.lost.extend(other.lost);
        self.narrowed.extend(other.narrowed);
        self.by = self.by.or(other.by);
        self
    }

    fn compare(&mut self, ours: &Value, present: &Value, path: &str) {
        match (ours, present) {
            (Value::Object(ours), Value::Object(present)) => {
                for (key, ours) in ours {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let present = present.get(key).unwrap_or(&Value::Null);
                    match SELECTORS.contains(&key.as_str()) {
                        true if !selector(ours).without(&selector(present)).is_empty() => self.lose(&path),
                        true => {}
                        false => self.compare(ours, present, &path),
                    }
                }
            }
            (Value::Array(ours), Value::Array(items)) if ours.iter().all(|item| name(item).is_some()) => {
                for ours in ours {
                    let name = name(ours).unwrap_or_default();
                    let path = format!("{path}[{name}]");
                    self.compare(ours, item(items, name).unwrap_or(&Value::Null), &path);
                }
            }
            (ours, present) if ours == present => {}
            _ => self.lose(path),
        }
    }

    fn lose(&mut self, path: &str) {
        self.lost.insert(path.to_owned());
    }

    fn see_what_narrows(&mut self, ours: &Value, present: &Value) {
        let name = name(ours).unwrap_or_default();
        for key in SELECTORS {
            let added = selector(&present[key]).without(&selector(&ours[key]));
            if !added.is_empty() {
                self.narrowed.insert(format!("webhooks[{name}].{key}: {added}"));
            }
        }
        for condition in present[CONDITIONS].as_array().into_iter().flatten() {
            let condition = self::name(condition).unwrap_or_default();
            let mut ours = ours[CONDITIONS].as_array().into_iter().flatten();
            if ours.all(|ours| self::name(ours) != Some(condition)) {
                self.narrowed.insert(format!("webhooks[{name}].{CONDITIONS}[{condition}]"));
            }
        }
    }
}

/// Returns who else has written an object, the last one that did, as far as the API server noted it.
fn last_other_manager(object: &impl Resource) -> Option<&str> {
    let entries = object.meta().managed_fields.iter().flatten();
    let others = entries.filter(|entry| manager(entry).is_some_and(|manager| !manager.starts_with(FIELD_MANAGER)));
    others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0)).and_then(manager)
}

fn manager(entry: &ManagedFieldsEntry) -> Option<&str> {
    entry.manager.as_deref()
}

fn name(item: &Value) -> Option<&str> {
    item["name"].as_str()
}

fn item<'a>(items: &'a [Value], called: &str) -> Option<&'a Value> {
    items.iter().find(|item| name(item) == Some(called))
}

/// Returns the items of the first list with those of the same name in the second one.
fn items_of_both<'a>(ours: &'a Value, present: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let present = present.as_array().map_or(&[][..], Vec::as_slice);
    ours.as_array().into_iter().flatten().filter_map(|ours| Some((ours, item(present, name(ours)?)?)))
}

/// Returns what a selector asks for; nothing where there is none. What the API server keeps can be parsed.
fn selector(source: &Value) -> Selector {
    let source = LabelSelector::deserialize(source).unwrap_or_default();
    Selector::parse(&source, "", &mut Violations::default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
    use serde_json::json;

    fn ours() -> Value {
        json!({
            "metadata": {"name": "sidecarset", "labels": {"team": "platform"}},
            "webhooks": [
                {
                    "name": "pods", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
                    "clientConfig": {"caBundle": "UEVN", "service": {"name": "webhook", "namespace": "sidecarset"}},
                    "rules": [{"operations": ["CREATE"], "resources": ["pods"]}],
                    "namespaceSelector": {"matchExpressions": [
                        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "sidecarset"]},
                    ]},
                    "matchConditions": [{"name": "selected", "expression": "true"}],
                },
                {"name": "sets", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {}},
            ],
        })
    }

    /// Returns what is found after a change of what is there.
    fn after(change: impl FnOnce(&mut Value)) -> (Vec<String>, Vec<String>) {
        let mut present = ours();
        change(&mut present);
        let read = |value| serde_json::from_value::<MutatingWebhookConfiguration>(value).unwrap();
        let Drift { lost, narrowed, .. } = Drift::between(&read(ours()), &read(present));
        (lost.into_iter().collect(), narrowed.into_iter().collect())
    }

    fn requirements(present: &mut Value) -> &mut Vec<Value> {
        present["webhooks"][0]["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap()
    }

    fn lost(paths: &[&str]) -> (Vec<String>, Vec<String>) {
        (paths.iter().map(|&path| path.to_owned()).collect(), Vec::new())
    }

    fn narrowed(what: &[&str]) -> (Vec<String>, Vec<String>) {
        (Vec::new(), what.iter().map(|&what| what.to_owned()).collect())
    }

    #[test]
    fn what_the_api_server_and_others_add_is_no_loss() {
        let found = after(|present| {
            // The order of values, and of requirements, is no difference.
            requirements(present)[0]["values"] = json!(["sidecarset", "kube-system"]);
            present["metadata"]["annotations"] = json!({"admissions.enforcer/disabled": "true"});
            present["metadata"]["labels"]["others"] = json!("too");
            present["metadata"]["resourceVersion"] = json!("7");
            present["webhooks"][1]["objectSelector"] = json!({});
            present["webhooks"][1]["timeoutSeconds"] = json!(10);
            present["webhooks"].as_array_mut().unwrap().insert(
                0,
                json!({"name": "theirs", "admissionReviewVersions": [], "sideEffects": "None", "clientConfig": {}}),
            );
        });

        assert_eq!(found, lost(&[]));
    }

    #[test]
    fn what_keeps_pods_out_is_told_and_is_no_loss() {
        let found = after(|present| {
            let enforced = json!({"key": "control-plane", "operator": "DoesNotExist"});
            requirements(present).insert(0, enforced);
            present["webhooks"][1]["objectSelector"] = json!({"matchLabels": {"a": "b"}});
            let conditions = present["webhooks"][0]["matchConditions"].as_array_mut().unwrap();
            conditions.push(json!({"name": "theirs", "expression": "false"}));
        });

        assert_eq!(
            found,
            narrowed(&[
                "webhooks[pods].matchConditions[theirs]",
                "webhooks[pods].namespaceSelector: !control-plane",
                "webhooks[sets].objectSelector: a=b",
            ])
        );
    }

    #[test]
    fn a_field_of_ours_that_says_something_else_is_named() {
        for (change, path) in [
            (
                (|it| it["webhooks"][0]["failurePolicy"] = json!("Ignore")) as fn(&mut Value),
                "webhooks[pods].failurePolicy",
            ),
            (
                |it| it["webhooks"][0]["clientConfig"]["caBundle"] = json!("QQ=="),
                "webhooks[pods].clientConfig.caBundle",
            ),
            (|it| it["webhooks"][0]["rules"][0]["operations"] = json!(["*"]), "webhooks[pods].rules"),
            (|it| it["webhooks"][0]["matchConditions"] = json!([]), "webhooks[pods].matchConditions[selected]"),
            (|it| drop(it["metadata"].as_object_mut().unwrap().remove("labels")), "metadata.labels"),
            (|it| drop(it["webhooks"].as_array_mut().unwrap().pop()), "webhooks[sets]"),
        ] {
            assert_eq!(after(change), lost(&[path]));
        }
    }

    #[test]
    fn a_selector_that_no_longer_asks_for_what_ours_asks_is_lost() {
        let cleared = after(|present| requirements(present).clear());
        let without_us = after(|present| requirements(present)[0]["values"] = json!(["kube-system"]));

        assert_eq!(cleared, lost(&["webhooks[pods].namespaceSelector"]));
        assert_eq!(without_us.0, ["webhooks[pods].namespaceSelector"]);
    }

    #[test]
    fn the_one_who_wrote_last_is_the_last_who_is_not_one_of_us() {
        let entry = |manager: &str, time: &str| json!({"manager": manager, "time": time});
        let object: MutatingWebhookConfiguration = serde_json::from_value(json!({
            "metadata": {"managedFields": [
                entry("kubectl", "2026-01-01T00:00:00Z"),
                entry("aks-admissions-enforcer", "2026-01-02T00:00:00Z"),
                entry(FIELD_MANAGER, "2026-01-03T00:00:00Z"),
                entry(&format!("{FIELD_MANAGER}-0a1b"), "2026-01-04T00:00:00Z"),
            ]},
        }))
        .unwrap();

        assert_eq!(last_other_manager(&object), Some("aks-admissions-enforcer"));
        assert_eq!(last_other_manager(&MutatingWebhookConfiguration::default()), None);
    }
}
