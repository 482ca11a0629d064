//! What a set says in two spellings: the one of an older version of the API, and today's. Which of them counts where they
//! contradict each other, and what becomes of the other.

use super::custom_version::{in_label, in_spec};
use crate::json::Json;
use crate::selection::{Requirement, Selector};
use crate::validation::Violations;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, LabelSelector, ManagedFieldsEntry, ObjectMeta};
use serde_json::Value;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use sidecarset_api::{markers, v1alpha1, v1beta1};
use std::fmt::{self, Display};

/// The version of the API in which a set is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `v1alpha1`
    V1Alpha1,
    /// `v1beta1`
    V1Beta1,
}

/// One of the two spellings of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Older,
    Current,
}

/// A thing that has two spellings.
#[derive(Debug)]
struct Twice {
    /// The path of each spelling: the older one, then today's.
    paths: [&'static str; 2],
    /// The same in the managed fields.
    fields: [&'static [&'static str]; 2],
}

const CUSTOM_VERSION: Twice = Twice {
    paths: ["metadata.labels[apps.kruise.io/sidecarset-custom-version]", "spec.customVersion"],
    fields: [&["f:metadata", "f:labels", "f:apps.kruise.io/sidecarset-custom-version"], &["f:spec", "f:customVersion"]],
};
const NAMESPACE: Twice = Twice {
    paths: ["spec.namespace", "spec.namespaceSelector"],
    fields: [&["f:spec", "f:namespace"], &["f:spec", "f:namespaceSelector"]],
};

/// Returns what the managed fields of a set say of who owns the spellings: nothing else of them is looked at, and they may be half of
/// the set.
#[must_use]
pub fn owned_spellings(managed_fields: Json<'_>) -> Vec<ManagedFieldsEntry> {
    let mut owned = Value::Null;
    for path in [&CUSTOM_VERSION, &NAMESPACE].into_iter().flat_map(|twice| twice.fields) {
        let has =
            |entry: Json<'_>| path.iter().try_fold(entry.at("fieldsV1"), |fields, step| fields.get(step)).is_some();
        if managed_fields.items().any(has) {
            let mut at = &mut owned;
            for step in path {
                at = &mut at[*step];
            }
        }
    }
    vec![ManagedFieldsEntry { fields_v1: Some(FieldsV1(owned)), ..ManagedFieldsEntry::default() }]
}

/// Makes both spellings of a set that is written say the same, and returns what its author should know.
///
/// Where they contradict each other, that of the version counts in which the set is written: a client that sends back what
/// it has read knows the other one only from us. But a spelling that says what it said before, and that nobody owns, is
/// one that we wrote for the other: it follows.
pub fn unify(set: &mut SidecarSet, old: Option<&SidecarSet>, version: Version) -> Vec<String> {
    [unify_custom_version(set, old, version), unify_namespace(set, old, version)].into_iter().flatten().collect()
}

fn unify_custom_version(set: &mut SidecarSet, old: Option<&SidecarSet>, version: Version) -> Option<String> {
    let agreed = old.and_then(|old| in_label(old).filter(|label| in_spec(old) == Some(label)));
    let (label, field) = (in_label(set), in_spec(set));
    let is_mirror = |spelling: Spelling| {
        let now = match spelling {
            Spelling::Older => label,
            Spelling::Current => field,
        };
        now.is_some() && now == agreed && !CUSTOM_VERSION.is_owned(&set.metadata, spelling)
    };
    let mut warning = None;
    let chosen = match (label, field) {
        (Some(label), Some(field)) if label != field => {
            let counting = version.counting(is_mirror);
            warning = CUSTOM_VERSION.warning(version, counting, is_mirror);
            Some(if counting == Spelling::Older { label } else { field })
        }
        // Where a client takes its own spelling away, the one that we wrote beside it goes too.
        (Some(_), None) if version.own() == Spelling::Current && is_mirror(Spelling::Older) => None,
        (None, Some(_)) if version.own() == Spelling::Older && is_mirror(Spelling::Current) => None,
        (label, field) => label.or(field),
    };
    let chosen = chosen.map(str::to_owned);
    match &chosen {
        Some(version) => {
            let labels = set.metadata.labels.get_or_insert_default();
            labels.insert(markers::CUSTOM_VERSION.to_owned(), version.clone());
        }
        None => {
            set.metadata.labels.as_mut().map(|labels| labels.remove(markers::CUSTOM_VERSION));
        }
    }
    set.spec.custom_version = chosen;
    warning
}

