//! A growing patch for one Pod.

use super::patch::{Operation, Operations};
use super::{Clash, Patch, Refusal};
use crate::json::{Json, write_text};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The key of an annotation.
type Key = Cow<'static, str>;

/// The patch of a Pod, and the annotations that it is to have.
#[derive(Debug)]
pub(super) struct PodEdit<'a> {
    pod: Json<'a>,
    operations: Operations,
    pub(super) warnings: Vec<String>,
    pub(super) clashes: Vec<Clash>,
    annotations: BTreeMap<Key, String>,
}

impl<'a> PodEdit<'a> {
    /// Begins a patch of a Pod whose members have the types that are counted on here.
    pub(super) fn of(pod: Json<'a>) -> Result<Self, Refusal> {
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
        let (operations, annotations) = (Operations::default(), BTreeMap::new());
        Ok(Self { pod, operations, warnings: Vec::new(), clashes: Vec::new(), annotations })
    }

    /// Warns the author of the Pod of a clash, and keeps it for that of the set.
    pub(super) fn warn(&mut self, clash: Clash) {
        self.warnings.push(clash.message.clone());
        self.clashes.push(clash);
    }

    /// Puts items, as JSON, in front of a list of the spec.
    pub(super) fn prepend(&mut self, list: &'static str, items: &[impl AsRef<str>]) {
        if !self.has_list(list) {
            return self.append(list, items);
        }
        for (at, item) in items.iter().enumerate() {
            self.operations.write(Operation::Add, &["spec", list, &at.to_string()], item.as_ref());
        }
    }

    /// Puts items, as JSON, behind a list of the spec, and makes the list where there is none.
    pub(super) fn append(&mut self, list: &'static str, items: &[impl AsRef<str>]) {
        if items.is_empty() {
            return;
        }
        if !self.has_list(list) {
            return self.operations.write_list(&["spec", list], items);
        }
        for item in items {
            self.operations.write(Operation::Add, &["spec", list, "-"], item.as_ref());
        }
    }

    /// Replaces an item of a list of the spec. Indexes are those of the Pod as it came, so this comes before
    /// anything is put in front of the list.
    pub(super) fn replace(&mut self, list: &'static str, at: usize, item: &str) {
        self.operations.write(Operation::Replace, &["spec", list, &at.to_string()], item);
    }

    /// Returns an annotation as it was set here, or as the Pod has it.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        let set = self.annotations.get(key).map(String::as_str);
        set.or_else(|| self.pod.at("metadata").at("annotations").at(key).as_str())
    }

    /// Sets annotations. The last value counts.
    pub(super) fn annotate(&mut self, annotations: impl IntoIterator<Item = (Key, String)>) {
        self.annotations.extend(annotations);
    }

    /// Puts the annotations that were set into the patch, and makes the member where there is none.
    pub(super) fn write_annotations(&mut self) {
        let annotations = std::mem::take(&mut self.annotations);
        if self.pod.at("metadata").at("annotations").is_object() {
            for (key, value) in &annotations {
                self.operations.write_text(&["metadata", "annotations", key], value);
            }
        } else {
            self.operations.write(Operation::Add, &["metadata", "annotations"], &object(&annotations));
        }
    }

    /// Returns the patch as it has grown.
    pub(super) fn into_patch(self) -> Patch {
        self.operations.finish()
    }

    fn has_list(&self, list: &str) -> bool {
        self.pod.at("spec").at(list).is_list()
    }
}

fn object(members: &BTreeMap<Key, String>) -> String {
    let mut text = String::with_capacity(members.iter().map(|(key, value)| key.len() + value.len() + 32).sum());
    for (key, value) in members {
        text.push(if text.is_empty() { '{' } else { ',' });
        write_text(&mut text, key);
        text.push(':');
        write_text(&mut text, value);
    }
    text.push('}');
    text
}
