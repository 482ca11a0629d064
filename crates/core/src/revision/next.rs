//! What has to be written so that the past of a set is kept.

use super::{History, Revision};
use crate::normalize::{CanonicalSet, OnFailure};
use crate::record::PodRecord;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::{Value, json};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarSetStatus, VERSION};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Annotations of a set that its revisions do not get: they are about the object, not about its definition, and the
/// first one is a copy of all of it.
const LEFT_OUT: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", markers::HASH_BASIS];

/// A write by which the past of a set is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// No revision holds the present definition.
    Create(Box<NewRevision>),
    /// The revision that holds it has to become the newest one, or get the custom version.
    Update(Update),
    /// There are too many, and nobody needs this one.
    Delete(Arc<Revision>),
}

/// A revision before it is created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRevision {
    /// What it is called, and whose it is.
    pub metadata: ObjectMeta,
    /// Its number.
    pub number: i64,
    /// Its data, as JSON.
    pub data: Arc<str>,
}

/// What changes about a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The revision as it is.
    pub revision: Arc<Revision>,
    /// Its new number, where it gets one.
    pub number: Option<i64>,
    /// Its new custom version, where it gets one.
    pub custom_version: Option<Arc<str>>,
}

/// Whose an object is that has the name of a revision that was to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is that revision.
    Same(Box<Revision>),
    /// It was a deleted set's of the same name. The garbage collector removes it.
    Leftover,
    /// It is something else.
    Other,
}

/// Decides what has to be written, in this order: one thing that makes the present definition the newest of the past,
/// and then what is deleted. `source` is the metadata of the set, and `status` its status.
#[must_use]
pub fn changes(
    set: &CanonicalSet,
    source: &ObjectMeta,
    status: Option<&SidecarSetStatus>,
    history: History<'_>,
    matched: &[Arc<PodRecord>],
) -> Vec<Change> {
    // The garbage collector removes the revisions of a set that is being deleted, and waits until there are none.
    if source.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let all = history.oldest_first();
    let number = all.iter().map(|revision| revision.number).max().unwrap_or_default().saturating_add(1);
    let present = history.with_definition(set.fingerprint);
    let keep = match present {
        None => Some(Change::Create(Box::new(NewRevision {
            metadata: metadata(set, source),
            number,
            data: Arc::clone(&set.draft.data),
        }))),
        Some(present) => {
            let is_newest = all.last().is_some_and(|newest| newest.name == present.name);
            update(set, present, (!is_newest).then_some(number)).map(Change::Update)
        }
    };
    let total = all.len() + usize::from(present.is_none());
    let excess = total.saturating_sub(set.draft.limit);
    let mut changes: Vec<Change> = keep.into_iter().collect();
    // There rarely is one, and only then it matters what all the Pods have.
    if excess > 0 {
        let needed = needed(set, history, matched);
        let returns = status.map(|status| returns(set, status)).unwrap_or_default();
        let is_needed = |name: &str| needed.contains(name) || returns.contains(&Some(name));
        let removable = all.into_iter().filter(|revision| !is_needed(&revision.name));
        changes.extend(removable.take(excess).cloned().map(Change::Delete));
    }
    changes
}

/// Finds out whose an object is that has the name of a new revision of the set.
#[must_use]
pub fn taken_by(set: &CanonicalSet, object: &ControllerRevision) -> Taken {
    let Some(revision) = Revision::read(object) else {
        return Taken::Other;
    };
    if revision.belongs_to(&set.name, set.uid.as_deref()) {
        let is_same = revision.fingerprint() == Some(set.fingerprint);
        return if is_same { Taken::Same(Box::new(revision)) } else { Taken::Other };
    }
    // There is one object of a name, and it is the set: an owner of that name that is another object is gone.
    let mut owners = object.metadata.owner_references.iter().flatten();
    let is_gone = |owner: &OwnerReference| owner.kind == "SidecarSet" && *owner.name == *set.name;
    if owners.any(|owner| owner.controller == Some(true) && is_gone(owner)) { Taken::Leftover } else { Taken::Other }
}

impl Update {
    /// Returns the merge patch. It is for the very version of the object that was decided on.
    #[must_use]
    pub fn patch(&self) -> Value {
        let mut patch = json!({"metadata": {"resourceVersion": self.revision.version}});
        if let Some(number) = self.number {
            patch["revision"] = number.into();
        }
        if let Some(version) = &self.custom_version {
            patch["metadata"]["labels"] = json!({markers::CUSTOM_VERSION: version});
        }
        patch
    }
}

/// Returns what changes about the revision that holds the present definition.
fn update(set: &CanonicalSet, present: &Arc<Revision>, number: Option<i64>) -> Option<Update> {
    let number = number.filter(|number| *number > present.number);
    // As in Kruise: a version that is taken away stays on the revision.
    let custom_version = set.draft.custom_version.clone().filter(|it| Some(it) != present.custom_version.as_ref());
    let is_change = number.is_some() || custom_version.is_some();
    is_change.then(|| Update { revision: Arc::clone(present), number, custom_version })
}

/// Returns the names of the revisions that are not deleted: the present one, the one that new Pods get, and those that
/// running Pods have.
fn needed<'a>(set: &'a CanonicalSet, history: History<'a>, matched: &'a [Arc<PodRecord>]) -> BTreeSet<&'a str> {
    let present = history.with_definition(set.fingerprint);
    let pinned = set.pin.as_ref().and_then(|pin| history.asked(&pin.asked));
    let of_pods = matched.iter().filter_map(|pod| pod.carried.get(&set.name)?.revision().map(AsRef::as_ref));
    present.into_iter().chain(pinned).map(|revision| &*revision.name).chain(of_pods).collect()
}

/// Returns the names of the revisions to which a failed rollout has returned or may return, and of the one that it
/// returned from.
fn returns<'a>(set: &CanonicalSet, status: &'a SidecarSetStatus) -> [Option<&'a str>; 3] {
    let limit = set.rollout.limit_in_force();
    let may_return = limit.is_some_and(|limit| limit.on_failure == OnFailure::Rollback);
    let failure = status.failure.as_ref();
    [
        failure.and_then(|failure| failure.revision.as_deref()),
        failure.and_then(|failure| failure.rollback_revision.as_deref()),
        status.completed_revision.as_deref().filter(|_| may_return),
    ]
}

fn metadata(set: &CanonicalSet, source: &ObjectMeta) -> ObjectMeta {
    let mut labels = source.labels.clone().unwrap_or_default();
    labels.remove(markers::CUSTOM_VERSION);
    labels.extend(set.draft.custom_version.iter().map(|it| (markers::CUSTOM_VERSION.to_owned(), it.to_string())));
    labels.insert(markers::REVISION_OF.to_owned(), set.name.to_string());
    labels.insert(markers::REVISION_HASH.to_owned(), set.draft.suffix());
    let mut annotations: BTreeMap<_, _> = source.annotations.clone().unwrap_or_default();
    annotations.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
    annotations.insert(markers::HASH.to_owned(), set.hashes.full.to_string());
    annotations.insert(markers::HASH_WITHOUT_IMAGE.to_owned(), set.hashes.without_image.to_string());
    ObjectMeta {
        name: Some(set.draft.name.to_string()),
        labels: Some(labels),
        annotations: Some(annotations),
        owner_references: set.uid.as_deref().map(|uid| vec![owner(&set.name, uid)]),
        ..ObjectMeta::default()
    }
}

fn owner(set: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: format!("apps.kruise.io/{VERSION}"),
        kind: "SidecarSet".to_owned(),
        name: set.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
