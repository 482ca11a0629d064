//! The forms in which a SidecarSet is written.

use super::spelling::{Unsayable, find, put, respell, take};
use clap::ValueEnum;
use serde_json::{Value, json};
use sidecarset_api::markers::{CUSTOM_VERSION, NAMESPACE_NAME};
use sidecarset_api::{GROUP, v1alpha1, v1beta1};

const PAUSED: &[&str] = &["spec", "updateStrategy", "paused"];
const MAX_UNAVAILABLE: &[&str] = &["spec", "updateStrategy", "maxUnavailable"];
const NAMESPACE: &[&str] = &["spec", "namespace"];
const NAMESPACE_SELECTOR: &[&str] = &["spec", "namespaceSelector"];
const VERSION: &[&str] = &["spec", "customVersion"];
const VERSION_LABEL: &[&str] = &["metadata", "labels", CUSTOM_VERSION];
const OLDEST_PAUSED: &[&str] = &["spec", "paused"];
const OLDEST_MAX_UNAVAILABLE: &[&str] = &["spec", "strategy", "rollingUpdate", "maxUnavailable"];

/// The members of a spec in the oldest form.
const OLDEST_SPEC: [&str; 6] = ["containers", "initContainers", "paused", "selector", "strategy", "volumes"];

/// What later forms have in `updateStrategy` and the oldest one does without saying it.
const OLDEST_STRATEGY: [(&str, &str); 2] = [("type", "\"RollingUpdate\""), ("partition", "0")];

/// What later forms have in containers, with the value that the oldest one means without saying it.
const LATER_IN_CONTAINERS: [(&str, &str); 8] = [
    ("podInjectPolicy", "\"BeforeAppContainer\""),
    ("resourcesPolicy", "null"),
    ("shareVolumeDevicePolicy", "{\"type\":\"disabled\"}"),
    ("shareVolumePolicy", "{\"type\":\"disabled\"}"),
    ("transferEnv", "[]"),
    ("upgradeStrategy", "{\"upgradeType\":\"ColdUpgrade\"}"),
    ("restartPolicy", "null"),
    ("resizePolicy", "[]"),
];

/// A form in which a SidecarSet is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// The stored version, apps.kruise.io/v1beta1
    #[default]
    #[value(name = "v1beta1")]
    V1Beta1,
    /// The version that Kruise had before 1.9, apps.kruise.io/v1alpha1
    #[value(name = "v1alpha1")]
    V1Alpha1,
    /// The oldest form of that version, with spec.paused and spec.strategy, as in the first guide
    #[value(name = "guide")]
    Guide,
}

impl Form {
    /// Returns a set in this form.
    ///
    /// # Errors
    /// It says what the form has no words for, or the same thing twice differently.
    pub fn of(self, mut set: Value) -> Result<Value, Unsayable> {
        respell(&mut set, OLDEST_PAUSED, PAUSED)?;
        respell(&mut set, OLDEST_MAX_UNAVAILABLE, MAX_UNAVAILABLE)?;
        take_empty(&mut set, &["spec", "strategy"]);
        match self {
            Self::V1Beta1 => {
                select_namespace(&mut set)?;
                respell(&mut set, VERSION_LABEL, VERSION)?;
            }
            Self::V1Alpha1 => respell(&mut set, VERSION, VERSION_LABEL)?,
            Self::Guide => {
                respell(&mut set, VERSION, VERSION_LABEL)?;
                respell(&mut set, PAUSED, OLDEST_PAUSED)?;
                respell(&mut set, MAX_UNAVAILABLE, OLDEST_MAX_UNAVAILABLE)?;
                forget_defaults(&mut set);
                check_oldest(&set)?;
            }
        }
        let version = match self {
            Self::V1Beta1 => v1beta1::VERSION,
            Self::V1Alpha1 | Self::Guide => v1alpha1::VERSION,
        };
        set["apiVersion"] = json!(format!("{GROUP}/{version}"));
        Ok(set)
    }
}

/// Says by a selector what `spec.namespace` says by name.
fn select_namespace(set: &mut Value) -> Result<(), Unsayable> {
    let Some(name) = take(set, NAMESPACE).filter(|name| *name != "") else { return Ok(()) };
    put(set, NAMESPACE, json!({"matchLabels": {NAMESPACE_NAME: name}}));
    respell(set, NAMESPACE, NAMESPACE_SELECTOR)
}

fn take_empty(set: &mut Value, path: &[&str]) {
    let is_empty = find(set, path).is_some_and(|value| *value == json!({}) || *value == json!({"rollingUpdate": {}}));
    if is_empty {
        take(set, path);
    }
}

/// Removes what the oldest form means without saying it.
fn forget_defaults(set: &mut Value) {
    for (member, meant) in OLDEST_STRATEGY {
        let path = ["spec", "updateStrategy", member];
        if find(set, &path).is_some_and(|value| is(value, meant)) {
            take(set, &path);
        }
    }
    take_empty(set, &["spec", "updateStrategy"]);
    if find(set, &["spec", "revisionHistoryLimit"]) == Some(&json!(10)) {
        take(set, &["spec", "revisionHistoryLimit"]);
    }
    if let Some(containers) = set.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            container.retain(|name, value| {
                !LATER_IN_CONTAINERS.iter().any(|(later, meant)| name == later && is(value, meant))
            });
        }
    }
}

