//! Objects as an API server shows them, read one by one: an object that cannot be read fails no list, no watch and no answer that
//! it is in.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An object that an API server shows.
#[derive(Debug, Clone)]
pub struct Item<K> {
    /// The object, or what is known of one that cannot be read.
    pub object: Result<K, Box<Unreadable>>,
    /// Why it, or a part of it that is left out, cannot be read.
    pub fault: Option<Arc<serde_json::Error>>,
}

/// What is known of an object that cannot be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The members of its metadata that can be read.
    pub metadata: ObjectMeta,
    /// The object as it came.
    pub text: Box<RawValue>,
}

/// What is left out of an object that cannot be read, one after the other: nobody needs these to know what it asks for.
const DISPENSABLE: [Part; 2] = [Part::ManagedFields, Part::Status];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Anybody who may write an object may put times into them that the operator cannot read.
    ManagedFields,
    /// It is written anew.
    Status,
}

/// The members of an object as they stand.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

impl Unreadable {
    /// Returns the members of a member of the object as they stand; none where it is no object.
    #[must_use]
    pub fn members(&self, member: &str) -> BTreeMap<Cow<'_, str>, &RawValue> {
        let object = members(&self.text);
        object.get(member).map(|text| members(text)).unwrap_or_default()
    }

    /// Reads a member of the object; nothing is returned where it is missing or cannot be read.
    #[must_use]
    pub fn member<T: DeserializeOwned>(&self, member: &str) -> Option<T> {
        members(&self.text).get(member).and_then(|text| read(text))
    }
}

impl<K> From<K> for Item<K> {
    fn from(object: K) -> Self {
        Self { object: Ok(object), fault: None }
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Item<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // To skip a value takes no stack, however deep it is nested.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let fault = match serde_json::from_str(text.get()) {
            Ok(object) => return Ok(Self { object: Ok(object), fault: None }),
            Err(fault) => Some(Arc::new(fault)),
        };
        for without in [&DISPENSABLE[..1], &DISPENSABLE] {
            if let Some(object) = read_without(&text, without) {
                return Ok(Self { object: Ok(object), fault });
            }
        }
        let metadata = members(&text).get("metadata").map(|text| readable_metadata(text)).unwrap_or_default();
        Ok(Self { object: Err(Box::new(Unreadable { metadata, text })), fault })
    }
}

impl<K: Serialize> Serialize for Item<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.object {
            Ok(object) => object.serialize(serializer),
            Err(unreadable) => unreadable.text.serialize(serializer),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Item<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(dt: &()) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.object {
            Ok(object) => object.meta(),
            Err(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.object {
            Ok(object) => object.meta_mut(),
            Err(unreadable) => &mut unreadable.metadata,
        }
    }
}

fn read<T: DeserializeOwned>(text: &RawValue) -> Option<T> {
    serde_json::from_str(text.get()).ok()
}

fn members(text: &RawValue) -> Members<'_> {
    serde_json::from_str(text.get()).unwrap_or_default()
}

fn read_without<K: DeserializeOwned>(text: &RawValue, parts: &[Part]) -> Option<K> {
    let mut object = members(text);
    let mut metadata = members(object.get("metadata")?);
    for part in parts {
        match part {
            Part::ManagedFields => metadata.remove("managedFields"),
            Part::Status => object.remove("status"),
        };
    }
    let metadata = (!metadata.is_empty()).then(|| serde_json::value::to_raw_value(&metadata).ok()).flatten()?;
    object.insert("metadata".into(), &metadata);
    serde_json::from_str(&serde_json::to_string(&object).ok()?).ok()
}

/// Reads of the metadata of an object what can be read.
#[must_use]
pub fn readable_metadata(text: &RawValue) -> ObjectMeta {
    let members = members(text);
    let time = |member: &str| members.get(member).and_then(|text| read::<Time>(text));
    ObjectMeta {
        name: text_of(&members, "name"),
        namespace: text_of(&members, "namespace"),
        uid: text_of(&members, "uid"),
        resource_version: text_of(&members, "resourceVersion"),
        generation: members.get("generation").and_then(|text| read(text)),
        labels: members.get("labels").and_then(|text| read(text)),
        annotations: members.get("annotations").and_then(|text| read(text)),
        creation_timestamp: time("creationTimestamp"),
        deletion_timestamp: time("deletionTimestamp"),
        owner_references: members.get("ownerReferences").and_then(|text| read(text)),
        ..ObjectMeta::default()
    }
}

