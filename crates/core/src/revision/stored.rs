//! A past definition of a set, as a ControllerRevision stores it.

use super::{Fingerprint, Hashes};
use crate::annotations::Seconds;
use crate::normalize::defaults::defaulted;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSetSpec;
use std::sync::Arc;

/// The members of a spec that are its history. Selectors and strategies are not.
pub const DEFINITION: [&str; 5] = ["containers", "imagePullSecrets", "initContainers", "patchPodMetadata", "volumes"];

/// A past definition of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The name of the ControllerRevision.
    pub name: Arc<str>,
    /// The name of the set, by the label.
    pub set: Arc<str>,
    /// The uid of the object that the ControllerRevision belongs to; none where it belongs to nobody.
    pub owner: Option<Arc<str>>,
    /// Higher for newer definitions of one set.
    pub number: i64,
    /// When the ControllerRevision was created.
    pub created: Seconds,
    /// The version that the author of the set gave the definition.
    pub custom_version: Option<Arc<str>>,
    /// The version of the object.
    pub version: Option<Arc<str>>,
    /// The hashes that the set had; none where they are not both recorded.
    pub hashes: Option<Hashes>,
    data: Data,
}

/// Why the definition of a revision is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(Arc<str>);

// As text, which takes a fraction of what the parsed containers would: most revisions are never asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    Definition { text: Box<str>, fingerprint: Fingerprint },
    Unreadable(Unreadable),
}

impl Revision {
    /// Reads a ControllerRevision. Nothing is returned for one that is no set's.
    #[must_use]
    pub fn read(object: &ControllerRevision) -> Option<Self> {
        let metadata = &object.metadata;
        let label = |key: &str| metadata.labels.as_ref()?.get(key).filter(|value| !value.is_empty());
        Some(Self {
            name: metadata.name.as_deref()?.into(),
            set: label(markers::REVISION_OF)?.as_str().into(),
            owner: owner(metadata),
            number: object.revision,
            created: metadata.creation_timestamp.as_ref().map_or(Seconds::EPOCH, |time| time.0.into()),
            custom_version: label(markers::CUSTOM_VERSION).map(|version| version.as_str().into()),
            version: metadata.resource_version.as_deref().map(Arc::from),
            hashes: hashes(metadata),
            data: Data::read(object.data.as_ref().map(|data| &data.0)),
        })
    }

    /// Says whether this is the past of the set of this name and uid. One that nobody owns is that of any set of the
    /// name.
    #[must_use]
    pub fn belongs_to(&self, set: &str, uid: Option<&str>) -> bool {
        *self.set == *set && self.owner.as_deref().is_none_or(|owner| uid == Some(owner))
    }

    /// Returns what tells its definition from others, where it is known.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match &self.data {
            Data::Definition { fingerprint, .. } => Some(*fingerprint),
            Data::Unreadable(_) => None,
        }
    }

    /// Returns the hashes that the set had, or those that it would have; none where the definition is not known.
    #[must_use]
    pub fn hashes_in_force(&self) -> Option<Hashes> {
        self.hashes.clone().or_else(|| {
            let spec = defaulted(&self.definition().ok()?);
            Some(super::hashes(spec.containers.as_deref(), spec.init_containers.as_deref()))
        })
    }

    /// Returns a spec with the definition, and nothing else.
    ///
    /// # Errors
    /// The data is not that of a SidecarSet.
    pub fn definition(&self) -> Result<SidecarSetSpec, Unreadable> {
        match &self.data {
            Data::Definition { text, .. } => serde_json::from_str(text).map_err(|error| Unreadable::because(&error)),
            Data::Unreadable(why) => Err(why.clone()),
        }
    }
}

impl Data {
    fn read(data: Option<&Value>) -> Self {
        let read = definition(data).and_then(|definition| {
            let text = Value::Object(definition).to_string().into_boxed_str();
            let spec: SidecarSetSpec = serde_json::from_str(&text).map_err(|error| Unreadable::because(&error))?;
            Ok(Self::Definition { text, fingerprint: Fingerprint::of(&defaulted(&spec)) })
        });
        read.unwrap_or_else(Self::Unreadable)
    }
}

impl Unreadable {
    fn because(why: &impl ToString) -> Self {
        Self(why.to_string().into())
    }
}

