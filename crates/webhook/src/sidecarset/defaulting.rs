//! A set as it is stored: with its defaults, both spellings and its hashes.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use sidecarset_core::json::Document;
use sidecarset_core::normalize::spelling::{self, Version};
use sidecarset_core::normalize::{defaults, is_valid};
use sidecarset_core::revision::{Record, Recorded};
use std::collections::BTreeMap;

/// A set with everything filled in that its author left open.
#[derive(Debug)]
pub(super) struct Filled {
    set: SidecarSet,
    /// What is recorded of its containers; nothing where the set is not valid.
    pub(super) record: Option<Record>,
    /// What its author said in the spec and is there no more: null in place of each.
    gone: Option<Value>,
    /// What its author should know.
    pub(super) warnings: Vec<String>,
}

/// Fills in what the author of a set left open.
pub(super) fn filled(mut set: SidecarSet, old: Option<SidecarSet>, version: Version) -> Filled {
    let said = said_twice(&set.spec);
    let warnings = spelling::unify(&mut set, old.as_ref(), version);
    let gone = gone(&said, &said_twice(&set.spec));
    let recorded = old.map(Recorded::of);
    defaults::fill_spec(&mut set.spec);
    let record = is_valid(&set).then(|| Record::of_defaulted(&set.spec, recorded.as_ref()));
    Filled { set, record, gone, warnings }
}

/// The members that the stored object has to have. Null is what it must not have.
#[derive(Debug, Serialize)]
struct Overlay {
    metadata: Metadata,
    spec: SidecarSetSpec,
}

#[derive(Debug, Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<&'static str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<&'static str, Option<String>>>,
}

impl Filled {
    /// Returns the members that the stored object has to have, and those that it must not have: these are null.
    pub(super) fn into_overlays(self) -> [Document<'static>; 2] {
        let labels = self.set.metadata.labels;
        let metadata = Metadata {
            annotations: self.record.map(|record| record.annotations()),
            labels: labels
                .map(|mut labels| BTreeMap::from([(markers::CUSTOM_VERSION, labels.remove(markers::CUSTOM_VERSION))])),
        };
        let gone = self.gone.map_or_else(|| json!({}), |spec| json!({"spec": spec}));
        [Document::of(&Overlay { metadata, spec: self.set.spec }), Document::of(&gone)]
    }
}

/// Returns what a spec says of what has two spellings.
fn said_twice(spec: &SidecarSetSpec) -> Value {
    json!({
        "customVersion": spec.custom_version,
        "namespace": spec.namespace,
        "namespaceSelector": spec.namespace_selector,
    })
}

/// Returns null for each member that was said before and is no more, if there is any.
fn gone(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (Value::Null, _) => None,
        (_, Value::Null) => Some(Value::Null),
        (Value::Object(before), Value::Object(after)) => {
            let after = |key: &String| after.get(key).unwrap_or(&Value::Null);
            let members = before.iter().filter_map(|(key, said)| Some((key.clone(), gone(said, after(key))?)));
            let members: Map<String, Value> = members.collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        (_, _) => None,
    }
}
