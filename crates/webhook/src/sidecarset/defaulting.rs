//! A set as it is stored: with its defaults, both spellings and its hashes.

use super::{custom_version, mirror};
use serde_json::{Value, json};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::{defaults, normalize};
use sidecarset_core::revision::Record;

/// A set with everything filled in that its author left open.
#[derive(Debug)]
pub(super) struct Filled {
    set: SidecarSet,
    /// What is recorded of its containers; nothing where the set is not valid.
    pub(super) record: Option<Record>,
}

/// Fills in what the author of a set left open.
pub(super) fn filled(mut set: SidecarSet, old: Option<&SidecarSet>) -> Filled {
    custom_version::mirror(&mut set, old);
    mirror::namespace(&mut set, old);
    let record = normalize(&set).is_ok().then(|| Record::of(&set, old));
    set.spec = defaults::defaulted(&set.spec);
    Filled { set, record }
}

impl Filled {
    /// Returns the members that the stored object has to have.
    pub(super) fn into_overlay(self) -> Value {
        let mut metadata = json!({});
        if let Some(record) = &self.record {
            metadata["annotations"] = json!(record.annotations());
        }
        let labels = self.set.metadata.labels.unwrap_or_default();
        if let Some(version) = labels.get(markers::CUSTOM_VERSION) {
            metadata["labels"] = json!({markers::CUSTOM_VERSION: version});
        }
        json!({"metadata": metadata, "spec": self.set.spec})
    }
}