fn definition(data: Option<&Value>) -> Result<Map<String, Value>, Unreadable> {
    let spec = data.and_then(|data| data.get("spec")).and_then(Value::as_object);
    let spec = spec.ok_or_else(|| Unreadable::because(&"its data has no spec"))?;
    let said = DEFINITION.iter().filter_map(|member| Some((*member, spec.get(*member)?)));
    Ok(said.filter(|(_, value)| !value.is_null()).map(|(member, value)| (member.to_owned(), value.clone())).collect())
}

fn owner(metadata: &ObjectMeta) -> Option<Arc<str>> {
    let owners = metadata.owner_references.iter().flatten();
    owners.into_iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str().into())
}

fn hashes(metadata: &ObjectMeta) -> Option<Hashes> {
    let hash = |key: &str| metadata.annotations.as_ref()?.get(key).filter(|hash| !hash.is_empty());
    Some(Hashes {
        full: hash(markers::HASH)?.as_str().into(),
        without_image: hash(markers::HASH_WITHOUT_IMAGE)?.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored(change: impl FnOnce(&mut Value)) -> Value {
        let mut object = json!({
            "metadata": {
                "name": "log-sc-5f6d95f777",
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "labels": {
                    "kruise.io/sidecarset-name": "log-sc",
                    "apps.kruise.io/sidecarset-custom-version": "v1",
                },
                "annotations": {
                    "kruise.io/sidecarset-hash": "h",
                    "kruise.io/sidecarset-hash-without-image": "w",
                },
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "A", "name": "a", "uid": "uid-of-a"},
                    {"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": "uid-1",
                     "controller": true},
                ],
            },
            "revision": 7,
            "data": {"spec": {
                "$patch": "replace", "containers": [{"name": "agent", "image": "agent:v1"}], "imagePullSecrets": null,
                "initContainers": null, "patchPodMetadata": null, "volumes": null,
            }},
        });
        change(&mut object);
        object
    }

    fn read(change: impl FnOnce(&mut Value)) -> Option<Revision> {
        Revision::read(&serde_json::from_value(stored(change)).unwrap())
    }

    #[test]
    fn everything_that_is_asked_about_is_read() {
        let revision = read(|_| ()).unwrap();

        assert_eq!((&*revision.name, &*revision.set, revision.number), ("log-sc-5f6d95f777", "log-sc", 7));
        assert_eq!(revision.owner.as_deref(), Some("uid-1"));
        assert_eq!(revision.created.since_epoch(), 1_767_323_045);
        assert_eq!(revision.custom_version.as_deref(), Some("v1"));
        assert_eq!(revision.hashes, Some(Hashes { full: "h".into(), without_image: "w".into() }));
        let containers = revision.definition().unwrap().containers.unwrap();
        assert_eq!(containers[0].container["image"], "agent:v1");
    }

    #[test]
    fn a_revision_without_the_label_is_no_sets() {
        assert_eq!(read(|object| object["metadata"]["labels"] = json!({})), None);
    }

    #[test]
    fn a_revision_belongs_to_its_owner_or_to_whoever_has_the_name() {
        let owned = read(|_| ()).unwrap();
        let orphan = read(|object| object["metadata"]["ownerReferences"] = json!([])).unwrap();

        assert!(owned.belongs_to("log-sc", Some("uid-1")));
        assert!(!owned.belongs_to("log-sc", Some("uid-2")));
        assert!(!owned.belongs_to("log-sc", None));
        assert!(!owned.belongs_to("other", Some("uid-1")));
        assert!(orphan.belongs_to("log-sc", Some("uid-2")));
        assert!(!orphan.belongs_to("other", Some("uid-2")));
    }

    #[test]
    fn one_hash_alone_counts_as_none() {
        let revision = read(|object| object["metadata"]["annotations"] = json!({"kruise.io/sidecarset-hash": "h"}));

        assert_eq!(revision.unwrap().hashes, None);
    }

    #[test]
    fn data_of_something_else_says_why_it_cannot_be_read() {
        for (data, why) in [
            (json!(null), "its data has no spec"),
            (json!({"spec": []}), "its data has no spec"),
            (json!({"spec": {"containers": "many"}}), "invalid type: string \"many\", expected a sequence at line 1"),
        ] {
            let revision = read(|object| object["data"] = data).unwrap();

            let said = revision.definition().unwrap_err().to_string();
            assert!(said.starts_with(why), "{said}");
            assert_eq!(revision.fingerprint(), None);
        }
    }

    #[test]
    fn only_the_definition_is_read() {
        let revision = read(|object| object["data"]["spec"]["updateStrategy"] = json!("anything")).unwrap();

        assert_eq!(revision.definition().unwrap().update_strategy, None);
    }
}