/// Says whether a value is the one that a text of JSON means.
fn is(value: &Value, meant: &str) -> bool {
    serde_json::from_str::<Value>(meant).is_ok_and(|meant| meant == *value)
}

/// Finds what the oldest form has no words for.
fn check_oldest(set: &Value) -> Result<(), Unsayable> {
    let unsayable = |path: String| Unsayable { path, why: "cannot be said in the oldest form".to_owned() };
    for (name, value) in set["spec"].as_object().into_iter().flatten() {
        if !OLDEST_SPEC.contains(&name.as_str()) && !value.is_null() {
            let inner =
                value.as_object().filter(|_| name == "updateStrategy").and_then(|members| members.keys().next());
            let inner = inner.map_or_else(String::new, |inner| format!(".{inner}"));
            return Err(unsayable(format!("spec.{name}{inner}")));
        }
    }
    for list in ["containers", "initContainers"] {
        for (at, container) in set["spec"][list].as_array().into_iter().flatten().enumerate() {
            let later = LATER_IN_CONTAINERS.iter().find(|(name, _)| find(container, &[name]).is_some());
            if let Some((name, _)) = later {
                return Err(unsayable(format!("spec.{list}[{at}].{name}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use sidecarset_api::v1beta1::SidecarSet;
    use sidecarset_core::normalize::normalize;

    fn guide() -> Value {
        json!({
            "apiVersion": "apps.kruise.io/v1alpha1", "kind": "SidecarSet", "metadata": {"name": "log-sc"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "paused": true,
                "strategy": {"rollingUpdate": {"maxUnavailable": 2}},
                "containers": [{"name": "agent", "image": "a:1", "fieldOfTomorrow": {"x": 1}}],
            },
        })
    }

    fn in_kruise() -> Value {
        json!({
            "apiVersion": "apps.kruise.io/v1alpha1", "kind": "SidecarSet",
            "metadata": {"name": "log-sc", "labels": {"apps.kruise.io/sidecarset-custom-version": "7"}},
            "spec": {
                "namespace": "shop",
                "selector": {"matchLabels": {"app": "web"}},
                "updateStrategy": {"paused": true, "maxUnavailable": "10%", "partition": 3},
                "containers": [{"name": "agent", "image": "a:1"}],
            },
        })
    }

    #[test]
    fn the_oldest_form_becomes_todays() {
        let set = Form::V1Beta1.of(guide()).unwrap();

        assert_eq!(set["apiVersion"], "apps.kruise.io/v1beta1");
        assert_eq!(
            set["spec"],
            json!({
                "selector": {"matchLabels": {"app": "web"}},
                "updateStrategy": {"paused": true, "maxUnavailable": 2},
                "containers": [{"name": "agent", "image": "a:1", "fieldOfTomorrow": {"x": 1}}],
            })
        );
    }

    #[test]
    fn the_namespace_and_the_version_of_the_older_version_become_members_of_the_spec() {
        let set = Form::V1Beta1.of(in_kruise()).unwrap();

        assert_eq!(set["metadata"], json!({"name": "log-sc"}));
        assert_eq!(set["spec"]["customVersion"], "7");
        assert_eq!(set["spec"]["namespaceSelector"], json!({"matchLabels": {"kubernetes.io/metadata.name": "shop"}}));
        assert_eq!(set["spec"].get("namespace"), None);
    }

    #[test]
    fn there_and_back_is_the_same_set() {
        let canonical = |set: &Value| normalize(&SidecarSet::deserialize(set).unwrap()).unwrap();
        for (set, forms) in [
            (guide(), &[Form::V1Beta1, Form::V1Alpha1, Form::Guide][..]),
            (in_kruise(), &[Form::V1Beta1, Form::V1Alpha1, Form::V1Beta1][..]),
        ] {
            let mut converted = set.clone();
            for form in forms {
                converted = form.of(converted).unwrap();
                let (before, after) = (canonical(&set), canonical(&converted));
                assert_eq!((before.hashes, before.namespaces), (after.hashes, after.namespaces));
                assert_eq!((before.rollout, before.fingerprint), (after.rollout, after.fingerprint));
            }
        }
    }

    #[test]
    fn the_oldest_form_has_no_words_for_what_came_later() {
        let refused = |set: Value| Form::Guide.of(set).unwrap_err().path;
        let mut shared = guide();
        shared["spec"]["containers"][0]["shareVolumePolicy"] = json!({"type": "enabled"});
        let mut selecting = guide();
        selecting["spec"]["namespaceSelector"] = json!({});

        assert_eq!(refused(in_kruise()), "spec.namespace");
        assert_eq!(refused(shared), "spec.containers[0].shareVolumePolicy");
        assert_eq!(refused(selecting), "spec.namespaceSelector");
    }

    #[test]
    fn what_was_stored_with_its_defaults_can_be_said_in_the_oldest_form() {
        let mut stored = guide();
        stored["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "partition": 0});
        stored["spec"]["revisionHistoryLimit"] = json!(10);
        stored["spec"]["containers"][0]["podInjectPolicy"] = json!("BeforeAppContainer");
        stored["spec"]["containers"][0]["upgradeStrategy"] = json!({"upgradeType": "ColdUpgrade"});

        assert_eq!(Form::Guide.of(stored).unwrap(), guide());
    }
}