fn text_of(members: &Members<'_>, member: &str) -> Option<String> {
    members.get(member).and_then(|text| read(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1beta1::SidecarSet;
    use k8s_openapi::api::apps::v1::ControllerRevision;
    use k8s_openapi::api::core::v1::Namespace;
    use kube::ResourceExt;
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::{Value, json};

    fn nested(levels: usize) -> String {
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
    }

    fn set(name: &str, levels: usize) -> String {
        format!(
            r#"{{"apiVersion":"apps.kruise.io/v1beta1","kind":"SidecarSet",
            "metadata":{{"name":"{name}","uid":"u1","generation":3,"resourceVersion":"7","labels":{{"a":"b"}}}},
            "spec":{{"selector":{{"matchLabels":{{"app":"web"}}}},"containers":[{{"name":"agent","x":{}}}]}},
            "status":{{"matchedPods":5,"updatedPods":0,"readyPods":0}}}}"#,
            nested(levels)
        )
    }

    #[test]
    fn an_object_that_is_nested_too_deep_fails_no_list_and_is_known_by_its_metadata() {
        for levels in [150, 100_000] {
            let items = [set("a", 1), set("deep", levels), set("z", 1)].join(",");
            let text = format!(r#"{{"apiVersion":"v1","kind":"List","metadata":{{}},"items":[{items}]}}"#);

            let list: ObjectList<Item<SidecarSet>> = serde_json::from_str(&text).unwrap();

            let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
            assert_eq!(names, ["a", "deep", "z"]);
            assert_eq!(list.items.iter().map(|item| item.object.is_ok()).collect::<Vec<_>>(), [true, false, true]);
            let unreadable = list.items[1].object.as_ref().unwrap_err();
            assert_eq!(unreadable.metadata.generation, Some(3));
            assert_eq!(unreadable.metadata.resource_version.as_deref(), Some("7"));
            assert_eq!(unreadable.members("spec").keys().collect::<Vec<_>>(), ["containers", "selector"]);
            assert_eq!(unreadable.member::<Value>("status").unwrap()["matchedPods"], 5);
            let fault = list.items[1].fault.as_ref().unwrap().to_string();
            assert!(fault.starts_with("recursion limit exceeded"), "{fault}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_fails_no_watch() {
        let event = format!(r#"{{"type":"ADDED","object":{}}}"#, set("deep", 150));

        let event: WatchEvent<Item<SidecarSet>> = serde_json::from_str(&event).unwrap();

        let WatchEvent::Added(item) = event else { panic!("{event:?}") };
        assert_eq!((item.name_any().as_str(), item.resource_version().as_deref()), ("deep", Some("7")));
    }

    #[test]
    fn what_nobody_needs_is_left_out_of_an_object_that_cannot_be_read_with_it() {
        let fields = json!([{"manager": "x", "operation": "Update", "time": "9999-12-31T23:59:59Z"}]);
        let metadata = json!({"name": "shop", "labels": {"a": "b"}, "managedFields": fields});
        let namespace = json!({"metadata": metadata, "status": {"phase": "Active"}}).to_string();
        let mut status: Value = serde_json::from_str(&set("a", 1)).unwrap();
        status["status"]["matchedPods"] = json!(5_000_000_000_u64);

        let namespace: Item<Namespace> = serde_json::from_str(&namespace).unwrap();
        let status: Item<SidecarSet> = serde_json::from_str(&status.to_string()).unwrap();

        let read = namespace.object.unwrap();
        assert_eq!(read.metadata.labels.unwrap()["a"], "b");
        assert_eq!(read.status.unwrap().phase.as_deref(), Some("Active"));
        assert_eq!(status.object.unwrap().status, None);
        assert!(namespace.fault.is_some() && status.fault.is_some());
    }

    #[test]
    fn anything_is_an_item() {
        for text in ["null", "7", "[]", r#""a""#, "{}", r#"{"metadata":7}"#, r#"{"metadata":{"name":7,"labels":[]}}"#] {
            let item: Item<ControllerRevision> = serde_json::from_str(text).unwrap();

            assert_eq!(item.meta().name, None, "{text}");
        }
    }

    #[test]
    fn an_item_is_written_as_the_object_that_it_is() {
        for text in [r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#, r#"{"metadata":7}"#] {
            let item: Item<Namespace> = serde_json::from_str(text).unwrap();

            assert_eq!(serde_json::to_string(&item).unwrap(), text);
        }
    }
}
