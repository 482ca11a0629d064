//! A growing patch for one Pod.

use super::likeness::Restoration;
use super::patch::{Operation, Operations};
use super::presence::Stripped;
use super::spec::Spec;
use super::{Clash, Misfits, Patch, Refusal};
use crate::json::{Json, write_text};
use crate::normalize::CanonicalSet;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The key of an annotation.
type Key = Cow<'static, str>;

/// The patch of a Pod, and the annotations that it is to have.
#[derive(Debug)]
pub(super) struct PodEdit<'a> {
    pod: Json<'a>,
    spec: Spec<'a>,
    /// The annotations that the Pod has.
    present: Json<'a>,
    operations: Operations,
    pub(super) warnings: Vec<String>,
    pub(super) clashes: Vec<Clash>,
    /// The rules that the Pod would break.
    pub(super) misfits: Misfits,
    annotations: BTreeMap<Key, String>,
    removed_annotation: Option<&'static str>,
}

impl<'a> PodEdit<'a> {
    /// Begins a patch of a Pod whose members have the types that are counted on here.
    pub(super) fn of(pod: Json<'a>, spec: Spec<'a>) -> Result<Self, Refusal> {
        let shape = |path, expected| Refusal::Shape { path, expected };
        let metadata = pod.at("metadata");
        if !metadata.is_object() {
            return Err(shape("metadata", "an object"));
        }
        let present = metadata.at("annotations");
        if !present.is_null() && !present.is_object() {
            return Err(shape("metadata.annotations", "an object"));
        }
        if !spec.is_object {
            return Err(shape("spec", "an object"));
        }
        for (list, path) in [
            (spec.containers, "spec.containers"),
            (spec.init_containers, "spec.initContainers"),
            (spec.volumes, "spec.volumes"),
            (spec.image_pull_secrets, "spec.imagePullSecrets"),
        ] {
            if !list.is_null() && !list.is_list() {
                return Err(shape(path, "a list"));
            }
        }
        let (operations, annotations) = (Operations::default(), BTreeMap::new());
        let (warnings, clashes, misfits) = (Vec::new(), Vec::new(), Misfits::default());
        Ok(Self { pod, spec, present, operations, warnings, clashes, misfits, annotations, removed_annotation: None })
    }

    /// Warns the author of the Pod of a clash, and keeps it for that of the set.
    pub(super) fn warn_of(&mut self, clash: Clash) {
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

    /// Puts fields back that a container of a set has lost.
    pub(super) fn restore(&mut self, set: &CanonicalSet, stripped: &Stripped<'_>) {
        self.warn_of(stripped.clash(set));
        let at = stripped.at.to_string();
        for Restoration { operation, path, value } in &stripped.restorations {
            let place = ["spec", stripped.list, &at].into_iter().chain(path.iter().map(String::as_str));
            self.operations.write(*operation, &place.collect::<Vec<_>>(), value);
        }
    }

    /// Takes an item out of a list of the spec. Indexes are those of the Pod as it came: this comes after what is replaced, the
    /// last item first, and before anything is put in front of the list.
    pub(super) fn remove(&mut self, list: &'static str, at: usize) {
        self.operations.remove(&["spec", list, &at.to_string()]);
    }

    /// Replaces a text that is there.
    pub(super) fn replace_text(&mut self, path: &[&str], text: &str) {
        self.operations.write_text(path, text);
    }

    /// Returns how many bytes the annotations have that were set.
    pub(super) fn length_of_annotations(&self) -> usize {
        self.annotations.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Says whether an annotation was set here.
    pub(super) fn sets_annotation(&self, key: &str) -> bool {
        self.annotations.contains_key(key)
    }

    /// Returns an annotation as it was set here, or as the Pod has it.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        let set = self.annotations.get(key).map(String::as_str);
        set.or_else(|| self.present_annotation(key))
    }

    /// Returns an annotation as the Pod has it.
    pub(super) fn present_annotation(&self, key: &str) -> Option<&'a str> {
        self.present.at(key).as_str()
    }

    /// Sets annotations. The last value counts.
    pub(super) fn annotate(&mut self, annotations: impl IntoIterator<Item = (Key, String)>) {
        self.annotations.extend(annotations);
    }

    /// Takes away an annotation that the Pod has.
    pub(super) fn remove_annotation(&mut self, key: &'static str) {
        self.removed_annotation = Some(key);
    }

    /// Puts the annotations that were set into the patch, where the Pod does not have them so, and makes the member where there
    /// is none.
    pub(super) fn write_annotations(&mut self) {
        let (present, annotations) = (self.present, std::mem::take(&mut self.annotations));
        if !present.is_object() {
            if !annotations.is_empty() {
                self.operations.write(Operation::Add, &["metadata", "annotations"], &object(&annotations));
            }
            return;
        }
        for (key, value) in annotations.iter().filter(|(key, value)| !present.at(key).is(value)) {
            self.operations.write_text(&["metadata", "annotations", key], value);
        }
        if let Some(key) = self.removed_annotation {
            self.operations.remove(&["metadata", "annotations", key]);
        }
    }

    /// Returns the patch as it has grown.
    pub(super) fn into_patch(self) -> Patch {
        self.operations.finish()
    }

    fn has_list(&self, list: &str) -> bool {
        match list {
            "containers" => self.spec.containers,
            "initContainers" => self.spec.init_containers,
            "volumes" => self.spec.volumes,
            "imagePullSecrets" => self.spec.image_pull_secrets,
            _ => self.pod.at("spec").at(list),
        }
        .is_list()
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