fn unify_namespace(set: &mut SidecarSet, old: Option<&SidecarSet>, version: Version) -> Option<String> {
    // A namespace that was taken away leaves its selector behind: without it, the set would all of a sudden select
    // the Pods of every namespace.
    let name = named(&set.spec)?;
    let Some(selector) = &set.spec.namespace_selector else {
        set.spec.namespace_selector = Some(only(name));
        return None;
    };
    let chosen = single(selector);
    if chosen.as_deref() == Some(name) {
        return None;
    }
    let agreed = old.and_then(|old| named(&old.spec).filter(|name| old.spec.namespace_selector == Some(only(name))));
    let is_mirror = |spelling: Spelling| {
        let is_as_before = match spelling {
            Spelling::Older => Some(name) == agreed,
            Spelling::Current => agreed.is_some_and(|agreed| chosen.as_deref() == Some(agreed)),
        };
        is_as_before && !NAMESPACE.is_owned(&set.metadata, spelling)
    };
    let counting = version.counting(is_mirror);
    let warning = NAMESPACE.warning(version, counting, is_mirror);
    match counting {
        Spelling::Older => set.spec.namespace_selector = Some(only(name)),
        // Not every selector can be said by a name.
        Spelling::Current => set.spec.namespace = chosen,
    }
    warning
}

fn named(spec: &SidecarSetSpec) -> Option<&str> {
    spec.namespace.as_deref().filter(|name| !name.is_empty())
}

fn only(name: &str) -> LabelSelector {
    let labels = [(markers::NAMESPACE_NAME.to_owned(), name.to_owned())];
    LabelSelector { match_labels: Some(labels.into_iter().collect()), ..LabelSelector::default() }
}

/// Returns the name of the namespace, where a selector selects one by its name.
fn single(selector: &LabelSelector) -> Option<String> {
    // What is wrong with a selector is told where it is read.
    match Selector::parse(selector, "", &mut Violations::default())?.requirements() {
        [Requirement::In { key, values }] if key == markers::NAMESPACE_NAME && values.len() == 1 => {
            values.first().cloned()
        }
        _ => None,
    }
}

impl Twice {
    /// Says whether anybody who writes sets has said this. What an admission webhook adds is nobody's.
    fn is_owned(&self, metadata: &ObjectMeta, spelling: Spelling) -> bool {
        let path = self.fields[spelling as usize];
        let fields = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.fields_v1.as_ref());
        let has = |fields: &Value| path.iter().try_fold(fields, |fields, step| fields.get(step)).is_some();
        fields.map(|fields| &fields.0).any(has)
    }

    /// Tells the author whose word does not count. Nobody wrote a mirror.
    fn warning(&self, version: Version, counting: Spelling, is_mirror: impl Fn(Spelling) -> bool) -> Option<String> {
        let other = counting.other();
        (!is_mirror(other)).then(|| {
            format!(
                "{}: contradicts {}, which counts in {version}: it is changed to match",
                self.paths[other as usize], self.paths[counting as usize]
            )
        })
    }
}

impl Version {
    /// Reads the name of a version.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            v1alpha1::VERSION => Some(Self::V1Alpha1),
            v1beta1::VERSION => Some(Self::V1Beta1),
            _ => None,
        }
    }

    fn own(self) -> Spelling {
        match self {
            Self::V1Alpha1 => Spelling::Older,
            Self::V1Beta1 => Spelling::Current,
        }
    }

    /// Returns the spelling that counts where both are there.
    fn counting(self, is_mirror: impl Fn(Spelling) -> bool) -> Spelling {
        let own = self.own();
        if is_mirror(own) { own.other() } else { own }
    }
}

impl Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::V1Alpha1 => v1alpha1::VERSION,
            Self::V1Beta1 => v1beta1::VERSION,
        })
    }
}

impl Spelling {
    fn other(self) -> Self {
        match self {
            Self::Older => Self::Current,
            Self::Current => Self::Older,
        }
    }
}

#[cfg(test)]
mod tests;
