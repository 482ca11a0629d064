//! A growing patch for one Pod.

use super::{Clash, Refusal};
use crate::json::Json;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, ReplaceOperation};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The patch of a Pod, and the annotations that it is to have.
#[derive(Debug)]
pub(super) struct PodEdit<'a> {
    pod: &'a Json<'a>,
    pub(super) patch: Patch,
    pub(super) warnings: Vec<String>,
    pub(super) clashes: Vec<Clash>,
    annotations: BTreeMap<String, String>,
}

impl<'a> PodEdit<'a> {
    /// Begins a patch of a Pod whose members have the types that are counted on here.
    pub(super) fn of(pod: &'a Json<'a>) -> Result<Self, Refusal> {
        let shape = |path, expected| Refusal::Shape { path, expected };
        let (metadata, spec) = (pod.at("metadata"), pod.at("spec"));
        if !metadata.is_object() {
            return Err(shape("metadata", "an object"));
        }
        let annotations = metadata.at("annotations");
        if !annotations.is_null() && !annotations.is_object() {
            return Err(shape("metadata.annotations", "an object"));
        }
        if !spec.is_object() {
            return Err(shape("spec", "an object"));
        }
        for (list, path) in [
            ("containers", "spec.containers"),
            ("initContainers", "spec.initContainers"),
            ("volumes", "spec.volumes"),
            ("imagePullSecrets", "spec.imagePullSecrets"),
        ] {
            if !spec.at(list).is_null() && !spec.at(list).is_list() {
                return Err(shape(path, "a list"));
            }
        }
        let (warnings, clashes) = (Vec::new(), Vec::new());
        Ok(Self { pod, patch: Patch::default(), warnings, clashes, annotations: BTreeMap::new() })
    }

    /// Warns the author of the Pod of a clash, and keeps it for that of the set.
    pub(super) fn warn(&mut self, clash: Clash) {
        self.warnings.push(clash.message.clone());
        self.clashes.push(clash);
    }

    /// Puts items in front of a list of the spec.
    pub(super) fn prepend(&mut self, list: &'static str, items: Vec<Value>) {
        if !self.has_list(list) {
            return self.append(list, items);
        }
        for (at, item) in items.into_iter().enumerate() {
            self.add(&["spec", list, &at.to_string()], item);
        }
    }

    /// Puts items behind a list of the spec, and makes the list where there is none.
    pub(super) fn append(&mut self, list: &'static str, items: Vec<Value>) {
        if items.is_empty() {
            return;
        }
        if !self.has_list(list) {
            return self.add(&["spec", list], Value::Array(items));
        }
        for item in items {
            self.add(&["spec", list, "-"], item);
        }
    }

    /// Replaces an item of a list of the spec. Indexes are those of the Pod as it came, so this comes before
    /// anything is put in front of the list.
    pub(super) fn replace(&mut self, list: &'static str, at: usize, item: Value) {
        let path = PointerBuf::from_tokens(["spec", list, &at.to_string()]);
        self.patch.0.push(PatchOperation::Replace(ReplaceOperation { path, value: item }));
    }

    /// Returns an annotation as it was set here, or as the Pod has it.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        let set = self.annotations.get(key).map(String::as_str);
        set.or_else(|| self.pod.at("metadata").at("annotations").at(key).as_str())
    }

    /// Sets annotations. The last value counts.
    pub(super) fn annotate(&mut self, annotations: impl IntoIterator<Item = (String, String)>) {
        self.annotations.extend(annotations);
    }

    /// Puts the annotations that were set into the patch, and makes the member where there is none.
    pub(super) fn write_annotations(&mut self) {
        let annotations = std::mem::take(&mut self.annotations).into_iter();
        let annotations = annotations.map(|(key, value)| (key, Value::from(value)));
        if self.pod.at("metadata").at("annotations").is_object() {
            for (key, value) in annotations {
                self.add(&["metadata", "annotations", &key], value);
            }
        } else {
            self.add(&["metadata", "annotations"], Value::Object(Map::from_iter(annotations)));
        }
    }

    fn has_list(&self, list: &str) -> bool {
        self.pod.at("spec").at(list).is_list()
    }

    // The tokens are escaped as RFC 6901 asks: annotation keys have slashes.
    fn add(&mut self, path: &[&str], value: Value) {
        let path = PointerBuf::from_tokens(path.iter().copied());
        self.patch.0.push(PatchOperation::Add(AddOperation { path, value }));
    }
}
